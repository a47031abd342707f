"""The messages that tell operators of a command which could not be applied, and keep it for them."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from cqrs_nest.commands.keys import get_message_tenant_code

ALARM_ACTION = "sfn-alarm"
DEAD_LETTER_ACTION = "dead-letter"
MAX_STACK_CHARACTERS = 20_000
"""An error may quote what it failed on; a message has 256 KB."""


def alarm_message(
    table: str, row: Mapping[str, Any], error: str | Mapping[str, Any], execution: str
) -> dict[str, Any]:
    """The alarm of a command row; `execution` says where it happened.

    >>> alarm_message("todo", {"pk": "TODO#acme", "sk": "A1@1"}, "boom", "arn")["id"]
    'TODO#acme#A1@1'
    """
    pk, sk = row["pk"], row["sk"]
    return {
        "action": ALARM_ACTION,
        "id": f"{pk}#{sk}",
        "table": table,
        "pk": pk,
        "sk": sk,
        "tenantCode": get_message_tenant_code(pk),
        "content": {"errorMessage": error, "sfnId": execution},
    }


def dead_letter_message(
    command_table: str, row: Mapping[str, Any], error: str, execution: str
) -> dict[str, Any]:
    """What waits in the dead-letter queue: the alarm, with the physical name of the table the row is in.

    The row itself stays where it is, so a message is small and never out of date.
    """
    return {**alarm_message(command_table, row, error, execution), "action": DEAD_LETTER_ACTION}


def error_stack(error: BaseException) -> str:
    """An error with its frames, the innermost first.

    >>> error_stack(ValueError("rds down"))
    'ValueError: rds down'
    """
    frames = reversed(traceback.extract_tb(error.__traceback__))
    lines = [f"\n    at {frame.name} ({frame.filename}:{frame.lineno})" for frame in frames]
    return f"{type(error).__name__}: {error}{''.join(lines)}"[:MAX_STACK_CHARACTERS]
