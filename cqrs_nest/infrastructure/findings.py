"""What an account lacks, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Area: TypeAlias = Literal[
    "application",
    "settings",
    "tables",
    "topics",
    "queues",
    "subscriptions",
    "state machines",
    "buckets",
    "permissions",
    "account",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an application needs and its account or its settings do not have."""

    area: Area
    subject: str
    problem: str
    fix: str
