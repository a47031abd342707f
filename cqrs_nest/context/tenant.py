"""`Tenant`: a tenant's code that is fit for a key, taken from the caller and not from what he sent."""

from __future__ import annotations

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context.invoke import Invoke
from cqrs_nest.context.tenants import acting_tenant


class Tenant(str):
    """A tenant's code, in lower case. Keys are built of it, not of any text that may have come in a body.

    Raises ValueError for an empty code and for one with a `#`, which would end the tenant's part of a key.

    >>> Tenant("Acme")
    Tenant('acme')
    """

    __slots__ = ()

    def __new__(cls, code: str) -> Tenant:
        if not code or "#" in code or not code.isprintable():
            raise ValueError(f"{code!r} is no tenant's code: it must be printable, not empty and without '#'")
        return super().__new__(cls, code.lower())

    @classmethod
    def of(cls, invoke: Invoke) -> Tenant:
        """The tenant that a caller acts for: his token's, or the header's where he may name it.

        Raises ForbiddenException (403) for a caller who has none.
        """
        code = acting_tenant(invoke)
        if code is None:
            raise ForbiddenException("The caller acts for no tenant")
        try:
            return cls(code)
        except ValueError as error:
            raise ForbiddenException("The caller's tenant is none that can stand in a key") from error

    def __repr__(self) -> str:
        return f"Tenant({str(self)!r})"
