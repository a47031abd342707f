"""Recorded scenarios leave the same rows, messages, objects and results here."""

from __future__ import annotations

import pytest

import tests.golden.extensions  # noqa: F401 - registers all operations and rules
from tests.golden.comparison import assert_replays
from tests.golden.conftest import golden_directory
from tests.golden.recordings import Scenario, scenarios


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = scenarios(golden_directory(metafunc.config))
        metafunc.parametrize("scenario", found, ids=lambda scenario: scenario.name)


async def test_a_scenario_replays(scenario: Scenario) -> None:
    await assert_replays(scenario)
