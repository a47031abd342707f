import copy
import pickle
from collections.abc import Callable

import pytest

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, Tenant

ADMIN_EVERYWHERE = '[{"tenant":"","role":"system_admin"}]'


def test_codes_are_in_lower_case() -> None:
    assert Tenant("ACME") == Tenant("acme") == "acme"
    assert repr(Tenant("Acme")) == "Tenant('acme')"
    assert copy.deepcopy(Tenant("a")) == pickle.loads(pickle.dumps(Tenant("a"))) == "a"


@pytest.mark.parametrize("code", ["", "a#b", "#", "a\nb", "\x00"])
def test_what_would_reach_into_another_part_of_a_key_is_no_tenant(code: str) -> None:
    with pytest.raises(ValueError, match="no tenant's code"):
        Tenant(code)


def test_it_is_the_callers(invoke_with: Callable[..., Invoke]) -> None:
    assert Tenant.of(invoke_with({"sub": "u", "custom:tenant": "Acme"}, {"x-tenant-code": "b"})) == "acme"
    admin = invoke_with({"sub": "u", "custom:roles": ADMIN_EVERYWHERE}, {"x-tenant-code": "B"})
    assert Tenant.of(admin) == "b"


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"sub": "u"}, "acme"),
        ({"sub": "u"}, None),
        ({}, "common"),
        ({"sub": "u", "custom:tenant": "a#b"}, "a"),
    ],
)
def test_a_caller_who_acts_for_none_is_refused(
    invoke_with: Callable[..., Invoke], claims: dict[str, str], header: str | None
) -> None:
    with pytest.raises(ForbiddenException):
        Tenant.of(invoke_with(claims, {"x-tenant-code": header} if header else {}))
