"""AWS behind small services: one session, lazily made clients, calls that never block the event loop."""

from cqrs_nest.aws.appsync import (
    AppSyncError,
    AppSyncEventsService,
    AppSyncService,
    MessageTooLargeError,
    tenant_segment,
)
from cqrs_nest.aws.dynamodb import DynamoDbService
from cqrs_nest.aws.errors import AwsConfigurationError, UnsupportedValueError, error_code
from cqrs_nest.aws.json_text import from_json, to_json
from cqrs_nest.aws.module import AwsModule
from cqrs_nest.aws.removal import REMOVE
from cqrs_nest.aws.resources import (
    AwsResources,
    PermissionResource,
    QueueResource,
    ScheduleResource,
    StateMachineResource,
    TableResource,
)
from cqrs_nest.aws.s3 import S3Service
from cqrs_nest.aws.ses import (
    EmailAttachment,
    EmailNotification,
    EmailService,
    InlineTemplate,
    TemplatedEmailNotification,
)
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.aws.sns import PublishBatchError, SnsService, WrittenMessage
from cqrs_nest.aws.sqs import SqsService
from cqrs_nest.aws.step_functions import StepFunctionService
from cqrs_nest.aws.timestamps import parse_moment, to_local_iso, to_utc_iso

__all__ = [
    "REMOVE",
    "AppSyncError",
    "AppSyncEventsService",
    "AppSyncService",
    "AwsConfigurationError",
    "AwsModule",
    "AwsResources",
    "AwsSession",
    "DynamoDbService",
    "EmailAttachment",
    "EmailNotification",
    "EmailService",
    "InlineTemplate",
    "MessageTooLargeError",
    "PermissionResource",
    "PublishBatchError",
    "QueueResource",
    "S3Service",
    "ScheduleResource",
    "SnsService",
    "SqsService",
    "StateMachineResource",
    "StepFunctionService",
    "TableResource",
    "TemplatedEmailNotification",
    "UnsupportedValueError",
    "WrittenMessage",
    "error_code",
    "from_json",
    "parse_moment",
    "tenant_segment",
    "to_json",
    "to_local_iso",
    "to_utc_iso",
]
