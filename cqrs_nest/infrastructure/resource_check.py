"""Tables, state machines and the bucket."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cqrs_nest.aws import AwsSession, StateMachineResource, error_code
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.infrastructure.findings import Finding

_NO_MACHINE = ("StateMachineDoesNotExist", "InvalidArn")
_NO_BUCKET = ("404", "NoSuchBucket", "NotFound")


async def check_tables(tables: CommandTables) -> Sequence[Finding]:
    """Keys, streams and expiry of all tables."""
    return [Finding("tables", each.table, each.text, each.fix) for each in await tables.problems()]


async def check_recovery(session: AwsSession, table: str) -> Sequence[Finding]:
    """Whether a table can be brought back to a moment of the last days."""
    from botocore.exceptions import ClientError

    try:
        answer = await session.call("dynamodb", "describe_continuous_backups", TableName=table)
    except ClientError as error:
        if error_code(error) not in ("TableNotFoundException", "ResourceNotFoundException"):
            raise
        return []  # which the check of tables says
    recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
        return []
    fix = (
        f"aws dynamodb update-continuous-backups --table-name {table} "
        "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    )
    return [Finding("tables", table, "its point-in-time recovery is off", fix)]


async def check_state_machine(
    session: AwsSession, machine: StateMachineResource, arn: str
) -> Sequence[Finding]:
    """Whether a state machine is there, with the states of the module's definition."""
    from botocore.exceptions import ClientError

    fix = f"deploy the definition of the state machine {machine.name}: cqrs-nest infra writes it"
    try:
        answer = await session.call("stepfunctions", "describe_state_machine", stateMachineArn=arn)
    except ClientError as error:
        if error_code(error) not in _NO_MACHINE:
            raise
        return [Finding("state machines", arn, "there is no such state machine", fix)]
    if json.loads(answer["definition"])["States"].keys() != json.loads(machine.definition)["States"].keys():
        return [Finding("state machines", arn, "its states are not those of this version", fix)]
    return []


async def check_bucket(session: AwsSession, bucket: str) -> Sequence[Finding]:
    """Whether a bucket is there."""
    from botocore.exceptions import ClientError

    try:
        await session.call("s3", "head_bucket", Bucket=bucket)
    except ClientError as error:
        if error_code(error) not in _NO_BUCKET:
            raise
        return [Finding("buckets", bucket, "there is no such bucket", f"aws s3 mb s3://{bucket}")]
    return []
