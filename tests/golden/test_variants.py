"""The replay and its rules hold for recordings with other names, keys, texts and numbers as well."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.golden.extensions  # noqa: F401 - registers all operations and rules
from tests.golden.comparison import assert_replays
from tests.golden.conftest import RECORDED
from tests.golden.recordings import Scenario, scenarios
from tests.golden.variants import write_variants

SAMPLE = (
    "async/pipeline_update",
    "defects/D04_sns_failure_after_commit",
    "http/security",
    "ryw/update_delete_merge",
    "s3/lost_s3_object",
    "tenant/cross_tenant",
)


@pytest.mark.parametrize("name", SAMPLE)
async def test_a_renamed_scenario_replays(name: str, tmp_path: Path) -> None:
    write_variants(RECORDED, tmp_path, (name,))
    (scenario,) = scenarios(tmp_path)
    assert scenario.recorded != Scenario(name, RECORDED / f"{name}.json").recorded
    await assert_replays(scenario)


def test_variants_are_written_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("{}")
    with pytest.raises(FileExistsError, match="not empty"):
        write_variants(RECORDED, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]
