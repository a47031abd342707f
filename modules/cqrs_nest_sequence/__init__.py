"""Numbers in sequence: atomic counters for each tenant, and how their numbers are written."""

from cqrs_nest_sequence.dto import (
    GenerateSequenceDto,
    GenerateSequenceWithSettingDto,
    SequenceEntity,
    SequenceParamsDto,
)
from cqrs_nest_sequence.number_format import InvalidFormatError, NumberFormat
from cqrs_nest_sequence.rotation import RotateBy
from cqrs_nest_sequence.sequences_module import SequencesModule
from cqrs_nest_sequence.sequences_options import SequencesOptions
from cqrs_nest_sequence.sequences_service import SequencesService, sequence_key

__all__ = [
    "GenerateSequenceDto",
    "GenerateSequenceWithSettingDto",
    "InvalidFormatError",
    "NumberFormat",
    "RotateBy",
    "SequenceEntity",
    "SequenceParamsDto",
    "SequencesModule",
    "SequencesOptions",
    "SequencesService",
    "sequence_key",
]
