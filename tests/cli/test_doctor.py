"""`cqrs-nest doctor` on embedded AWS that has everything, and with each thing missing in turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Annotated, Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from click.testing import CliRunner

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsSession
from cqrs_nest.cli.doctor import doctor
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.common import Controller, Get, Module, Query
from cqrs_nest.core import Container
from cqrs_nest.infrastructure import plan_resources
from cqrs_nest.infrastructure.account_check import check_account
from cqrs_nest.local.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from cqrs_nest.pipeline import command_state_machine
from cqrs_nest.read_models import SqlModule
from tests.cli.doctor_service import app

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOPIC, ALARMS = (f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}" for name in ("CqrsSnsTopic", "AlarmSnsTopic"))
JOBS, DEAD = "dev-shop-jobs", "dev-shop-dead-letters"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{JOBS}"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:command"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop"
FILTER = {"action": ["job-done", "job-failed", "job-begun"]}


class Account:
    """The account, to break."""

    def __init__(self, container: Container, subscription: str) -> None:
        self._container = container
        self._session = container.get(AwsSession)
        self.subscription = subscription

    async def findings(self) -> dict[tuple[str, str, str], str]:
        """The fix of each finding."""
        plan, tables = plan_resources(self._container), self._container.get(CommandTables)
        found = await check_account(plan, self._session, tables)
        return {(each.area, each.subject, each.problem): each.fix for each in found}

    async def call(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        return await self._session.call(service, operation, **request)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def aws() -> AsyncIterator[EmbeddedAws]:
    embedded = EmbeddedAws()
    yield embedded
    await embedded.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def account(aws: EmbeddedAws) -> AsyncIterator[Account]:
    """An account that has everything, and its settings. Only the last test may leave something broken."""
    variables = {
        **aws.variables(),
        "NODE_ENV": "dev",
        "APP_NAME": "shop",
        "DATABASE_URL": "sqlite+aiosqlite://",
        "DEAD_LETTER_QUEUE_URL": f"{aws.url}/{ACCOUNT}/{DEAD}",
        "LOG_LEVEL": "error",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        container = await app.container()
        session = container.get(AwsSession)
        await aws.create_bases(session)
        await container.get(CommandTables).create()
        yield Account(container, await _messages(session))
        await container.close()


async def _messages(session: AwsSession) -> str:
    """The queues, the state machine, and the subscription, whose ARN is given."""
    await session.call("sqs", "create_queue", QueueName=DEAD)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
    }
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{DEAD}"
    attributes = {
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 5}),
    }
    await session.call("sqs", "create_queue", QueueName=JOBS, Attributes=attributes)
    role = f"arn:aws:iam::{ACCOUNT}:role/states"
    definition = command_state_machine()
    await session.call(
        "stepfunctions", "create_state_machine", name="command", definition=definition, roleArn=role
    )
    answer = await session.call(
        "sns",
        "subscribe",
        TopicArn=TOPIC,
        Protocol="sqs",
        Endpoint=QUEUE,
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps(FILTER)},
    )
    subscription: str = answer["SubscriptionArn"]
    return subscription


async def found(*arguments: str, status: int = 1, app: str = "app") -> list[dict[str, str]]:
    def run() -> list[dict[str, str]]:
        result = CliRunner().invoke(doctor, [f"tests.cli.doctor_service:{app}", "--json", *arguments])
        assert result.exit_code == status, result.output
        findings: list[dict[str, str]] = json.loads(result.stdout)["findings"]
        return findings

    return await asyncio.to_thread(run)


async def test_an_account_that_has_everything(account: Account) -> None:
    assert await found(status=0) == []


SETTINGS = ["SNS_TOPIC_ARN", "SNS_ALARM_TOPIC_ARN", "DEAD_LETTER_QUEUE_URL", "S3_BUCKET_NAME"]


@pytest.mark.parametrize("variable", [*SETTINGS, "SFN_COMMAND_ARN"])
async def test_a_setting_that_is_missing(
    account: Account, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    [finding] = await found()
    assert (finding["area"], finding["subject"]) == ("settings", variable)
    assert finding["fix"] == f"set {variable} in the environment or in .env"


async def test_an_application_that_cannot_be_built(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    [finding] = await found()
    assert finding["area"] == "application"
    assert "DATABASE_URL" in finding["problem"]


class Unknown: ...


@Controller()
class UnknownController:
    @Get()
    async def find(self, thing: Annotated[Unknown, Query()]) -> None: ...


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"imports": [SqlModule.register("nowhere:metadata")]}, "there is no module nowhere"),
        ({"controllers": [UnknownController]}, "thing cannot be checked against"),
    ],
)
async def test_what_a_function_would_find_at_the_first_use(
    account: Account, monkeypatch: pytest.MonkeyPatch, options: Any, problem: str
) -> None:
    wrong = CqrsNest.asgi(Module(**options)(type("WrongModule", (), {})))
    monkeypatch.setattr("tests.cli.doctor_service.wrong", wrong, raising=False)
    [finding] = await found(app="wrong")
    assert finding["area"] == "application"
    assert problem in finding["problem"]


async def test_settings_without_which_nothing_can_be_looked_at(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APP_NAME")
    monkeypatch.setenv("NODE_ENV", "production")
    findings = await found()
    assert sorted(finding["subject"] for finding in findings) == ["APP_NAME", "NODE_ENV"]
    assert {finding["area"] for finding in findings} == {"settings"}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("RawMessageDelivery", "false", "its messages do not come raw"),
        ("FilterPolicy", '{"action": ["job-done"]}', "its filter policy holds back the action job-failed"),
        ("FilterPolicy", '{"kind": ["x"]}', "its filter policy holds back the action job-done, job-failed"),
        ("FilterPolicy", "{}", None),
    ],
)
async def test_a_subscription_that_is_another_one(
    account: Account, name: str, value: str, problem: str | None
) -> None:
    arn = account.subscription
    await account.call(
        "sns", "set_subscription_attributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value
    )
    findings = await found(status=1 if problem else 0)
    assert [finding["problem"] for finding in findings] == ([problem] if problem else [])
    whole = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps(FILTER)}[name]
    await account.call(
        "sns", "set_subscription_attributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=whole
    )


async def test_an_account_that_does_not_answer(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DYNAMODB", "SNS", "SQS", "SFN", "S3"):
        monkeypatch.setenv(f"{variable}_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("cqrs_nest.aws.session.ATTEMPTS", 1)
    findings = await found()
    assert {finding["area"] for finding in findings} == {"account"}
    assert "it does not answer" in findings[0]["problem"]


async def test_for_people_each_finding_has_its_fix_below(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", "nowhere")
    result = await asyncio.to_thread(CliRunner().invoke, doctor, ["tests.cli.doctor_service"])
    assert result.output == (
        "buckets: nowhere: there is no such bucket\n  fix: aws s3 mb s3://nowhere\n1 finding\n"
    )


@contextmanager
def iam(denied: str) -> Iterator[str]:
    """IAM's judge, which the emulator has not: it denies one action."""

    class Judge(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            actions = [values[0] for name, values in form.items() if name.startswith("ActionNames.member.")]
            assert form["PolicySourceArn"] == [ROLE]
            members = "".join(
                f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>"
                f"{'implicitDeny' if action == denied else 'allowed'}</EvalDecision></member>"
                for action in actions
            )
            result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
            body = (
                '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
                f"<SimulatePrincipalPolicyResult>{result}</SimulatePrincipalPolicyResult>"
                "</SimulatePrincipalPolicyResponse>"
            ).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Judge) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_what_a_role_may_not_do(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with iam(denied="sns:Publish") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", url)
        findings = await found("--role", ROLE)
    assert [finding["subject"] for finding in findings] == [TOPIC, ALARMS]
    assert {finding["problem"] for finding in findings} == {"shop may not sns:Publish"}


COMMANDS, DATA, HISTORY = (f"dev-shop-job-{kind}" for kind in ("command", "data", "history"))


async def test_each_thing_that_is_missing_in_turn(account: Account) -> None:
    """One after the other, so that each finding is new and those before stay."""
    known: set[tuple[str, str, str]] = set()

    async def breaks(area: str, subject: str, problem: str, fix: str, *call: Any) -> None:
        service, operation, request = call
        await account.call(service, operation, **request)
        findings = await account.findings()
        [new] = findings.keys() - known
        assert new[0] == area
        assert new[1].endswith(subject)
        assert problem in new[2]
        assert fix in findings[new]
        known.clear()
        known.update(findings)

    off = {"Enabled": False, "AttributeName": "ttl"}
    no_recovery = {"PointInTimeRecoveryEnabled": False}
    no_stream = {"StreamEnabled": False}
    of_queue = {"QueueUrl": JOBS}
    other_states = '{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}'
    await breaks(
        "tables", COMMANDS, "it has no stream", f"aws dynamodb update-table --table-name {COMMANDS}",
        "dynamodb", "update_table", {"TableName": COMMANDS, "StreamSpecification": no_stream},
    )  # fmt: skip
    await breaks(
        "tables", COMMANDS, "do not expire by the attribute ttl", "aws dynamodb update-time-to-live",
        "dynamodb", "update_time_to_live", {"TableName": COMMANDS, "TimeToLiveSpecification": off},
    )  # fmt: skip
    await breaks(
        "tables", DATA, "point-in-time recovery is off", "aws dynamodb update-continuous-backups",
        "dynamodb", "update_continuous_backups",
        {"TableName": DATA, "PointInTimeRecoverySpecification": no_recovery},
    )  # fmt: skip
    await account.call("dynamodb", "update_table", TableName=HISTORY, DeletionProtectionEnabled=False)
    await breaks(
        "tables", HISTORY, "there is no such table", "cqrs-nest tables create",
        "dynamodb", "delete_table", {"TableName": HISTORY},
    )  # fmt: skip
    await breaks(
        "queues", JOBS, "does not let the main topic send to it", "sns.amazonaws.com",
        "sqs", "set_queue_attributes", {**of_queue, "Attributes": {"Policy": ""}},
    )  # fmt: skip
    await account.call("sqs", "delete_queue", **of_queue)
    await breaks(
        "queues", JOBS, "it has no dead-letter queue", "RedrivePolicy",
        "sqs", "create_queue", {"QueueName": JOBS},
    )  # fmt: skip
    await breaks(
        "queues", DEAD, "there is no such queue", f"aws sqs create-queue --queue-name {DEAD}",
        "sqs", "delete_queue", {"QueueUrl": DEAD},
    )  # fmt: skip
    await breaks(
        "subscriptions", JOBS, "does not subscribe to the main", f"aws sns subscribe --topic-arn {TOPIC}",
        "sns", "unsubscribe", {"SubscriptionArn": account.subscription},
    )  # fmt: skip
    await breaks(
        "topics", ALARMS, "there is no such topic", "aws sns create-topic --name AlarmSnsTopic",
        "sns", "delete_topic", {"TopicArn": ALARMS},
    )  # fmt: skip
    await breaks(
        "topics", TOPIC, "there is no such topic", "aws sns create-topic --name CqrsSnsTopic",
        "sns", "delete_topic", {"TopicArn": TOPIC},
    )  # fmt: skip
    await breaks(
        "state machines", MACHINE, "its states are not those of this version", "cqrs-nest infra",
        "stepfunctions", "update_state_machine", {"stateMachineArn": MACHINE, "definition": other_states},
    )  # fmt: skip
    await breaks(
        "state machines", MACHINE, "there is no such state machine", "cqrs-nest infra",
        "stepfunctions", "delete_state_machine", {"stateMachineArn": MACHINE},
    )  # fmt: skip
    await breaks(
        "buckets", "local-bucket", "there is no such bucket", "aws s3 mb s3://local-bucket",
        "s3", "delete_bucket", {"Bucket": "local-bucket"},
    )  # fmt: skip
    await breaks(
        "queues", JOBS, "there is no such queue", f"aws sqs create-queue --queue-name {JOBS}",
        "sqs", "delete_queue", of_queue,
    )  # fmt: skip
