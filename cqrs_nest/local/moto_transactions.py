"""Transactions of the embedded DynamoDB, without moto's copies of whole tables.

moto copies every table of a transaction first and, when a condition does not hold, puts the copies in
their place. That takes longer with every row, undoes what others wrote meanwhile, and cuts off those who
read the table's stream. Here moto runs the transaction on tables that hold only the items it names; when
it went through, those items are carried over.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

_ON_WHOLE_TABLES = DynamoDBBackend.transact_write_items


@contextmanager
def small_transactions() -> Generator[None]:
    """Let the emulator of this process do transactions like this until the block ends."""
    setattr(DynamoDBBackend, "transact_write_items", _transact_write_items)  # noqa: B010 a method of moto's
    try:
        yield
    finally:
        setattr(DynamoDBBackend, "transact_write_items", _ON_WHOLE_TABLES)  # noqa: B010


class _Changes:
    """Takes the place of a stream while it is not certain that the changes last."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any]] = []

    def add(self, old: Any, new: Any) -> None:
        self.pairs.append((old, copy.deepcopy(new)))


def _transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    keys: dict[str, list[tuple[Any, Any]]] = {}
    for item in transact_items:
        for operation in item.values():
            table = backend.tables.get(operation["TableName"])
            if table is not None:
                key = operation.get("Key") or operation["Item"]
                keys.setdefault(table.name, []).append(backend.get_keys_value(table, key))
    scratch = copy.copy(backend)
    scratch.tables = {name: _reduced(backend.tables[name], wanted) for name, wanted in keys.items()}
    _ON_WHOLE_TABLES(scratch, transact_items)
    for name, wanted in keys.items():
        _carry_over(scratch.tables[name], backend.tables[name], wanted)


def _reduced(table: Any, keys: list[tuple[Any, Any]]) -> Any:
    """A table with copies of the named items only."""
    reduced = copy.copy(table)
    reduced.items = defaultdict[Any, dict[Any, Any]](dict)
    for pk, sk in keys:
        if sk in table.items.get(pk, {}):
            reduced.items[pk][sk] = copy.deepcopy(table.items[pk][sk])
    reduced.stream_shard = table.stream_shard and _Changes()
    return reduced


def _carry_over(reduced: Any, table: Any, keys: list[tuple[Any, Any]]) -> None:
    for pk, sk in keys:
        if sk in reduced.items[pk]:
            table.items[pk][sk] = reduced.items[pk][sk]
        else:
            table.items[pk].pop(sk, None)
    if table.stream_shard is not None:
        for old, new in reduced.stream_shard.pairs:
            table.stream_shard.add(old, new)
