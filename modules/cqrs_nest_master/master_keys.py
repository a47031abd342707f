"""How master data are keyed: `MASTER#<tenant>`, and sort keys that say what a row is."""

from __future__ import annotations

from typing import Final

from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands import KEY_SEPARATOR, DetailKey, master_pk

MASTER_TYPE: Final = "MASTER"
SETTING_PREFIX: Final = "MASTER_SETTING"
DATA_TYPE: Final = "MASTER_DATA"
MASTER_TABLE: Final = "master"
COMMON_TENANT: Final = "common"


def setting_sk(code: str) -> str:
    """The sort key of a tenant's setting.

    >>> setting_sk("theme")
    'MASTER_SETTING#theme'
    """
    return _joined(SETTING_PREFIX, code)


def group_setting_sk(group_id: str, code: str) -> str:
    """The sort key of a group's setting.

    >>> group_setting_sk("north", "theme")
    'MASTER_SETTING#GROUP#north#theme'
    """
    return _joined(SETTING_PREFIX, "GROUP", group_id, code)


def user_setting_sk(user_id: str, code: str) -> str:
    """The sort key of a user's setting.

    >>> user_setting_sk("ann", "theme")
    'MASTER_SETTING#USER#ann#theme'
    """
    return _joined(SETTING_PREFIX, "USER", user_id, code)


def setting_key(tenant_code: str, code: str) -> DetailKey:
    """The key of a tenant's setting."""
    return DetailKey(master_pk(tenant_code), setting_sk(code))


def data_key(tenant_code: str, setting_code: str, code: str) -> DetailKey:
    """The key of one entry of the data of a setting.

    >>> data_key("acme", "COLOUR", "red")
    DetailKey(pk='MASTER#acme', sk='COLOUR#red')
    """
    return DetailKey(master_pk(tenant_code), _joined(setting_code, code))


def entries_of(setting_code: str) -> Condition:
    """The condition on the sort keys of the data of a setting."""
    return Condition("begins_with(sk, :setting)", {":setting": _joined(setting_code, "")})


def _joined(*parts: str) -> str:
    return KEY_SEPARATOR.join(parts)
