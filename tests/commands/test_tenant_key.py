"""Keys that are built of a tenant."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.commands import DetailKey, TenantKey
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Tenant, tenant_of


class TodoKey(TenantKey, type="TODO"): ...


ACME = Tenant("Acme")


def test_a_key_has_its_parts() -> None:
    key = TodoKey(ACME, "A1")
    assert (key.pk, key.sk, key.id, key.tenant) == ("TODO#acme", "A1", "TODO#acme#A1", ACME)
    assert key == DetailKey("TODO#acme", "A1")
    assert key.row() == {"pk": "TODO#acme", "sk": "A1"}
    assert TodoKey.partition(ACME) == "TODO#acme"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda key: pickle.loads(pickle.dumps(key))])
def test_a_copy_is_the_same_key(copied: object) -> None:
    key = copied(TodoKey(ACME, "A1"))  # type: ignore[operator]
    assert (type(key), key.pk, key.sk) == (TodoKey, "TODO#acme", "A1")


@given(tenant=st.text(), sk=st.text())
def test_whatever_a_key_is_built_of_it_stays_in_its_tenant(tenant: str, sk: str) -> None:
    try:
        key = TodoKey(Tenant(tenant), sk)
    except ValueError:
        return
    assert tenant_of(key.pk) == tenant.lower()
    assert key.pk.count("#") == 1
    assert "@" not in key.sk
    assert TodoKey.of(key.pk, key.sk) == key


@pytest.mark.parametrize("code", ["", "acme#x", "a\n"])
def test_a_text_that_is_no_tenant_makes_no_key(code: str) -> None:
    with pytest.raises(ValueError, match="no tenant's code"):
        TodoKey(code, "A1")  # type: ignore[arg-type]


@pytest.mark.parametrize("sk", ["", "A1@2", "@"])
def test_a_sort_key_has_no_version(sk: str) -> None:
    with pytest.raises(ValueError, match="no sort key"):
        TodoKey(ACME, sk)


@pytest.mark.parametrize(
    ("pk", "sk"), [("NOTE#acme", "A1"), ("TODO", "A1"), ("TODO#", "A1"), ("TODO#a#b", "A1"), ("TODO#a", "@1")]
)
def test_a_key_of_another_kind_is_refused(pk: str, sk: str) -> None:
    with pytest.raises(BadRequestException, match="no key of a TODO"):
        TodoKey.of(pk, sk)


def test_a_subclass_says_its_type() -> None:
    with pytest.raises(TypeError, match=r"class NoKey\(TenantKey, type="):

        class NoKey(TenantKey): ...

    class SpecialTodoKey(TodoKey): ...

    assert SpecialTodoKey(ACME, "A1").pk == "TODO#acme"
