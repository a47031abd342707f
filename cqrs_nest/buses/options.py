"""`BusOptions`: how an application wants its buses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cqrs_nest.common.tokens import Token


@dataclass(frozen=True, slots=True)
class BusOptions:
    """Behaviours and publishers are tokens of the module that provides the options.

    `on_duplicate="last"`: of two handlers for one message the later one wins, as in Nest.
    """

    on_duplicate: Literal["error", "last"] = "error"
    command_behaviours: Sequence[Token] = ()
    query_behaviours: Sequence[Token] = ()
    event_behaviours: Sequence[Token] = ()
    command_publisher: Token | None = None
    query_publisher: Token | None = None
    event_publisher: Token | None = None
