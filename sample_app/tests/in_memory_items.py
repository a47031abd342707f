"""What the tests have in the place of AWS."""

from typing import Any

from cqrs_nest.common import ConflictException
from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import CommandInput, CommandModel, DataEntity, DataList


class InMemoryItems:
    """Stands for CommandService, DataService and HistoryService at once: what is published is there."""

    def __init__(self) -> None:
        self.published: list[CommandModel] = []

    async def publish_async(
        self, command: CommandInput, *, invoke_context: Invoke, source: str
    ) -> CommandModel:
        newest = await self.get_latest_item(pk=command.pk, sk=command.sk)
        if (newest.version if newest else 0) != command.version:
            raise ConflictException
        return self._publish(command.to_row(), invoke_context, source)

    async def publish_partial_update_async(
        self, command: CommandInput, *, invoke_context: Invoke, source: str
    ) -> CommandModel:
        newest = await self.get_latest_item(pk=command.pk, sk=command.sk)
        assert newest is not None
        changes = command.to_row()
        merged = {**newest.attributes, **changes.pop("attributes", {})}
        return self._publish({**newest.to_row(), **changes, "attributes": merged}, invoke_context, source)

    async def get_latest_item(self, *, pk: str, sk: str) -> CommandModel | None:
        versions = [item for item in self.published if item.id == f"{pk}#{sk}"]
        return versions[-1] if versions else None

    async def get_item(self, *, pk: str, sk: str) -> DataEntity | None:
        versions = await self.list_versions(pk=pk, sk=sk)
        return versions[-1] if versions else None

    async def list_items_by_pk(self, pk: str, *, include_deleted: bool = True, **page: Any) -> DataList:
        """All items of a partition in one page."""
        newest = {item.id: item for item in self.published if item.pk == pk}
        items = [await self.get_item(pk=pk, sk=item.sk.partition("@")[0]) for item in newest.values()]
        return DataList(
            items=[item for item in items if item and (include_deleted or not item.is_deleted)], last_sk=None
        )

    async def list_versions(self, *, pk: str, sk: str) -> list[DataEntity]:
        versions = [item for item in self.published if item.id == f"{pk}#{sk}"]
        return [DataEntity.from_row({**item.to_row(), "sk": sk}) for item in versions]

    def _publish(self, row: dict[str, Any], invoke: Invoke, source: str) -> CommandModel:
        version = row["version"] + 1
        audit = {"source": source, "createdBy": invoke.user_id, "updatedBy": invoke.user_id}
        sk = f"{row['sk'].partition('@')[0]}@{version}"
        command = CommandModel.from_row({**row, **audit, "sk": sk, "version": version})
        self.published.append(command)
        return command
