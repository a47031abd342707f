"""The HTTP side of sequences."""

from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import DetailDto
from cqrs_nest.common import ApiTags, Body, Controller, Get, Param, Post
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles
from cqrs_nest_sequence.dto import GenerateSequenceDto, GenerateSequenceWithSettingDto, SequenceEntity
from cqrs_nest_sequence.sequences_service import SequenceRow, SequencesService


@Auth()
@ApiTags("sequence")
@Controller()
class SequencesController:
    """Counters of the caller's tenant."""

    def __init__(self, sequences: SequencesService) -> None:
        self._sequences = sequences

    @Get(":pk/:sk")
    async def get_sequence(self, key: Annotated[DetailDto, Param()]) -> SequenceRow | None:
        """A counter as it stands; an empty answer when no number of it was given out yet."""
        return await self._sequences.get_current_sequence(pk=key.pk, sk=key.sk)

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def generate_sequence(
        self, invoke: InvokeContext, dto: Annotated[GenerateSequenceDto, Body()]
    ) -> SequenceEntity:
        """The next number, written as the tenant's master data say."""
        return await self._sequences.generate_sequence_item(dto, invoke_context=invoke)

    @Post("provided-setting")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def generate_sequence_with_setting(
        self, invoke: InvokeContext, dto: Annotated[GenerateSequenceWithSettingDto, Body()]
    ) -> SequenceEntity:
        """The next number, written as the request says."""
        return await self._sequences.generate_sequence_item_with_provide_setting(dto, invoke_context=invoke)
