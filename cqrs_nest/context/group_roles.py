"""`@GroupRoleResolver`: the roles that a caller has by his groups."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from cqrs_nest.common import MetadataKey, SetMetadata
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.context.invoke import Invoke
from cqrs_nest.context.user import get_user_context
from cqrs_nest.core import Binding, DiscoveryService
from cqrs_nest.core.errors import CqrsNestError

ResolverT = TypeVar("ResolverT", bound="type[IGroupRoleResolver]")

GROUP_ROLE_RESOLVER = MetadataKey[bool]("group_role_resolver")


class GroupRoleResolverError(CqrsNestError):
    """There are two resolvers, or the one is not shared by all requests."""


@dataclass(frozen=True, slots=True)
class GroupMembership:
    """A caller's groups in the tenant that he acts for."""

    tenant_code: str
    group_ids: tuple[str, ...]
    claims: Mapping[str, Any]


class IGroupRoleResolver(Protocol):
    """What `@GroupRoleResolver` decorates."""

    def resolve_roles(self, membership: GroupMembership) -> Collection[str] | Awaitable[Collection[str]]:
        """The roles of the groups; may be async. What it raises answers 500."""
        ...


def GroupRoleResolver() -> Callable[[ResolverT], ResolverT]:
    """Make a provider say which roles the groups of a caller give him. An application has at most one.

    >>> @GroupRoleResolver()
    ... class TeamRoles:
    ...     async def resolve_roles(self, membership: GroupMembership) -> list[str]:
    ...         return ["editor"] if "writers" in membership.group_ids else []
    """
    return SetMetadata(GROUP_ROLE_RESOLVER, True)


class GroupRoles:
    """Asks the application's resolver, if it has one."""

    def __init__(self, discovery: DiscoveryService) -> None:
        self._discovery = discovery
        self._resolver: IGroupRoleResolver | None = None

    def on_application_bootstrap(self) -> None:
        """Find the resolver. Raises GroupRoleResolverError for a second one."""
        found = [binding for binding, _ in self._discovery.providers_with(GROUP_ROLE_RESOLVER)]
        if len({binding.cls for binding in found}) > 1:
            names = ", ".join(
                f"{describe_token(binding.token)} of {binding.module.name}" for binding in found
            )
            raise GroupRoleResolverError(
                f"Only one @GroupRoleResolver() is allowed per application, found {names}.\n"
                "Fix: keep one of them, and let it ask the others."
            )
        for binding in found[:1]:
            if not binding.is_static:
                raise GroupRoleResolverError(
                    f"@GroupRoleResolver {_described(binding)} is not one instance for all requests.\n"
                    "Fix: give it no scope; what it needs of the caller is in the membership."
                )
            self._resolver = binding.instance

    async def of(self, invoke: Invoke) -> Collection[str]:
        """The roles of the caller's groups; none without a resolver or without groups."""
        user = get_user_context(invoke)
        if self._resolver is None or user.tenant_code is None or not user.tenant_group_ids:
            return ()
        membership = GroupMembership(user.tenant_code, user.tenant_group_ids, invoke.claims)
        roles = self._resolver.resolve_roles(membership)
        return await roles if inspect.isawaitable(roles) else roles


def _described(binding: Binding) -> str:
    return f"{describe_token(binding.token)} of {binding.module.name}"
