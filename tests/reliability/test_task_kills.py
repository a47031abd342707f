"""A killed worker loses no sub-task, and none is counted twice. `make reliability` does it with 1,000."""

from __future__ import annotations

from tests.reliability.task_kills import survive


async def test_sub_tasks_survive_the_kills_of_their_worker() -> None:
    outcome = await survive(30, kills=3)
    assert outcome.kills == 3
    assert {task.status for task in outcome.sub_tasks} == {"COMPLETED"}
    assert set(outcome.runs) == set(range(30))
    counts = {name: value for name, value in outcome.parent.attributes.items() if name != "subTasks"}
    assert counts == {
        "subTaskCount": 30,
        "subTaskSucceedCount": 30,
        "subTaskFailedCount": 0,
        "subTaskRunningCount": 0,
    }
    assert outcome.completions >= 1
