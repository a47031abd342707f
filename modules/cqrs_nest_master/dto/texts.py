"""Codes and flags as bodies and query strings carry them."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints

Code: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^@\x00-\x1f]*$")]
"""A part of a sort key. Behind `@` stands the version, so a code has none."""

Seq: TypeAlias = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""The place of an entry; the column of the table `masters` has 32 bits."""

MAX_BULK = 100


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
"""`true` or `false`, in a query string too."""
