"""Scenarios in the form of recordings, which show what none of those does.

They were made by a model of the TypeScript services, which gives what the recordings have for their inputs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.golden.extensions  # noqa: F401 - registers all operations and rules
from tests.golden.comparison import assert_replays
from tests.golden.recordings import Scenario, scenarios

MODELLED = Path(__file__).with_name("modelled_scenarios")


@pytest.mark.parametrize("scenario", scenarios(MODELLED), ids=lambda scenario: scenario.name)
async def test_a_modelled_scenario_replays(scenario: Scenario) -> None:
    await assert_replays(scenario)
