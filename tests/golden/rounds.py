"""The rounds of a scenario: a stream record that was delivered, and the states that its execution ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.golden.deviations_pipeline import repeats
from tests.golden.outcomes import normal_outcome
from tests.golden.recordings import Scenario, Step

DELIVERY, STATE = "EventService.handleDynamoDBEvent", "EventService.handleStepFunctionsEvent"


@dataclass(frozen=True)
class Round:
    """One delivery. `states` are empty when no execution was started, or none was followed."""

    delivered: Step
    states: tuple[Step, ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        return list(self.delivered.recorded["args"]["Records"])

    @property
    def is_finished(self) -> bool:
        """Whether the execution went through to its end."""
        return any(state_name(step) == "finish" and step.error is None for step in self.states)

    @property
    def is_repetition(self) -> bool:
        """Whether the command had been applied before."""
        return any(repeats(normal_outcome(step.recorded["result"])) for step in self.states)

    @property
    def is_ignored(self) -> bool:
        """Whether the records are of a kind that starts nothing."""
        return self.delivered.recorded["result"] == []

    @property
    def failed(self) -> Step | None:
        """The state in which a handler or a call to AWS failed."""
        return next((step for step in self.states if step.handler_error or step.injected_errors), None)

    @property
    def ends(self) -> datetime:
        return (self.states[-1] if self.states else self.delivered).clock


def rounds(scenario: Scenario) -> Iterator[Round]:
    """Every delivery of a scenario, each with the states up to the next delivery of the same record."""
    steps = [step for step in scenario.steps if step.operation is not None]
    for index, step in enumerate(steps):
        if step.operation == DELIVERY:
            yield Round(step, tuple(_states(steps[index + 1 :], _records_of(step))))


def _states(later: list[Step], records: list[Any]) -> Iterator[Step]:
    for step in later:
        if step.operation == DELIVERY and _records_of(step) == records:
            return
        if step.operation == STATE and _row_of(_started_with(step)) in records:
            yield step


def state_name(step: Step) -> str:
    return str(step.recorded["args"]["context"]["State"]["Name"])


def _records_of(step: Step) -> list[Any]:
    return [_row_of(record) for record in step.recorded["args"]["Records"]]


def _started_with(step: Step) -> Mapping[str, Any]:
    started_with: Mapping[str, Any] = step.recorded["args"]["context"]["Execution"]["Input"]
    return started_with


def _row_of(record: Mapping[str, Any]) -> Any:
    return record["eventName"], record["dynamodb"]["Keys"], record["eventSourceARN"]
