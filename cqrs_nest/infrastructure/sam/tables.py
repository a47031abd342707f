"""The tables, and the bucket of attributes that are too large for them."""

from __future__ import annotations

from cqrs_nest.commands.tables import EXPIRY, KEYS, STREAM_VIEW, NeededTable
from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.sam.names import BUCKET_ID, Names
from cqrs_nest.infrastructure.sam.parts import Part, Section, get_att, logical_id, ref

RESTORABLE_DAYS = 35
"""How far back DynamoDB restores tables. Replaced objects are kept as long: restored rows refer to them."""
_KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def table_part(plan: ResourcePlan, names: Names) -> Part:
    """Every table, kept when the stack goes; restorable to any second of the last 35 days."""
    resources = {table_id(plan, table): _table(table, names) for table in plan.tables}
    return Part(resources)


def table_id(plan: ResourcePlan, table: NeededTable) -> str:
    """A table's name in the template."""
    return logical_id(table.name.removeprefix(plan.prefix), "table")


def bucket_part() -> Part:
    """The bucket; its name is CloudFormation's, as bucket names are taken worldwide."""
    blocked = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    expiry = {
        "Id": "Replaced",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": RESTORABLE_DAYS},
    }
    bucket = {
        "Type": "AWS::S3::Bucket",
        **_KEPT,
        "Properties": {
            "PublicAccessBlockConfiguration": dict.fromkeys(blocked, True),
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {"Rules": [expiry]},
        },
    }
    only_tls: Section = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [get_att(BUCKET_ID), {"Fn::Sub": f"${{{BUCKET_ID}.Arn}}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": ref(BUCKET_ID),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [only_tls]},
        },
    }
    return Part(
        {BUCKET_ID: bucket, f"{BUCKET_ID}Policy": policy},
        outputs={"S3BucketName": {"Description": "Large attributes", "Value": ref(BUCKET_ID)}},
        variables={"S3_BUCKET_NAME": ref(BUCKET_ID)},
    )


def _table(table: NeededTable, names: Names) -> Section:
    stream = {"StreamSpecification": {"StreamViewType": STREAM_VIEW}}
    return {
        "Type": "AWS::DynamoDB::Table",
        **_KEPT,
        "Properties": {
            "TableName": names.table(names.of_table(table.name)),
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in KEYS.items()],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in KEYS],
            "TimeToLiveSpecification": EXPIRY,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "DeletionProtectionEnabled": True,
            **(stream if table.is_streamed else {}),
        },
    }
