"""Transactions of the embedded DynamoDB do what AWS does, for the table's readers and writers too."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cqrs_nest.aws import AwsSession
from cqrs_nest.config import Environment
from cqrs_nest.local.embedded_aws import EmbeddedAws
from cqrs_nest.local.stream_poller import StreamPoller

TABLE = "local-test-todo-command"
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}


class Account:
    def __init__(self, aws: EmbeddedAws, session: AwsSession, stream: str) -> None:
        self.aws, self.session, self.stream = aws, session, stream

    async def transact(self, *items: dict[str, Any]) -> None:
        await self.session.call("dynamodb", "transact_write_items", TransactItems=list(items))

    async def put(self, sk: str) -> None:
        await self.session.call("dynamodb", "put_item", **put(sk)["Put"])

    async def rows(self) -> dict[str, int]:
        answer = await self.session.call("dynamodb", "scan", TableName=TABLE)
        return {item["sk"]["S"]: int(item["n"]["N"]) for item in answer["Items"]}


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    aws = EmbeddedAws()
    session = AwsSession(
        Environment.load(environ={"NODE_ENV": "local", "APP_NAME": "test", **aws.variables()})
    )
    yield Account(aws, session, await aws.create_streamed_table(session, TABLE))
    await session.on_application_shutdown()
    await aws.close()


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": "P"}, "sk": {"S": sk}}


def put(sk: str, **options: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": {**key(sk), "n": {"N": "1"}}, **options}}


def update(sk: str, n: int) -> dict[str, Any]:
    values = {":n": {"N": str(n)}}
    expression = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": values}
    return {"Update": {"TableName": TABLE, "Key": key(sk), **expression}}


def delete(sk: str) -> dict[str, Any]:
    return {"Delete": {"TableName": TABLE, "Key": key(sk)}}


async def test_all_or_nothing(account: Account) -> None:
    await account.transact(put("A", **NEW), put("B"))
    await account.transact(update("A", 2), delete("B"), put("C"))
    assert await account.rows() == {"A": 2, "C": 1}

    for bad in (put("C", **NEW), update("A", 4)):
        with pytest.raises(ClientError):
            await account.transact(update("A", 3), delete("B"), put("D"), bad)
    assert await account.rows() == {"A": 2, "C": 1}


async def test_a_refusal_names_the_reasons_and_the_item_that_is_there(account: Account) -> None:
    await account.put("A")
    with pytest.raises(ClientError) as refused:
        await account.transact(put("B"), put("A", **NEW, ReturnValuesOnConditionCheckFailure="ALL_OLD"))
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == {**key("A"), "n": {"N": "1"}}


async def test_a_refused_transaction_does_not_cut_off_the_stream(account: Account) -> None:
    seen: list[str] = []

    async def deliver(event: Mapping[str, Any]) -> None:
        seen.extend(record["dynamodb"]["Keys"]["sk"]["S"] for record in event["Records"])

    poller = StreamPoller(account.session, account.stream, deliver, account.aws.table_writes)
    poller.start()
    await account.put("A")
    await poller.caught_up()
    with pytest.raises(ClientError):
        await account.transact(put("B"), put("A", **NEW))
    await account.transact(put("C"), put("D"))
    await poller.caught_up()
    await poller.stop()
    assert seen == ["A", "C", "D"]


async def test_concurrent_writers_lose_nothing_to_refused_transactions(account: Account) -> None:
    there = [f"R{n}" for n in range(200)]
    await account.put("taken")
    await asyncio.gather(*map(account.put, there))

    async def refused() -> None:
        with pytest.raises(ClientError):
            await account.transact(put("never"), put("taken", **NEW))

    work = (
        (refused(), account.put(f"W{n}"), account.transact(put(f"T{n}a"), put(f"T{n}b"))) for n in range(12)
    )
    await asyncio.gather(*(task for tasks in work for task in tasks))
    written = {
        "taken",
        *there,
        *(f"W{n}" for n in range(12)),
        *(f"T{n}{part}" for n in range(12) for part in "ab"),
    }
    assert (await account.rows()).keys() == written
