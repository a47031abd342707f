"""DynamoDB: values, conditions and updates in plain Python, behind one small port."""

from cqrs_nest.aws.dynamodb.aiohttp_client import AiohttpDynamoDbClient
from cqrs_nest.aws.dynamodb.attribute_values import (
    Item,
    deserialize,
    deserialize_item,
    serialize,
    serialize_item,
)
from cqrs_nest.aws.dynamodb.client import Boto3DynamoDbClient, DynamoDbClient
from cqrs_nest.aws.dynamodb.expressions import (
    ITEM_EXISTS,
    ITEM_NOT_EXISTS,
    Condition,
    IfNotExists,
    Increment,
    ListAppend,
    UpdateExpression,
)
from cqrs_nest.aws.dynamodb.failures import is_condition_failure, is_conflict
from cqrs_nest.aws.dynamodb.item_size import ItemTooLargeError
from cqrs_nest.aws.dynamodb.service import DynamoDbService, Order, Page
from cqrs_nest.aws.dynamodb.table_names import TableType, module_name, table_name, table_prefix
from cqrs_nest.aws.dynamodb.transactions import (
    Check,
    Delete,
    Put,
    TransactionItem,
    Update,
    cancellation_reasons,
)

__all__ = [
    "ITEM_EXISTS",
    "ITEM_NOT_EXISTS",
    "AiohttpDynamoDbClient",
    "Boto3DynamoDbClient",
    "Check",
    "Condition",
    "Delete",
    "DynamoDbClient",
    "DynamoDbService",
    "IfNotExists",
    "Increment",
    "Item",
    "ItemTooLargeError",
    "ListAppend",
    "Order",
    "Page",
    "Put",
    "TableType",
    "TransactionItem",
    "Update",
    "UpdateExpression",
    "cancellation_reasons",
    "deserialize",
    "deserialize_item",
    "is_condition_failure",
    "is_conflict",
    "module_name",
    "serialize",
    "serialize_item",
    "table_name",
    "table_prefix",
]
