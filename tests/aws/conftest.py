"""Emulated AWS in the process, and the services on it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest

from cqrs_nest.aws import AwsSession, DynamoDbService, S3Service
from cqrs_nest.aws.dynamodb import AiohttpDynamoDbClient, DynamoDbClient
from cqrs_nest.aws.dynamodb.attribute_offload import AttributeOffload
from cqrs_nest.aws.module import dynamodb_client
from cqrs_nest.config import Environment
from tests.aws.scripted_server import ScriptedServer, scripted_server
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


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Stands in the place of DynamoDB, to answer what no emulator does."""
    async with scripted_server() as scripted:
        yield scripted


class MakeClient(Protocol):
    def __call__(self, endpoint: str | None, region: str | None = REGION) -> DynamoDbClient: ...


@pytest.fixture
def aws_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Keys in the environment, and nothing else of what botocore reads on this machine."""
    for name in (name for name in os.environ if name.upper().endswith("_PROXY") or name.startswith("AWS_")):
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "some-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@asynccontextmanager
async def clients(port: Any) -> AsyncIterator[MakeClient]:
    """Makes clients for endpoints and closes them; None leaves the endpoint to botocore."""
    made: list[tuple[AwsSession, DynamoDbClient]] = []

    def make(endpoint: str | None, region: str | None = REGION) -> DynamoDbClient:
        environment = Environment(
            node_env="local",
            app_name="t",
            dynamodb_client=port,
            dynamodb_endpoint=endpoint,
            dynamodb_region=region,
        )
        session = AwsSession(environment)
        made.append((session, dynamodb_client(session, environment)))
        return made[-1][1]

    yield make
    for session, client in made:
        if isinstance(client, AiohttpDynamoDbClient):
            await client.on_application_shutdown()
        await session.on_application_shutdown()


@pytest.fixture
async def make(port: Any, aws_settings: pytest.MonkeyPatch) -> AsyncIterator[MakeClient]:
    async with clients(port) as make:
        yield make


@pytest.fixture
async def make_boto3(aws_settings: pytest.MonkeyPatch) -> AsyncIterator[MakeClient]:
    """The client to compare with."""
    async with clients("boto3") as make:
        yield make
