"""Emulated AWS in the process, and the services on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cqrs_nest.aws import AwsSession, DynamoDbService, S3Service
from cqrs_nest.aws.dynamodb import Boto3DynamoDbClient
from cqrs_nest.aws.dynamodb.attribute_offload import AttributeOffload
from cqrs_nest.config import Environment
from tests.emulated_aws import emulated_aws

REGION = "eu-west-1"


@pytest.fixture
def environment() -> Environment:
    return Environment(
        node_env="local",
        app_name="test",
        dynamodb_region=REGION,
        s3_region=REGION,
        sns_region=REGION,
        sqs_region=REGION,
        s3_bucket_name="bucket",
        attribute_limit_size=100,
    )


@pytest.fixture
def emulator() -> Iterator[None]:
    with emulated_aws():
        yield


@pytest.fixture
async def session(emulator: None, environment: Environment) -> AsyncIterator[AwsSession]:
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
def dynamodb(session: AwsSession, s3: S3Service, environment: Environment) -> DynamoDbService:
    return DynamoDbService(Boto3DynamoDbClient(session), AttributeOffload(s3, environment), environment)


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
