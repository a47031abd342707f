"""The services below commands, when a recording calls them itself, with TypeScript's names of arguments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cqrs_nest.aws import DynamoDbService, S3Service, SnsService
from cqrs_nest.aws.dynamodb import TableType
from cqrs_nest.commands import DataService, HistoryService, TtlService
from cqrs_nest.commands.data_service import DEFAULT_PAGE_SIZE
from tests.golden.operations import Call, operation, page_options


def argument(call: Call, *names: str, default: Any = None) -> Any:
    """The argument that has one of these names."""
    arguments = call.arguments
    return next((arguments[name] for name in names if arguments.get(name) is not None), default)


def table_of(call: Call) -> str:
    """The table in the arguments; where none was recorded, the one of the first call."""
    return str(argument(call, "table", "tableName") or call.step.calls[0]["target"])


@operation("DynamoDbService.putItem")
async def put_item(call: Call) -> Any:
    item = argument(call, "item", "input")
    condition = argument(call, "conditions", "condition", "conditionExpression")
    await call.container.get(DynamoDbService).put_item(table_of(call), item, condition)
    return item


@operation("DynamoDbService.getItem")
async def get_item(call: Call) -> Any:
    return await call.container.get(DynamoDbService).get_item(table_of(call), call.key)


@operation("DynamoDbService.deleteItem")
async def delete_item(call: Call) -> Any:
    await call.container.get(DynamoDbService).delete_item(table_of(call), call.key)
    return call.step.recorded["result"]


@operation("DynamoDbService.listItemsByPk")
async def list_items_by_pk(call: Call) -> Any:
    given = {
        name: value for name, value in call.arguments.items() if name in ("startFromSk", "limit", "order")
    }
    options = page_options({"options": {**given, "sk": argument(call, "sk")}})
    options.setdefault("limit", DEFAULT_PAGE_SIZE)
    page = await call.container.get(DynamoDbService).query(table_of(call), call.arguments["pk"], **options)
    last = {} if page.last_key is None else {"lastSk": page.last_key["sk"]}
    return {**last, "items": page.items}


@operation("DynamoDbService.listAllItems")
async def list_all_items(call: Call) -> Any:
    limit = argument(call, "limit", default=DEFAULT_PAGE_SIZE)
    start = argument(call, "startKey")
    page = await call.container.get(DynamoDbService).scan(table_of(call), start_key=start, limit=limit)
    last = {} if page.last_key is None else {"lastKey": page.last_key}
    return {**last, "items": page.items}


@operation("DynamoDbService.getTableName")
async def get_table_name(call: Call) -> Any:
    module = argument(call, "moduleName", "module", "tableName", "table")
    return call.container.get(DynamoDbService).get_table_name(module, argument(call, "type"))


@operation("DataService.publish")
async def publish_data(call: Call) -> Any:
    return await call.service(DataService).publish(argument(call, "cmd", "command", "input"))


@operation("HistoryService.publish")
async def publish_history(call: Call) -> Any:
    row = argument(call, "data", "input", "key", default=call.arguments)
    return await call.service(HistoryService).publish(pk=row["pk"], sk=row["sk"])


@operation("TtlService.calculateTtl")
async def calculate_ttl(call: Call) -> Any:
    start = argument(call, "startDate", "start")
    moment = datetime.fromisoformat(start) if isinstance(start, str) else start
    type, tenant = TableType(argument(call, "type")), argument(call, "tenantCode", "tenant")
    return await call.service(TtlService).calculate_ttl(type, tenant, moment)


@operation("TtlService.getTtlConfiguration")
async def get_ttl_configuration(call: Call) -> Any:
    type, tenant = TableType(argument(call, "type")), argument(call, "tenantCode", "tenant")
    return await call.service(TtlService).get_ttl_configuration(type, tenant)


@operation("S3Service.putItem")
async def put_object(call: Call) -> Any:
    service, key = call.container.get(S3Service), call.arguments["key"]
    await service.put_item(key, argument(call, "item", "value", "data", "obj"))
    return {"Bucket": service.bucket, "Key": key}


@operation("S3Service.getItem")
async def get_object(call: Call) -> Any:
    return await call.container.get(S3Service).get_item(call.arguments["key"])


@operation("SnsService.publish")
async def publish_message(call: Call) -> Any:
    """What came to the queue is compared; the answer of SNS is an id of its own."""
    message = argument(call, "msg", "message", "event", "input")
    await call.container.get(SnsService).publish(message, argument(call, "topicArn"))
    return call.step.recorded["result"]
