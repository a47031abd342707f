"""What keeps an application from being described as infrastructure."""

from __future__ import annotations

from cqrs_nest.core.errors import CqrsNestError


class InfrastructureError(CqrsNestError):
    """The application needs something that cannot be deployed as it says; the text names it and the fix."""
