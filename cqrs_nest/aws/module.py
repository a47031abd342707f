"""`AwsModule`: the services of AWS, to import where they are injected."""

from __future__ import annotations

from cqrs_nest.aws.appsync import AppSyncEventsService, AppSyncService
from cqrs_nest.aws.dynamodb.aiohttp_client import AiohttpDynamoDbClient
from cqrs_nest.aws.dynamodb.attribute_offload import AttributeOffload
from cqrs_nest.aws.dynamodb.client import Boto3DynamoDbClient, DynamoDbClient
from cqrs_nest.aws.dynamodb.service import DynamoDbService
from cqrs_nest.aws.s3 import S3Service
from cqrs_nest.aws.ses import EmailService
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.aws.signed_http import SignedHttp
from cqrs_nest.aws.sns import SnsService
from cqrs_nest.aws.sqs import SqsService
from cqrs_nest.aws.step_functions import StepFunctionService
from cqrs_nest.common import Module, provide
from cqrs_nest.config import Environment

SERVICES = (
    AwsSession,
    DynamoDbService,
    S3Service,
    SnsService,
    SqsService,
    StepFunctionService,
    EmailService,
    AppSyncService,
    AppSyncEventsService,
)


def dynamodb_client(session: AwsSession, environment: Environment) -> DynamoDbClient:
    """The client that `DYNAMODB_CLIENT` names."""
    is_fast = environment.dynamodb_client == "aiohttp"
    return AiohttpDynamoDbClient(session) if is_fast else Boto3DynamoDbClient(session)


@Module(
    providers=[
        *SERVICES,
        SignedHttp,
        AttributeOffload,
        provide(DynamoDbClient, use_factory=dynamodb_client, inject=[AwsSession, Environment]),
    ],
    exports=SERVICES,
)
class AwsModule:
    """One session and one client of each service for the whole application."""
