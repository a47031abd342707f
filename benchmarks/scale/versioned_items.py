"""Tables in which every item has come to the same version, in the place of AWS: it answers at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cqrs_nest.aws import AwsSession

_BETWEEN = re.compile(r"BETWEEN (:\w+) AND (:\w+)")
_AT_LEAST = re.compile(r">= (:\w+)")

Row = dict[str, Any]
"""In DynamoDB's JSON."""


class VersionedItems(AwsSession):
    """Every item that is asked for has the commands 1 to `version`, all applied. Writes change nothing.

    What a row looks like is taken from the first one that is put into a table.
    """

    version = 0
    calls = 0

    @property
    def rows(self) -> dict[str, Row]:
        """The row that was put first, by the kind of its table."""
        rows: dict[str, Row] = self.__dict__.setdefault("_rows", {})
        return rows

    async def call(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        self.calls += 1
        match operation:
            case "get_item":
                row = self._row(_kind(request["TableName"]), request["Key"])
                return {} if row is None else {"Item": row}
            case "query":
                return {"Items": self._commands(request)}
            case "batch_get_item":
                [(table, wanted)] = request["RequestItems"].items()
                found = (self._row(_kind(table), key) for key in wanted["Keys"])
                return {"Responses": {table: [row for row in found if row is not None]}}
            case "transact_write_items" if not self.version:
                for put in (write["Put"] for write in request["TransactItems"] if "Put" in write):
                    self.rows.setdefault(_kind(put["TableName"]), put["Item"])
            case "publish":
                return {"MessageId": "1"}
            case "update_item":
                return {"Attributes": {}}
        return {}

    def _row(self, kind: str, key: Mapping[str, Any]) -> Row | None:
        sk = key["sk"]["S"]
        version = int(sk.rpartition("@")[2]) if kind == "command" else self.version
        if kind not in self.rows or not 1 <= version <= self.version:
            return None
        return {**self.rows[kind], **key, "version": {"N": str(version)}}

    def _commands(self, request: Mapping[str, Any]) -> list[Row]:
        """The commands between two sort keys, from a version on: what a Query of `LatestCommand` finds."""
        values = request["ExpressionAttributeValues"]
        between = _BETWEEN.search(request["KeyConditionExpression"])
        at_least = _AT_LEAST.search(request["FilterExpression"])
        assert between
        assert at_least
        sk, first = values[between[1]]["S"].split("@")
        last = values[between[2]]["S"].split("@")[1].removesuffix(":")
        start = int(values[at_least[1]]["N"])
        pk = next(value for value in values.values() if value.get("S", "@").partition("@")[1] == "")
        found = [version for version in texts_between(first, last, self.version) if version >= start]
        rows = (self._row("command", {"pk": pk, "sk": {"S": f"{sk}@{version}"}}) for version in found)
        return [row for row in rows if row is not None]


def texts_between(first: str, last: str, most: int) -> Iterator[int]:
    """The numbers up to `most` that are between two others as texts; those that begin with the last count.

    >>> sorted(texts_between("100", "102", 1020))[:4], len([*texts_between("9", "9", 1000)])
    ([100, 101, 102, 1000], 111)
    """
    for digits in range(1, len(str(most)) + 1):
        longer = 10 ** max(digits - len(first), 0)
        low = int(first[:digits]) * longer + (digits < len(first))
        longer = 10 ** max(digits - len(last), 0)
        high = int(last[:digits]) * longer + longer - 1
        yield from range(max(low, 10 ** (digits - 1)), min(high, 10**digits - 1, most) + 1)


def _kind(table: str) -> str:
    return table.rpartition("-")[2]
