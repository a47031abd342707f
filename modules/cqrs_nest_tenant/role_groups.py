"""Which groups' settings the users of a role get: `attributes.setting` of a tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

RoleGroups: TypeAlias = Mapping[str, Any]
"""One entry: `{tenantRole, groups, setting_groups, setting_groups_mode}`."""


class SettingGroupsMode(StrEnum):
    """Who orders the groups of a role."""

    AUTO = "auto"
    """The number of parts of their ids: those with more come first."""
    CUSTOMIZED = "customized"
    """Somebody did; new groups come last."""


def with_group(entries: Sequence[RoleGroups], role: str, group: str) -> list[RoleGroups]:
    """The entries with one more group for a role.

    >>> [entry] = with_group(with_group([], "clerk", "shop"), "clerk", "shop#north")
    >>> entry["groups"], entry["setting_groups"], str(entry["setting_groups_mode"])
    (['shop', 'shop#north'], ['shop#north', 'shop'], 'auto')
    """
    if all(entry.get("tenantRole") != role for entry in entries):
        return [*entries, _entry(role, [group], [group], SettingGroupsMode.AUTO)]
    return [_extended(entry, group) if entry.get("tenantRole") == role else entry for entry in entries]


def with_customized_groups(
    entries: Sequence[RoleGroups], role: str, groups: Sequence[str]
) -> list[RoleGroups] | None:
    """The entries with the groups of a role in the given order; None when there is no such role."""
    if all(entry.get("tenantRole") != role for entry in entries):
        return None
    customized = _entry(role, list(groups), list(groups), SettingGroupsMode.CUSTOMIZED)
    return [{**entry, **customized} if entry.get("tenantRole") == role else entry for entry in entries]


def _extended(entry: RoleGroups, group: str) -> RoleGroups:
    known: Sequence[str] = entry.get("groups") or _ordered(entry)
    if group in known:
        return entry
    groups = [*known, group]
    mode = entry.get("setting_groups_mode") or SettingGroupsMode.AUTO
    is_customized = mode == SettingGroupsMode.CUSTOMIZED
    ordered = [*_ordered(entry), group] if is_customized else _most_parts_first(groups)
    return {**entry, **_entry(entry["tenantRole"], groups, ordered, mode)}


def _ordered(entry: RoleGroups) -> Sequence[str]:
    groups: Sequence[str] = entry.get("setting_groups") or []
    return groups


def _entry(role: str, groups: list[str], setting_groups: list[str], mode: str) -> RoleGroups:
    return {
        "tenantRole": role,
        "groups": groups,
        "setting_groups": setting_groups,
        "setting_groups_mode": str(mode),
    }


def _most_parts_first(groups: Iterable[str]) -> list[str]:
    """Groups with equally many parts as a dictionary orders them: `a` before `A` before `b`."""
    return sorted(groups, key=lambda group: (-group.count("#"), group.casefold(), group.swapcase()))
