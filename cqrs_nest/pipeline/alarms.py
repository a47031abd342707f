"""The message that tells operators of a command which could not be applied."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from cqrs_nest.commands.keys import get_message_tenant_code

ALARM_ACTION = "sfn-alarm"


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


def error_stack(error: BaseException) -> str:
    """An error with its frames, the innermost first.

    >>> error_stack(ValueError("rds down"))
    'ValueError: rds down'
    """
    frames = reversed(traceback.extract_tb(error.__traceback__))
    lines = [f"\n    at {frame.name} ({frame.filename}:{frame.lineno})" for frame in frames]
    return f"{type(error).__name__}: {error}{''.join(lines)}"
