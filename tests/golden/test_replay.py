"""Recorded scenarios leave the same rows, messages, objects and results here."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.golden.conftest import golden_directory
from tests.golden.deviations import expect
from tests.golden.recordings import Scenario, scenarios
from tests.golden.replay import replay

for pattern in ("operations_*.py", "deviations_*.py"):
    for extension in Path(__file__).parent.glob(pattern):
        importlib.import_module(f"tests.golden.{extension.stem}")

REPLAYED = (
    "async/create_update_stale",
    "async/pipeline_create",
    "async/pipeline_handler_failure",
    "async/pipeline_redelivery",
    "async/pipeline_update",
    "async/stream_filters",
    "partial/async_after_sync",
    "partial/async_merge",
    "ryw/create_then_read",
    "ryw/custom_id_breaks_ryw",
    "ryw/failed_command_visible",
    "s3/async_pipeline",
    "sync/create_v0_to_v1",
    "sync/custom_handler_receives",
    "sync/duplicate",
    "sync/minimal_input_and_no_context",
    "sync/not_dirty",
    "sync/resync_data",
    "sync/soft_delete",
    "sync/stale_version",
    "sync/update_item_expressions",
    "sync/update_v1_to_v2_to_v3",
    "ttl/configured",
    "ttl/master_read_failure",
    "tz/Asia_Tokyo/timezone",
    "tz/UTC/timezone",
)
"""The scenarios whose operations exist so far."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = scenarios(golden_directory(metafunc.config))
        chosen = [scenario for scenario in found if scenario.name in REPLAYED]
        metafunc.parametrize("scenario", chosen, ids=lambda scenario: scenario.name)


async def test_a_scenario_replays(scenario: Scenario) -> None:
    async for replayed in replay(scenario):
        expected, actual = expect(replayed).observation, replayed.actual
        where = f"{scenario.name}, step {replayed.step.label!r}"
        assert actual.result == expected.result, f"{where}: another result"
        assert actual.rows == expected.rows, f"{where}: other rows"
        assert actual.messages == expected.messages, f"{where}: other messages"
        assert actual.alarms == expected.alarms, f"{where}: other alarms"
        assert actual.objects == expected.objects, f"{where}: other objects in S3"
