"""Deploys templates onto moto: the transform of SAM, and models of resources that moto has none of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from samtranslator.translator.transform import transform

REGION = "eu-west-1"
ARTIFACTS = "artifacts"

Create = Callable[[str, dict[str, Any]], str]


class _NoManagedPolicies:
    """SAM asks AWS for these; the function's role has none."""

    def load(self) -> dict[str, str]:
        return {}


def transformed(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template as CloudFormation makes it of a built one."""
    built = json.loads(json.dumps(template))
    built["Resources"]["Function"]["Properties"]["CodeUri"] = f"s3://{ARTIFACTS}/function.zip"
    document: dict[str, Any] = transform(built, {}, _NoManagedPolicies())
    return document


def deploy(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Create a stack of a transformed template; its resources as CloudFormation lists them, by logical id."""
    s3 = client("s3")
    s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=ARTIFACTS, Key="function.zip", Body=b"PK\x05\x06" + bytes(18))
    formation = client("cloudformation")
    with _all_models():
        formation.create_stack(
            StackName="service",
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        listed = formation.list_stack_resources(StackName="service")["StackResourceSummaries"]
    return {each["LogicalResourceId"]: dict(each) for each in listed}


@contextmanager
def _all_models() -> Iterator[None]:
    models = dict(parsing.get_model_map()) | {kind: _model(kind, create) for kind, create in _CREATE.items()}
    with mock.patch.object(parsing, "get_model_map", return_value=models):
        yield


def _model(kind: str, create: Create) -> type[Any]:
    """A model that creates its resource by a call of the service, as CloudFormation does."""

    class Model:
        def __init__(self, name: str) -> None:
            self.physical_resource_id = name
            self.type = kind

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        is_created = CloudFormationModel.is_created
        has_cfn_attr = classmethod(lambda cls, attr: False)

        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: dict[str, Any], *where: Any, **more: Any
        ) -> Any:
            return cls(create(resource_name, cloudformation_json["Properties"]))

    return Model


def _subscription(name: str, properties: dict[str, Any]) -> str:
    attributes = {
        "RawMessageDelivery": str(properties.get("RawMessageDelivery", False)).lower(),
        "FilterPolicy": json.dumps(properties.get("FilterPolicy", {})),
    }
    answer = client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return str(answer["SubscriptionArn"])


def _queue_policy(name: str, properties: dict[str, Any]) -> str:
    for url in properties["Queues"]:
        policy = {"Policy": json.dumps(properties["PolicyDocument"])}
        client("sqs").set_queue_attributes(QueueUrl=url, Attributes=policy)
    return name


def _bucket_policy(name: str, properties: dict[str, Any]) -> str:
    policy = json.dumps(properties["PolicyDocument"])
    client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
    return name


def _alarm(name: str, properties: dict[str, Any]) -> str:
    client("cloudwatch").put_metric_alarm(AlarmName=name, **properties)
    return name


def _invoke_config(name: str, properties: dict[str, Any]) -> str:
    wanted = ("FunctionName", "MaximumRetryAttempts", "DestinationConfig")
    given = {each: properties[each] for each in wanted}
    given["DestinationConfig"] = {"OnFailure": given["DestinationConfig"]["OnFailure"]}
    given["DestinationConfig"]["OnFailure"].pop("Type", None)
    client("lambda").put_function_event_invoke_config(**given)
    return name


def _api(name: str, properties: dict[str, Any]) -> str:
    """An API of an OpenAPI document, whose import moto has not."""
    gateway, document = client("apigatewayv2"), properties["Body"]
    api: str = gateway.create_api(Name=document["info"]["title"], ProtocolType="HTTP")["ApiId"]
    authorizers = {}
    for scheme, described in document["components"]["securitySchemes"].items():
        jwt = described["x-amazon-apigateway-authorizer"]
        authorizers[scheme] = gateway.create_authorizer(
            ApiId=api,
            Name=scheme,
            AuthorizerType="JWT",
            IdentitySource=[jwt["identitySource"]],
            JwtConfiguration={
                "Issuer": jwt["jwtConfiguration"]["issuer"],
                "Audience": jwt["jwtConfiguration"]["audience"],
            },
        )["AuthorizerId"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            named = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            schemes = {scheme for each in operation.get("security", ()) for scheme in each}
            guard = next((authorizers[scheme] for scheme in schemes if scheme in authorizers), None)
            authorized = {"AuthorizationType": "JWT", "AuthorizerId": guard} if guard else {}
            gateway.create_route(ApiId=api, RouteKey=f"{named} {path}", **authorized)
    return api


def _api_stage(name: str, properties: dict[str, Any]) -> str:
    api = properties["ApiId"]
    client("apigatewayv2").create_stage(
        ApiId=api, StageName=properties["StageName"], AutoDeploy=properties["AutoDeploy"]
    )
    return f"{api}/{properties['StageName']}"


_CREATE: Mapping[str, Create] = {
    "AWS::SNS::Subscription": _subscription,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::Lambda::EventInvokeConfig": _invoke_config,
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::ApiGatewayV2::Stage": _api_stage,
}


def client(service: str) -> Any:
    """boto3's client of a service."""
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
