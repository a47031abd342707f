"""A killed worker loses no sub-task, and none is counted twice. `make task-kills` does it with 1,000."""

from __future__ import annotations

from tests.reliability.task_kills import survive


async def test_sub_tasks_survive_the_kills_of_their_worker() -> None:
    outcome = await survive(16, kills=2)
    assert outcome.kills == 2
    assert {task.status for task in outcome.sub_tasks} == {"COMPLETED"}
    assert set(outcome.runs) == set(range(16))
    counts = {name: value for name, value in outcome.parent.attributes.items() if name != "subTasks"}
    assert counts == {
        "subTaskCount": 16,
        "subTaskSucceedCount": 16,
        "subTaskFailedCount": 0,
        "subTaskRunningCount": 0,
    }
    assert outcome.completions >= 1
