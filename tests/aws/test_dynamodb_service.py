"""DynamoDbService on an emulated DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cqrs_nest.aws import AwsSession, DynamoDbService, S3Service
from cqrs_nest.aws.dynamodb import (
    ITEM_EXISTS,
    ITEM_NOT_EXISTS,
    Check,
    Condition,
    Delete,
    DynamoDbClient,
    IfNotExists,
    Increment,
    ItemTooLargeError,
    ListAppend,
    Put,
    Update,
    UpdateExpression,
    cancellation_reasons,
    is_condition_failure,
)
from cqrs_nest.aws.dynamodb.item_size import MAX_ITEM_BYTES


@pytest.fixture(params=["boto3", "aiohttp"])
def port(request: pytest.FixtureRequest) -> Any:
    """Every test of this file holds for both."""
    return request.param


KEY = {"pk": "A#t", "sk": "1"}
LARGE = {"text": "x" * 200}


async def test_an_item_comes_back(dynamodb: DynamoDbService, table: str) -> None:
    item = {**KEY, "ttl": None, "n": 1, "tags": {"a"}}
    await dynamodb.put_item(table, item)
    assert await dynamodb.get_item(table, KEY) == item
    await dynamodb.delete_item(table, KEY)
    assert await dynamodb.get_item(table, KEY) is None


async def test_an_item_that_leaves_too_little_room_is_refused_before_it_is_sent(
    dynamodb: DynamoDbService, table: str
) -> None:
    room = MAX_ITEM_BYTES - 100
    large, other = {**KEY, "text": "x" * 100}, {**KEY, "sk": "2"}
    with pytest.raises(ItemTooLargeError, match="put what is large into `attributes`"):
        await dynamodb.put_item(table, large, spare_bytes=room)
    with pytest.raises(ItemTooLargeError):
        await dynamodb.transact_write([Put(table, other), Put(table, large, spare_bytes=room)])
    assert await dynamodb.batch_get_items(table, [KEY, other]) == []
    small = {**KEY, "text": "x" * 80}
    await dynamodb.put_item(table, small, spare_bytes=room)
    assert await dynamodb.get_item(table, KEY) == small


async def test_a_failed_condition_changes_nothing(dynamodb: DynamoDbService, table: str) -> None:
    await dynamodb.put_item(table, {**KEY, "n": 1}, ITEM_NOT_EXISTS)
    with pytest.raises(ClientError) as caught:
        await dynamodb.put_item(table, {**KEY, "n": 2}, ITEM_NOT_EXISTS)
    assert is_condition_failure(caught.value)
    assert await dynamodb.get_item(table, KEY) == {**KEY, "n": 1}


async def test_a_put_whose_answer_was_lost_counts_as_done(
    dynamodb: DynamoDbService, session: AwsSession, table: str
) -> None:
    def lose_the_first_answer(attempts: int, **_: Any) -> float | None:
        return 0 if attempts == 1 else None

    session.client("dynamodb").meta.events.register_first(
        "needs-retry.dynamodb.PutItem", lose_the_first_answer
    )
    await dynamodb.put_item(table, {**KEY, "n": 1}, ITEM_NOT_EXISTS)
    assert await dynamodb.get_item(table, KEY) == {**KEY, "n": 1}
    with pytest.raises(ClientError, match="conditional request failed"):
        await dynamodb.put_item(table, {**KEY, "n": 2}, ITEM_NOT_EXISTS)


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ({}, {"set": {"a": 1, "b": None}}, {"a": 1, "b": None}),
        ({"a": 1}, {"set": {"a": Increment(5)}}, {"a": 6}),
        ({}, {"set": {"a": Increment(1, start=0)}}, {"a": 1}),
        ({"a": 5}, {"set": {"a": IfNotExists(9), "b": IfNotExists(7)}}, {"a": 5, "b": 7}),
        ({"l": [1]}, {"set": {"l": ListAppend([2, 3])}}, {"l": [1, 2, 3]}),
        ({"m": {"l": [1, 2]}}, {"set": {("m", "l", 0): 9, ("m", "x"): 1}}, {"m": {"l": [9, 2], "x": 1}}),
        ({"a.b": 1}, {"set": {"a.b": 2}}, {"a.b": 2}),
        ({"a": 1, "l": [1, 2]}, {"remove": ["a", ("l", 0)]}, {"l": [2]}),
        ({"n": 1}, {"add": {"n": 2, "s": {"x"}}}, {"n": 3, "s": {"x"}}),
        ({"s": {"x", "y"}}, {"delete": {"s": {"x"}}}, {"s": {"y"}}),
        (
            {"size": 1},
            {"set": {"size": 2}, "condition": Condition("#s = :s", {":s": 1}, {"#s": "size"})},
            {"size": 2},
        ),
    ],
)
async def test_an_update(
    dynamodb: DynamoDbService,
    table: str,
    before: Mapping[str, Any],
    changes: dict[str, Any],
    after: Mapping[str, Any],
) -> None:
    await dynamodb.put_item(table, {**KEY, **before})
    assert await dynamodb.update_item(table, KEY, **changes, touch=False) == {**KEY, **after}


async def test_an_update_notes_its_time_unless_told_not_to(dynamodb: DynamoDbService, table: str) -> None:
    assert "updatedAt" in await dynamodb.update_item(table, KEY, set={"a": 1})
    told = await dynamodb.update_item(table, KEY, set={"updatedAt": "then"})
    assert told["updatedAt"] == "then"
    assert await dynamodb.update_item(table, KEY, remove=["updatedAt"]) == {**KEY, "a": 1}
    other = {**KEY, "sk": "2"}
    assert await dynamodb.update_item(table, other, set={"a": 1}, touch=False) == {**other, "a": 1}


async def test_large_attributes_live_in_s3(
    dynamodb: DynamoDbService, session: AwsSession, s3: S3Service, table: str
) -> None:
    await dynamodb.put_item(table, {**KEY, "attributes": LARGE})
    stored = session.client("dynamodb").scan(TableName=table)["Items"][0]["attributes"]["S"]
    assert stored.startswith("s3://bucket/ddb/items/A#t/1/")
    assert await dynamodb.get_item(table, KEY) == {**KEY, "attributes": LARGE}
    assert (await dynamodb.query(table, "A#t")).items == [{**KEY, "attributes": LARGE}]


async def test_an_update_moves_large_attributes_too(dynamodb: DynamoDbService, table: str) -> None:
    await dynamodb.put_item(table, {**KEY, "attributes": {"n": 1}})
    updated = await dynamodb.update_item(table, KEY, set={"attributes": LARGE}, touch=False)
    assert updated == {**KEY, "attributes": LARGE}


async def test_a_change_is_an_update_that_nobody_reads(dynamodb: DynamoDbService, table: str) -> None:
    await dynamodb.change_item(table, KEY, set={"attributes": LARGE, "status": "a"})
    await dynamodb.change_item(table, KEY, set={"n": 1}, remove=["status"], condition=ITEM_EXISTS)
    changed = await dynamodb.get_item(table, KEY)
    assert changed is not None
    assert isinstance(changed.pop("updatedAt"), datetime)
    assert changed == {**KEY, "attributes": LARGE, "n": 1}
    with pytest.raises(ClientError) as caught:
        await dynamodb.change_item(table, KEY, set={"n": 2}, condition=ITEM_NOT_EXISTS, touch=False)
    assert is_condition_failure(caught.value)


async def test_the_limit_counts_bytes_of_json_and_is_itself_allowed(
    dynamodb: DynamoDbService, session: AwsSession, table: str
) -> None:
    frame = len('{"t":""}')
    for sk, text, where in (("1", "x" * (100 - frame), "M"), ("2", "é" * 50, "S")):
        await dynamodb.put_item(table, {"pk": "A#t", "sk": sk, "attributes": {"t": text}})
        row = session.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "A#t"}, "sk": {"S": sk}})
        assert list(row["Item"]["attributes"]) == [where]


async def test_a_partition_is_read_page_by_page(dynamodb: DynamoDbService, table: str) -> None:
    rows = [{"pk": "A#t", "sk": f"{n}"} for n in range(5)]
    for row in rows:
        await dynamodb.put_item(table, row)
    first = await dynamodb.query(table, "A#t", limit=2)
    assert first.items == rows[:2]
    assert first.last_key is not None
    second = await dynamodb.query(table, "A#t", limit=5, start_from_sk=first.last_key["sk"])
    assert (second.items, second.last_key) == (rows[2:], None)
    assert [row async for row in dynamodb.query_all(table, "A#t", order="desc")] == rows[::-1]
    narrowed = Condition("sk BETWEEN :a AND :b", {":a": "1", ":b": "3"})
    assert (await dynamodb.query(table, "A#t", sk=narrowed)).items == rows[1:4]
    assert len((await dynamodb.scan(table)).items) == 5


async def test_a_batch_reads_more_than_a_hundred_items(dynamodb: DynamoDbService, table: str) -> None:
    keys = [{"pk": "A#t", "sk": f"{n:03}"} for n in range(120)]
    for key in keys:
        await dynamodb.put_item(table, key)
    found = await dynamodb.batch_get_items(table, [*keys, {"pk": "A#t", "sk": "none"}])
    assert sorted(found, key=lambda item: item["sk"]) == keys


async def test_unread_keys_of_a_batch_are_asked_for_again(
    dynamodb: DynamoDbService, session: AwsSession, table: str
) -> None:
    keys = [{"pk": "A#t", "sk": f"{n}"} for n in range(4)]
    for key in keys:
        await dynamodb.put_item(table, key)
    rounds: list[int] = []

    def leave_half(parsed: dict[str, Any], **_: Any) -> None:
        items = parsed["Responses"][table]
        rounds.append(len(items))
        if len(items) > 1:
            parsed["Responses"][table] = items[:1]
            parsed["UnprocessedKeys"] = {
                table: {"Keys": [{"pk": item["pk"], "sk": item["sk"]} for item in items[1:]]}
            }

    session.client("dynamodb").meta.events.register("after-call.dynamodb.BatchGetItem", leave_half)
    assert len(await dynamodb.batch_get_items(table, keys)) == 4
    assert rounds == [4, 3, 2, 1]


async def test_a_transaction_does_all_or_nothing(dynamodb: DynamoDbService, table: str) -> None:
    other, third = {**KEY, "sk": "2"}, {**KEY, "sk": "3"}
    await dynamodb.put_item(table, third)
    await dynamodb.transact_write(
        [
            Put(table, {**KEY, "attributes": LARGE}, ITEM_NOT_EXISTS),
            Update(table, other, UpdateExpression(set={"n": 1})),
            Delete(table, third),
        ]
    )
    assert await dynamodb.get_item(table, KEY) == {**KEY, "attributes": LARGE}
    assert await dynamodb.get_item(table, other) == {**other, "n": 1}
    assert await dynamodb.get_item(table, third) is None

    with pytest.raises(ClientError) as caught:
        await dynamodb.transact_write([Put(table, third), Check(table, {**KEY, "sk": "9"}, ITEM_EXISTS)])
    assert cancellation_reasons(caught.value) == ["None", "ConditionalCheckFailed"]
    assert await dynamodb.get_item(table, third) is None


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
async def test_a_transaction_that_clashes_or_is_throttled_is_tried_again(
    dynamodb: DynamoDbService, client: DynamoDbClient, table: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[str] = []
    write = client.transact_write_items

    async def refuse_twice(**request: Any) -> dict[str, Any]:
        tokens.append(request["ClientRequestToken"])
        if len(tokens) > 2:
            return await write(**request)
        reasons = [{"Code": code}, {"Code": "None"}]
        error = {"Code": "TransactionCanceledException", "Message": code}
        raise ClientError({"Error": error, "CancellationReasons": reasons}, "TransactWriteItems")

    monkeypatch.setattr(client, "transact_write_items", refuse_twice)
    await dynamodb.transact_write([Put(table, KEY)])
    assert await dynamodb.get_item(table, KEY) == KEY
    assert len(set(tokens)) == 1, "the repetition is the same request, with the same token"
    assert len(tokens) == 3


@pytest.mark.beyond_moto
async def test_a_transaction_that_is_sent_again_with_its_token_does_nothing(
    dynamodb: DynamoDbService, table: str
) -> None:
    update = Update(table, KEY, UpdateExpression(set={"n": Increment(1, 0)}))
    for _ in range(2):
        await dynamodb.transact_write([update], token="the same token each time")
    item = await dynamodb.get_item(table, KEY)
    assert item is not None
    assert item["n"] == 1


@pytest.mark.beyond_moto
async def test_a_number_that_dynamodb_does_not_take_is_refused(dynamodb: DynamoDbService, table: str) -> None:
    with pytest.raises((ClientError, ValueError)):
        await dynamodb.put_item(table, {**KEY, "n": 10**38 + 1})
