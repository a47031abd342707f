"""A function of a deployed stack, invoked as Lambda does it: by its mappings, its API, its rules."""

from __future__ import annotations

import ast
import fnmatch
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from typing import Any, TypeVar
from unittest import mock

import boto3
from botocore.client import BaseClient
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from cqrs_nest.app import NestApplication
from cqrs_nest.app.lambda_handler import LambdaFunction
from cqrs_nest.events.lambda_events import queue_event, stream_event
from tests.infrastructure.cloudformation import REGION

T = TypeVar("T")
Call = tuple[str, str]
"""An action of IAM, and the ARN of what it is done to."""

_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
ACCOUNT = "123456789012"
_SQS = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/"


class DeployedFunction:
    """The function by its name. `calls` is what it has called, by the actions that IAM asks for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: set[Call] = set()
        self._lambda = boto3.client("lambda", region_name=REGION)
        self._configuration = self._lambda.get_function_configuration(FunctionName=name)
        module, _, attribute = self._configuration["Handler"].rpartition(".")
        self.variables: Mapping[str, str] = self._configuration["Environment"]["Variables"]
        self.role = self._configuration["Role"].rpartition("/")[2]
        self._handler = _fresh(module, attribute)
        self._positions: dict[str, str] = {}
        mappings = self._lambda.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        self._sources = [mapping["EventSourceArn"] for mapping in mappings]
        _keep_moto_from_invoking()

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """One invocation; its calls are noted."""
        with _noting(self.calls):
            return self._handler(event, None)

    @property
    def application(self) -> NestApplication:
        """The application within the function."""
        return self._handler.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Work within the function, as a handler of its own would do it; its calls are noted."""
        with _noting(self.calls):
            return self._handler._run(work())

    def close(self) -> None:
        """End the function."""
        self._handler.close()

    def request(self, method: str, path: str, body: Any = None, **claims: str) -> tuple[int, Any]:
        """A request that the API's authorizer has let through; status and body of the answer."""
        path, _, query = path.partition("?")
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "198.51.100.7"},
                "authorizer": {"jwt": {"claims": {"sub": "ann", "custom:tenant": "acme", **claims}}},
                "stage": "$default",
            },
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = self.invoke(event)
        return answer["statusCode"], json.loads(answer["body"])

    def deliver(self) -> None:
        """What is new in the mapped streams and queues, until nothing is."""
        while any(self._deliver(source) for source in self._sources):
            pass

    def lose_records(self) -> None:
        """What is new in the mapped streams, never to be delivered."""
        for source in self._sources:
            if ":dynamodb:" in source:
                self._new_records(source)

    def tick(self, rule: str) -> None:
        """A tick of one of the rules whose target is the function."""
        events = boto3.client("events", region_name=REGION)
        arn = events.describe_rule(Name=rule)["Arn"]
        [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
        assert target["Arn"] == self._configuration["FunctionArn"]
        fields = {"id": "1", "account": ACCOUNT, "time": "2026-01-01T00:00:00Z", "region": REGION}
        source = {"detail-type": "Scheduled Event", "source": "aws.events", "resources": [arn], "detail": {}}
        self.invoke(fields | source)

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """What waits in a queue."""
        client = boto3.client("sqs", region_name=REGION)
        found = client.receive_message(QueueUrl=_SQS + queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]

    def _deliver(self, arn: str) -> bool:
        return self._deliver_stream(arn) if ":dynamodb:" in arn else self._deliver_queue(arn)

    def _deliver_stream(self, arn: str) -> bool:
        records = self._new_records(arn)
        inserts = [record for record in records if record["eventName"] == "INSERT"]
        if inserts:
            assert self.invoke(stream_event(inserts, arn)) == {"batchItemFailures": []}
        return bool(records)

    def _new_records(self, arn: str) -> list[dict[str, Any]]:
        # moto does not know the address that has the account in it.
        endpoint = f"https://streams.dynamodb.{REGION}.amazonaws.com"
        client = boto3.client("dynamodbstreams", region_name=REGION, endpoint_url=endpoint)
        if arn not in self._positions:
            [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
            asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            self._positions[arn] = client.get_shard_iterator(**asked)["ShardIterator"]
        answer = client.get_records(ShardIterator=self._positions[arn])
        self._positions[arn] = answer["NextShardIterator"]
        records: list[dict[str, Any]] = answer["Records"]
        return records

    def _deliver_queue(self, arn: str) -> bool:
        client, url = boto3.client("sqs", region_name=REGION), _SQS + arn.rpartition(":")[2]
        asked = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **asked).get("Messages", [])
        if messages:
            assert self.invoke(queue_event(messages, arn)) == {"batchItemFailures": []}
        for message in messages:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(messages)


def _fresh(module: str, attribute: str) -> LambdaFunction:
    """The handler of a module that nobody else has imported."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.loader is not None
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    handler = getattr(loaded, attribute)
    assert isinstance(handler, LambdaFunction)
    return handler


def _keep_moto_from_invoking() -> None:
    """It would run the function itself, in a container."""
    for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
        table.lambda_event_source_mappings.clear()
    for queue in sqs_backends[ACCOUNT][REGION].queues.values():
        queue.lambda_event_source_mappings.clear()


def allowed_of(role: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The statements of a role: actions and ARNs."""
    iam = boto3.client("iam", region_name=REGION)
    statements: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        # moto keeps the document of a stack's role as Python writes it.
        document = ast.literal_eval(
            str(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        )
        statements += [(tuple(each["Action"]), tuple(each["Resource"])) for each in document["Statement"]]
    return statements


def is_allowed(call: Call, statements: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> bool:
    """Whether a statement of a role permits a call."""
    action, arn = call
    return any(
        action in actions and any(fnmatch.fnmatchcase(arn, pattern) for pattern in arns)
        for actions, arns in statements
    )


@contextmanager
def _noting(calls: set[Call]) -> Iterator[None]:
    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(client: Any, operation: str, request: dict[str, Any]) -> Any:
        calls.update(_actions(client.meta.service_model.service_name, operation, request))
        return original(client, operation, request)

    with mock.patch.object(BaseClient, "_make_api_call", noted):
        yield


def _actions(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Call]:
    match service, operation:
        case "dynamodb", "TransactWriteItems":
            for item in request["TransactItems"]:
                ((kind, given),) = item.items()
                yield f"dynamodb:{_TRANSACTION[kind]}", _arn("dynamodb", f"table/{given['TableName']}")
        case "dynamodb", "BatchGetItem":
            for table in request["RequestItems"]:
                yield "dynamodb:BatchGetItem", _arn("dynamodb", f"table/{table}")
        case "dynamodb", _:
            yield f"dynamodb:{operation}", _arn("dynamodb", f"table/{request['TableName']}")
        case "s3", _:
            yield f"s3:{operation}", f"arn:aws:s3:::{request['Bucket']}/{request['Key']}"
        case "sns", "Publish" | "PublishBatch":
            yield "sns:Publish", request["TopicArn"]
        case "sqs", _:
            yield f"sqs:{operation}", _arn("sqs", request["QueueUrl"].rpartition("/")[2])
        case "stepfunctions", "StartExecution":
            yield "states:StartExecution", request["stateMachineArn"]
        case _:
            raise AssertionError(f"{service} {operation} has no rule here by which IAM is asked")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
