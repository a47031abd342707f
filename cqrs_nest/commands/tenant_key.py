"""`TenantKey`: keys that are built of a tenant, so that the parts of two tenants cannot get mixed."""

from __future__ import annotations

from typing import ClassVar, Self

from cqrs_nest.commands.keys import (
    KEY_SEPARATOR,
    VERSION_SEPARATOR,
    DetailKey,
    generate_id,
    get_tenant_code,
    remove_sort_key_version,
)
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Tenant


class TenantKey(DetailKey):
    """The key of one kind of item: `<TYPE>#<tenant>` and a sort key. A subclass says the type.

    A `Tenant` is the caller's (`Tenant.of(invoke)`) or named in code; a text out of a body is none, as a
    type checker sees. Raises ValueError for a sort key that is empty or holds an `@`.

    >>> class TodoKey(TenantKey, type="TODO"): ...
    >>> key = TodoKey(Tenant("Acme"), "A1")
    >>> key.pk, key.sk, key.id
    ('TODO#acme', 'A1', 'TODO#acme#A1')
    """

    __slots__ = ()

    type: ClassVar[str]
    """The kind of item, the first part of its partition key."""

    def __init_subclass__(cls, *, type: str | None = None) -> None:
        super().__init_subclass__()
        if type is not None:
            cls.type = type
        if not getattr(cls, "type", "") or KEY_SEPARATOR in cls.type:
            raise TypeError(
                f"{cls.__name__} says no type of item, or one with '#'. "
                f'Fix: class {cls.__name__}(TenantKey, type="TODO")'
            )

    def __new__(cls, tenant: Tenant, sk: str) -> Self:
        if not sk or VERSION_SEPARATOR in sk:
            raise ValueError(f"{sk!r} is no sort key: it must not be empty, and '@' separates the version")
        return super().__new__(cls, cls.partition(tenant), sk)

    def __getnewargs__(self) -> tuple[Tenant, str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.tenant, self.sk  # copies and pickles are built of the same parts

    @classmethod
    def partition(cls, tenant: Tenant) -> str:
        """The partition key of a tenant's items of this kind."""
        return f"{cls.type}{KEY_SEPARATOR}{Tenant(tenant)}"

    @classmethod
    def of(cls, pk: str, sk: str) -> Self:
        """The key that a path or a message names; a version on the sort key is taken off.

        Whose it is shows when it is used. Raises BadRequestException for one of another kind.

        >>> class TodoKey(TenantKey, type="TODO"): ...
        >>> TodoKey.of("TODO#acme", "A1@3").sk
        'A1'
        """
        try:
            key = cls(Tenant(get_tenant_code(pk) or ""), remove_sort_key_version(sk))
        except ValueError as error:
            raise BadRequestException(f"This is no key of a {cls.type}") from error
        if key.pk.lower() != pk.lower():
            raise BadRequestException(f"This is no key of a {cls.type}")
        return key

    @property
    def tenant(self) -> Tenant:
        """Whose item it is."""
        return Tenant(self.pk.removeprefix(self.type + KEY_SEPARATOR))

    @property
    def id(self) -> str:
        """The id of the item."""
        return generate_id(self.pk, self.sk)
