"""Making the whole item of the changes in a partial update."""

from __future__ import annotations

from dataclasses import replace

from cqrs_nest.aws.dynamodb.attribute_offload import is_s3_uri
from cqrs_nest.commands.errors import LostAttributesException
from cqrs_nest.commands.expectation import Expect
from cqrs_nest.commands.keys import VERSION_FIRST, DetailKey
from cqrs_nest.commands.merge import Replace, merge
from cqrs_nest.commands.publication import Publication
from cqrs_nest.commands.rows import Row, merge_base
from cqrs_nest.common import BadRequestException


def merged(publication: Publication, stored: Row) -> Publication:
    """The publication with the whole item in place of the changes.

    Raises LostAttributesException where the changes would be merged into attributes that are lost.
    """
    if not isinstance(publication.row.get("attributes"), Replace):
        check_attributes(stored)
    version = stored["version"]
    row = merge(merge_base(stored, publication.row), {**publication.row, "version": version})
    return replace(publication, row=row, version=version)


def check_attributes(stored: Row | None) -> None:
    """Refuse to build on attributes that nobody has any more: LostAttributesException."""
    if stored is not None and is_s3_uri(stored.get("attributes")):
        raise LostAttributesException(DetailKey(stored["pk"], stored["sk"]), stored["attributes"])


def refuse_new(version: int) -> None:
    """Refuse a version that says there is no item to change."""
    if isinstance(version, Expect) and version == VERSION_FIRST:
        raise BadRequestException(
            "A partial update changes an item that is there; Expect.new() says there is none"
        )
