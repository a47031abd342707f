"""What an earlier publish of the same request has left."""

from __future__ import annotations

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.commands.keys import add_sort_key_version
from cqrs_nest.commands.publication import Publication
from cqrs_nest.commands.rows import Row
from cqrs_nest.commands.table import CommandTable


async def first_result(
    dynamodb: DynamoDbService, table: CommandTable, publication: Publication, version: int
) -> Row | None:
    """The command of a version, if an earlier publish of the same request made it."""
    if not publication.is_repeatable:
        return None
    key = {"pk": publication.key.pk, "sk": add_sort_key_version(publication.key.sk, version)}
    # Another one's attributes are not needed, and may be lost.
    row = await dynamodb.get_item(table.command, key, consistent_read=True, attributes="keep")
    if row is None or not publication.has_made(row):
        return None
    return await dynamodb.load_attributes(table.command, row)
