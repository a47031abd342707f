"""Alarms of CloudWatch: what waits, fails or stays behind."""

from __future__ import annotations

from typing import Any

from cqrs_nest.events.metrics import NAMESPACE, UNHANDLED
from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.sam.function import FUNCTION
from cqrs_nest.infrastructure.sam.messages import ALARMS, DEAD_LETTERS_ID, FAILED_ID, dead_letters_id
from cqrs_nest.infrastructure.sam.parts import Part, Section, get_att, ref
from cqrs_nest.infrastructure.sam.services import state_machine_id

BEHIND_MILLISECONDS = 5 * 60 * 1000


def cloudwatch_part(plan: ResourcePlan, resources: Section) -> Part:
    """An alarm for each queue that should be empty, for the function, and for each state machine."""
    queues = [DEAD_LETTERS_ID, FAILED_ID, *(dead_letters_id(queue) for queue in plan.queues)]
    function = {"FunctionName": ref(FUNCTION)}
    alarms: Section = {
        "FunctionErrorsAlarm": _alarm("Invocations fail", "AWS/Lambda", "Errors", function),
        "UnhandledEventsAlarm": _alarm("Nobody handles an event", NAMESPACE, UNHANDLED, function),
    }
    if plan.streams:
        alarms["StreamBehindAlarm"] = _alarm(
            "Commands wait for minutes",
            "AWS/Lambda",
            "IteratorAge",
            function,
            Statistic="Maximum",
            Threshold=BEHIND_MILLISECONDS,
        )
    for queue in queues:
        if queue in resources:
            name = {"QueueName": get_att(queue, "QueueName")}
            alarms[f"{queue}Alarm"] = _alarm(
                "Something waits for an operator",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                name,
                Statistic="Maximum",
            )
    for machine in plan.state_machines:
        arn = {"StateMachineArn": ref(state_machine_id(machine))}
        alarms[f"{state_machine_id(machine)}Alarm"] = _alarm(
            "Executions fail", "AWS/States", "ExecutionsFailed", arn
        )
    return Part(alarms)


def _alarm(description: str, namespace: str, metric: str, dimensions: Section, **more: Any) -> Section:
    """An alarm when a metric is over its threshold, 0 unless given, within five minutes."""
    properties: Section = {
        "AlarmDescription": description,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [ref(ALARMS)],
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties | more}
