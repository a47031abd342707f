"""Emulated AWS in the process, and the services on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cqrs_nest.aws import AwsSession, DynamoDbService, S3Service
from cqrs_nest.aws.dynamodb import AiohttpDynamoDbClient, DynamoDbClient
from cqrs_nest.aws.dynamodb.attribute_offload import AttributeOffload
from cqrs_nest.aws.module import dynamodb_client
from cqrs_nest.config import Environment
from tests.emulated_aws import emulated_aws, listening_aws

REGION = "eu-west-1"


@pytest.fixture
def port() -> str:
    """What calls DynamoDB: a file of tests overrides it to run on each."""
    return "boto3"


@pytest.fixture
def emulator(port: str) -> Iterator[str | None]:
    """Emulated AWS; where it listens, if it has to be called by HTTP."""
    with listening_aws() if port == "aiohttp" else emulated_aws() as url:
        yield url


@pytest.fixture
def environment(emulator: str | None, port: Any) -> Environment:
    return Environment(
        node_env="local",
        app_name="test",
        dynamodb_client=port,
        dynamodb_endpoint=emulator,
        s3_endpoint=emulator,
        dynamodb_region=REGION,
        s3_region=REGION,
        sns_region=REGION,
        sqs_region=REGION,
        s3_bucket_name="bucket",
        attribute_limit_size=100,
    )


@pytest.fixture
async def session(environment: Environment) -> AsyncIterator[AwsSession]:
    session = AwsSession(environment)
    yield session
    await session.on_application_shutdown()


@pytest.fixture
def s3(session: AwsSession, environment: Environment) -> S3Service:
    session.client("s3").create_bucket(
        Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return S3Service(session, environment)


@pytest.fixture
async def client(session: AwsSession, environment: Environment) -> AsyncIterator[DynamoDbClient]:
    client = dynamodb_client(session, environment)
    yield client
    if isinstance(client, AiohttpDynamoDbClient):
        await client.on_application_shutdown()


@pytest.fixture
def dynamodb(client: DynamoDbClient, s3: S3Service, environment: Environment) -> DynamoDbService:
    return DynamoDbService(client, AttributeOffload(s3, environment), environment)


@pytest.fixture
def table(session: AwsSession) -> str:
    """A table with the keys pk and sk."""
    keys: Any = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    session.client("dynamodb").create_table(
        TableName="items",
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return "items"
