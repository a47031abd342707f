"""Handlers and factories come from the container, those of a request built for each event."""

from __future__ import annotations

from typing import Any

from cqrs_nest.core import Binding, RequestScope


async def instance_of(binding: Binding, scope: RequestScope) -> Any:
    """The one instance of the application, or the one that belongs to `scope`."""
    if binding.is_static:
        return binding.instance
    built = binding.build(scope)
    return await built if binding.is_async else built
