"""Tables to read from, as quick as DynamoDB; an emulator takes ten times as long as its reader."""

from __future__ import annotations

import threading
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from werkzeug.serving import WSGIRequestHandler, make_server

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Requests are no news."""


class QuickDynamoDb:
    """Scan, BatchGetItem and DescribeTable of tables that do not change; items are in DynamoDB's JSON."""

    def __init__(self, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        self._items: dict[str, dict[tuple[str, str], orjson.Fragment]] = {}
        for name, items in tables.items():
            encoded = {
                (item["pk"]["S"], item["sk"]["S"]): orjson.Fragment(orjson.dumps(item)) for item in items
            }
            self._items[name] = dict(sorted(encoded.items()))
        self._segments: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
        self._answers: dict[str, Answer] = {
            "Scan": self._scan,
            "BatchGetItem": self._batch_get,
            "DescribeTable": self._describe,
        }

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Answer requests at the URL that the block is given."""
        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
        """Answer one request."""
        request = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        operation = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2]
        body = orjson.dumps(self._answers[operation](request))
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))]
        start_response("200 OK", [*headers, ("x-amz-crc32", str(zlib.crc32(body)))])
        return [body]

    def _scan(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name, total = request["TableName"], request.get("TotalSegments", 1)
        part = (name, request.get("Segment", 0), total)
        if part not in self._segments:
            keys = [key for key in self._items[name] if zlib.crc32(key[0].encode()) % total == part[1]]
            self._segments[part] = keys
        keys = self._segments[part]
        after = request.get("ExclusiveStartKey")
        start = bisect_right(keys, _key(after)) if after else 0
        found = keys[start : start + request["Limit"]]
        answer: dict[str, Any] = {"Items": [self._items[name][key] for key in found], "Count": len(found)}
        if start + len(found) < len(keys):
            answer["LastEvaluatedKey"] = {"pk": {"S": found[-1][0]}, "sk": {"S": found[-1][1]}}
        return answer

    def _batch_get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        responses: dict[str, Any] = {}
        for name, wanted in request["RequestItems"].items():
            keys = map(_key, wanted["Keys"])
            responses[name] = [self._items[name][key] for key in keys if key in self._items[name]]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Table": {"TableName": request["TableName"], "ItemCount": len(self._items[request["TableName"]])}
        }


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
