"""The numbers of todos, by which people speak of them."""

from cqrs_nest.context import Invoke
from cqrs_nest_sequence import GenerateSequenceWithSettingDto, SequencesService
from sample_app.todo.todo_key import TodoKey


class TodoNumbers:
    """Counts the todos of each tenant from 1."""

    def __init__(self, sequences: SequencesService) -> None:
        self._sequences = sequences

    async def next(self, tenant_code: str, invoke: Invoke) -> int:
        """The next number of a tenant. It is used up, also when no todo comes of it."""
        dto = GenerateSequenceWithSettingDto(tenant_code=tenant_code, type_code=TodoKey.type, format="%%no%%")
        return (await self._sequences.generate_sequence_item(dto, invoke_context=invoke)).no
