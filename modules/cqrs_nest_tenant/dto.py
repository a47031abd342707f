"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from cqrs_nest.commands import TenantCode
from cqrs_nest.http import Dto

Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
"""A role, or a group's id, which becomes a part of the sort keys of the group's settings."""


class CommonTenantCreateDto(Dto):
    """The body of `POST /api/tenant/common`."""

    name: str
    attributes: dict[str, Any] | None = None


class TenantCreateDto(CommonTenantCreateDto):
    """The body of `POST /api/tenant`."""

    code: TenantCode


class TenantUpdateDto(TenantCreateDto, partial=True):
    """The body of `PATCH /api/tenant/:pk/:sk`: what is not sent stays. A tenant's code never changes."""


class TenantGroupAddDto(Dto):
    """The body of `POST /api/tenant/group`: the users of a role get the settings of one more group."""

    tenant_code: TenantCode
    group_id: Text
    role: Text


class TenantGroupUpdateDto(Dto):
    """The body of `PATCH /api/tenant/group`: a role's groups, that whose settings count first."""

    tenant_code: TenantCode
    setting_groups: list[Text]
    role: Text
