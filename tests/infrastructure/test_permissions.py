"""The sample application on its deployed stack: it may do what it does, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from cqrs_nest.commands import CommandTableRegistry, DataService
from cqrs_nest_sequence import SequencesService
from sample_app.todo.projection.todo_projection import TodoProjection
from tests.infrastructure.applications import PARAMETERS, SAMPLE, template_of
from tests.infrastructure.cloudformation import REGION, client, deploy, transformed
from tests.infrastructure.deployed import DeployedFunction, allowed_of, is_allowed

Resource = tuple[str, str]
"""A service and the name of something in it."""

TABLES = {
    "todo-command": "BatchGetItem DescribeTable GetItem PutItem Query Scan UpdateItem",
    "todo-data": "ConditionCheckItem GetItem PutItem Query",
    "todo-history": "GetItem PutItem Query",
    "master-command": "BatchGetItem DescribeTable GetItem PutItem Query Scan UpdateItem",
    "master-data": "BatchGetItem ConditionCheckItem GetItem PutItem Query",
    "master-history": "GetItem PutItem Query",
    "sequences": "GetItem UpdateItem",
    "tenant-data": "GetItem",
}
OTHERS = {
    ("sns", "dev-todo-main-sns"): "Publish",
    ("sns", "dev-todo-alarm-sns"): "Publish",
    ("sqs", "dev-todo-dead-letters"): "SendMessage",
    ("s3", "BUCKET/*"): "DeleteObject GetObject PutObject",
}
"""What the application itself calls."""
_STREAM = "DescribeStream GetRecords GetShardIterator ListStreams"
OF_LAMBDA = {
    ("sqs", "dev-todo-failed-invocations"): "SendMessage",
    ("sqs", "dev-todo-todo-activity-queue"): "DeleteMessage GetQueueAttributes ReceiveMessage",
    ("logs", "/aws/lambda/dev-todo:*"): "CreateLogStream PutLogEvents",
    ("s3", "BUCKET"): "ListBucket",
    ("dynamodb", "dev-todo-todo-command/stream/*"): _STREAM,
    (
        "dynamodb",
        "dev-todo-master-command/stream/*",
    ): "DescribeStream GetRecords GetShardIterator ListStreams",
}
"""What Lambda calls for it, with its role; and what S3 asks for to answer that an object is not there."""


@pytest.fixture
def function(account: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedFunction]:
    """The sample's function with the variables that its stack gives it, but for the database."""
    deploy(transformed(template_of(SAMPLE)), {"Stage": "dev", **PARAMETERS[SAMPLE]})
    function = DeployedFunction("dev-todo")
    # moto has not the policy's condition, by which it denies only what comes without TLS.
    client("s3").delete_bucket_policy(Bucket=function.variables["S3_BUCKET_NAME"])
    variables = {
        **function.variables,
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/todos.sqlite3",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_REGION": REGION,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    yield function
    function.close()


def test_the_application_runs_on_its_stack_with_each_of_its_permissions_and_no_other(
    function: DeployedFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_everything(function, monkeypatch)

    statements = allowed_of(function.role)
    assert [call for call in sorted(function.calls) if not is_allowed(call, statements)] == []
    tables = {("dynamodb", f"dev-todo-{table}"): calls for table, calls in TABLES.items()}
    expected = named({**tables, **OTHERS}, function.variables["S3_BUCKET_NAME"])
    of_lambda = named(OF_LAMBDA, function.variables["S3_BUCKET_NAME"])
    allowed = by_resource(
        (action, arn) for actions, arns in statements for action in actions for arn in arns if arn != "*"
    )
    assert allowed == expected | of_lambda
    called = by_resource(function.calls)
    # The tables of todos stand for those of every module: the story is not one of master data.
    assert {name: called.get(name) for name in expected if "master" not in name[1]} == {
        name: calls for name, calls in expected.items() if "master" not in name[1]
    }


def use_everything(function: DeployedFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests, their deliveries, a recovery and a failing command: all that the application does on AWS."""
    status, todo = function.request("POST", "/api/todo", {"name": "Milk", "description": "two litres of it"})
    assert status == 201, todo
    function.deliver()
    pk, sk = todo["pk"], todo["sk"].partition("@")[0]
    path = f"/api/todo/{quote(pk, safe='')}/{quote(sk, safe='')}"
    assert function.request("GET", path)[1]["name"] == "Milk"
    assert function.request("PATCH", path, {"version": 1, "name": "Oat milk"})[0] == 200
    function.deliver()
    [found] = function.request("GET", "/api/todo/search?keyword=oat")[1]["items"]
    assert found["name"] == "Oat milk"
    assert [each["name"] for each in function.request("GET", "/api/todo")[1]["items"]] == ["Oat milk"]
    assert len(function.request("GET", f"{path}/history")[1]["items"]) == 2
    assert function.request("PATCH", path, {"version": 2, "priority": 1})[0] == 200
    function.lose_records()
    assert function.request("PATCH", path, {"version": 3, "priority": 2})[0] == 200
    function.deliver()
    table = function.application.get(CommandTableRegistry).table("todo")
    assert table is not None
    first = function.run(lambda: table.get(DataService).get_item(pk=pk, sk=sk, at_version=1))
    assert first is not None
    assert first.name == "Milk"
    known = function.run(lambda: table.get(DataService).get_item(pk=pk, sk=sk, at_time=datetime.now(UTC)))
    assert known is not None
    sequences = function.application.get(SequencesService)
    function.run(lambda: sequences.get_current_sequence(pk="SEQ#acme", sk="TODO"))
    function.tick("dev-todo-recover-commands")
    monkeypatch.setattr(TodoProjection, "row", _fail)
    assert function.request("POST", "/api/todo", {"name": "Sour milk"})[0] == 201
    function.deliver()
    [letter] = function.messages("dev-todo-dead-letters")
    assert letter["content"]["errorMessage"].startswith("ValueError: spilt")


def _fail(*arguments: object) -> None:
    raise ValueError("spilt")


def named(table: Mapping[Resource, str], bucket: str) -> dict[Resource, set[str]]:
    """A table of this file with the name that the bucket got."""
    return {
        (service, name.replace("BUCKET", bucket)): set(calls.split())
        for (service, name), calls in table.items()
    }


def by_resource(calls: Iterable[tuple[str, str]]) -> dict[Resource, set[str]]:
    """The actions by service and resource, objects of the bucket as one."""
    found: dict[Resource, set[str]] = {}
    for action, arn in calls:
        service, _, name = action.partition(":")
        resource = arn.split(":", 5)[5].removeprefix("table/").removeprefix("log-group:")
        if service == "s3" and "/" in resource:
            resource = f"{resource.partition('/')[0]}/*"
        found.setdefault((service, resource), set()).add(name)
    return found
