"""Commands -> rows of the read model."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from cqrs_nest.cqrs import CommandModel
from cqrs_nest.read_models import Projection, SqlProjection, SqlRow
from sample_app.todo.todo_key import TODO_TABLE


@Projection(TODO_TABLE, table="todos", details=["todo_tags"])
class TodoProjection(SqlProjection):
    """Keeps one row a todo, with its tags. A deleted todo has none."""

    def row(self, command: CommandModel) -> SqlRow:
        """The columns take what has their name, but for two."""
        attributes = command.attributes
        return {
            **super().row(command),
            "due_date": sortable(attributes.get("dueDate")),
            "done": bool(attributes.get("done")),
        }

    def details(self, command: CommandModel) -> Mapping[str, Sequence[SqlRow]]:
        """A row for each tag."""
        tags = dict.fromkeys(command.attributes.get("tags") or ())
        return {"todo_tags": [{"tag": tag} for tag in tags]}


def sortable(due: str | None) -> str | None:
    """A moment in UTC, so that texts sort as the moments do; a mere date stays one."""
    if due is None or "T" not in due:
        return due
    moment = datetime.fromisoformat(due)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except OverflowError:  # within a day of the first or the last moment that there is
        return due
