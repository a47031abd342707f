"""`ContextModule`: what the application needs to know its callers."""

from __future__ import annotations

from cqrs_nest.common import Module
from cqrs_nest.context.jwt import JwtVerifier


@Module(providers=[JwtVerifier], exports=[JwtVerifier], is_global=True)
class ContextModule:
    """Provides the `JwtVerifier` that `AuthenticationMiddleware` is given. Needs the `Environment`."""
