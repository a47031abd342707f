"""What keeps notifications from being sent."""

from __future__ import annotations

from cqrs_nest.core.errors import CqrsNestError


class InvalidNotificationTransportError(CqrsNestError):
    """A transport is not there, not made as it must be, or lacks its settings; found at start."""
