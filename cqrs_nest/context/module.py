"""`ContextModule`: what the application needs to know its callers."""

from __future__ import annotations

from cqrs_nest.common import Module
from cqrs_nest.context.group_roles import GroupRoles
from cqrs_nest.context.jwt import JwtVerifier


@Module(providers=[JwtVerifier, GroupRoles], exports=[JwtVerifier, GroupRoles], is_global=True)
class ContextModule:
    """Provides the `JwtVerifier` that `AuthenticationMiddleware` is given, and what `RolesGuard` asks.

    Needs the `Environment`.
    """
