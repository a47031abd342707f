"""The stream driver leaves the rows that the state machine was recorded to leave, and tells of its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tests.golden.conftest import golden_directory
from tests.golden.recordings import Scenario, Step
from tests.golden.world import recorded_messages

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

REPLAYED = ("async/pipeline_create", "async/pipeline_update")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        directory = golden_directory(metafunc.config)
        found = [Scenario(name, directory / f"{name}.json") for name in REPLAYED]
        metafunc.parametrize("scenario", found, ids=lambda scenario: scenario.name)


async def test_the_same_rows_and_the_last_message_in_one_go(service: Service, scenario: Scenario) -> None:
    deliveries = 0
    for published, delivered, finished in _rounds(scenario):
        service.world.seed([(row_id[0], row) for row_id, row in published.tables.items()], [])
        records: list[dict[str, Any]] = delivered.recorded["args"]["Records"]
        with time_machine.travel(finished.clock, tick=False):
            assert await service.deliver(*records) == []
            told = service.world.messages("all-raw")
        assert service.world.rows() == finished.tables
        messages = recorded_messages(finished.recorded["sns"])
        assert told == [message for message in messages if '"finish:FINISHED"' in message["Body"]]
        assert len(told) == 1
        deliveries += 1
    assert deliveries == len(service.projection.seen) > 0


def _rounds(scenario: Scenario) -> Iterator[tuple[Step, Step, Step]]:
    """Of each command the step that published it, the one that delivered it and its last state."""
    steps = [step for step in scenario.steps if step.operation is not None]
    for index, step in enumerate(steps):
        if step.operation == "EventService.handleDynamoDBEvent":
            finished = next(later for later in steps[index:] if later.label == "finish")
            yield steps[index - 1], step, finished
