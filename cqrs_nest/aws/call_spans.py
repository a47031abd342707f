"""What a span tells of a call of AWS: service, operation and tables, no key and no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def call_attributes(service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a call's span.

    >>> call_attributes("dynamodb", "get_item", {"TableName": "todo", "Key": {"pk": {"S": "x"}}})
    {'rpc.system': 'aws-api', 'rpc.service': 'dynamodb', 'rpc.method': 'get_item', \
'aws.dynamodb.table_names': ['todo']}
    """
    attributes: dict[str, Any] = {
        "rpc.system": "aws-api",
        "rpc.service": service,
        "rpc.method": operation,
    }
    if tables := _tables(request):
        attributes["aws.dynamodb.table_names"] = tables
    return attributes


def _tables(request: Mapping[str, Any]) -> list[str]:
    """Those of one item, of a batch and of a transaction."""
    if "TableName" in request:
        return [request["TableName"]]
    writes = (write for item in request.get("TransactItems", ()) for write in item.values())
    return list(dict.fromkeys([*request.get("RequestItems", ()), *(write["TableName"] for write in writes)]))
