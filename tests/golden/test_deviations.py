"""The rules of deviations.yaml are documented, and none of them is idle."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.golden.extensions  # noqa: F401 - registers all operations and rules
from tests.golden.conftest import RECORDED, SHARED, golden_directory
from tests.golden.deviations import document, expect, rules
from tests.golden.recordings import scenarios
from tests.golden.replay import as_recorded

DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"


def test_the_document_lists_every_deviation_with_its_reason() -> None:
    assert document() in DOCUMENT.read_text(encoding="utf-8")


def test_every_rule_changes_what_some_recording_expects(pytestconfig: pytest.Config) -> None:
    directory = golden_directory(pytestconfig)
    if directory.resolve() not in (SHARED, RECORDED):
        # Other recordings need not show what these rules are for.
        return
    used = {
        rule
        for scenario in scenarios(directory)
        for replayed in as_recorded(scenario)
        for rule in expect(replayed).used
    }
    assert {rule.id for rule in rules()} - used == set()
