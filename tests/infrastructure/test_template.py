"""The SAM template: no linter finds anything, and what it deploys is as the application needs it."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import ManualArgs, lint

from cqrs_nest.infrastructure.sam import yaml_text
from tests.infrastructure.applications import EVERYTHING, PARAMETERS, SAMPLE, template_of
from tests.infrastructure.cloudformation import REGION, client, deploy, transformed

pytestmark = pytest.mark.usefixtures("account")


@pytest.mark.parametrize("application", PARAMETERS)
def test_a_template_has_no_findings_and_every_resource_is_created(application: str) -> None:
    template = template_of(application)

    assert lint(yaml_text(template), config=ManualArgs(regions=[REGION], include_checks=["I"])) == []
    document = transformed(template)
    created = deploy(document, {"Stage": "dev", **PARAMETERS[application]})
    assert {name: each["ResourceStatus"] for name, each in created.items()} == dict.fromkeys(
        document["Resources"], "CREATE_COMPLETE"
    )


def test_tables_and_event_sources_of_the_stack() -> None:
    document = transformed(template_of(SAMPLE))
    # moto takes neither expiry nor backups from a template.
    declared = [each["Properties"] for each in document["Resources"].values() if "::Table" in each["Type"]]
    for table in declared:
        assert table["TimeToLiveSpecification"] == {"Enabled": True, "AttributeName": "ttl"}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    deploy(document, {"Stage": "dev", **PARAMETERS[SAMPLE]})
    dynamodb = client("dynamodb")
    tables = sorted(dynamodb.list_tables()["TableNames"])

    modules = [f"{module}-{type}" for module in ("master", "todo") for type in ("command", "data", "history")]
    assert tables == [f"dev-todo-{name}" for name in sorted([*modules, "sequences"])]
    for table in tables:
        stream = dynamodb.describe_table(TableName=table)["Table"].get("StreamSpecification")
        assert (stream or {}).get("StreamViewType") == ("NEW_IMAGE" if table.endswith("-command") else None)
    mappings = client("lambda").list_event_source_mappings(FunctionName="dev-todo")["EventSourceMappings"]
    assert len(mappings) == 3
    failed = "arn:aws:sqs:eu-west-1:123456789012:dev-todo-failed-invocations"
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if ":dynamodb:" in mapping["EventSourceArn"]:
            assert mapping["BisectBatchOnFunctionError"]
            assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (100, 21600)
            assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == failed
            assert json.loads(mapping["FilterCriteria"]["Filters"][0]["Pattern"]) == {"eventName": ["INSERT"]}


def test_messages_alarms_and_routes_of_the_stack() -> None:
    deploy(transformed(template_of(EVERYTHING)), {"Stage": "dev", **PARAMETERS[EVERYTHING]})

    topic = "arn:aws:sns:eu-west-1:123456789012:dev-shop-eu-main-sns"
    sns = client("sns")
    subscribed = {
        each["Endpoint"].rpartition(":")[2]: sns.get_subscription_attributes(
            SubscriptionArn=each["SubscriptionArn"]
        )["Attributes"]
        for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    }
    assert {name: json.loads(each["FilterPolicy"])["action"] for name, each in subscribed.items()} == {
        "dev-shop-eu-task-action-queue": ["task-execute"],
        "dev-shop-eu-sub-task-status-queue": ["sub-task-status"],
        "dev-shop-eu-notification-queue": ["command-status", "task-status", "notification-action"],
    }
    assert {each["RawMessageDelivery"] for each in subscribed.values()} == {"true"}
    url = client("sqs").get_queue_url(QueueName="dev-shop-eu-notification-queue")["QueueUrl"]
    queue = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    dead_letters = "arn:aws:sqs:eu-west-1:123456789012:dev-shop-eu-notification-queue-dead-letters"
    assert json.loads(queue["RedrivePolicy"]) == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 5}
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {each["AlarmActions"][0] for each in alarms} == {topic.replace("main", "alarm")}
    assert sorted({each["MetricName"] for each in alarms}) == [
        "ApproximateNumberOfMessagesVisible",
        "Errors",
        "ExecutionsFailed",
        "IteratorAge",
        "UnhandledEvents",
    ]
    [group] = client("logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/lambda/dev-shop-eu", 30)
    api = client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    routes = client("apigatewayv2").get_routes(ApiId=api)["Items"]
    assert {each["RouteKey"]: each.get("AuthorizationType", "NONE") for each in routes} == {
        "ANY /{proxy+}": "JWT",
        "ANY /": "JWT",
        "OPTIONS /{proxy+}": "NONE",
        "GET /health": "NONE",
        "GET /items/{Id}": "NONE",
        "GET /items/mine": "JWT",
    }
    machines = {each["name"] for each in client("stepfunctions").list_state_machines()["stateMachines"]}
    assert machines == {"dev-shop-eu-command", "dev-shop-eu-sfn-task"}
    described = client("stepfunctions").describe_state_machine(
        stateMachineArn="arn:aws:states:eu-west-1:123456789012:stateMachine:dev-shop-eu-command"
    )
    task = json.loads(described["definition"])["States"]["finish"]["Parameters"]
    assert task["FunctionName"] == "arn:aws:lambda:eu-west-1:123456789012:function:dev-shop-eu"


def test_settings_are_variables_of_the_function() -> None:
    deploy(transformed(template_of(EVERYTHING)), {"Stage": "dev", **PARAMETERS[EVERYTHING]})
    configuration = client("lambda").get_function_configuration(FunctionName="dev-shop-eu")
    variables = configuration["Environment"]["Variables"]

    names = ("CURRENCY", "IS_OPEN", "REGIONS", "APP_NAME", "NODE_ENV", "SFN_COMMAND_ARN", "SES_FROM_EMAIL")
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:dev-shop-eu-command"
    assert [variables[name] for name in names] == [
        *("EUR", "true", "eu,us", "shop.eu", "dev"),
        *(machine, "shop@example.org"),
    ]
    assert variables["PAYMENT_KEY"] == "{{resolve:secretsmanager:pay}}"
    assert "SANDBOX_KEY" not in variables
