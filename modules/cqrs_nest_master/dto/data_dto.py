"""Master data: what creates, changes and finds them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cqrs_nest.commands import DataEntity, SearchDto, TenantCode
from cqrs_nest.http import Dto
from cqrs_nest_master.dto.texts import MAX_BULK, Code, Flag, Seq


class CreateMasterDataDto(Dto):
    """The body of `POST /api/master-data`: everything is said."""

    setting_code: Code
    tenant_code: TenantCode
    code: Code
    name: str
    seq: Seq | None = None
    attributes: dict[str, Any]


class MasterDataCreateDto(Dto):
    """The body of `POST /api/master-data/create`: the tenant is the caller's, the code a ULID and `seq` the
    next one, unless they are sent.
    """

    tenant_code: TenantCode | None = None
    setting_code: Code
    name: str
    code: Code | None = None
    seq: Seq | None = None
    attributes: dict[str, Any]


class MasterDataCreateBulkDto(Dto):
    """The body of `POST /api/master-data/bulk`."""

    items: Annotated[list[MasterDataCreateDto], Field(min_length=1, max_length=MAX_BULK)]


class MasterDataUpdateDto(Dto):
    """The body of `PUT /:pk/:sk` and `PUT /:id`: what is not sent stays."""

    name: str | None = None
    is_deleted: Flag | None = None
    seq: Seq | None = None
    attributes: dict[str, Any] | None = None


class MasterDataSearchDto(Dto):
    """The query string of `GET /api/master-data`."""

    tenant_code: TenantCode | None = None
    setting_code: Code
    limit: Annotated[int, Field(ge=1, le=1000)] = 10
    start_from_sk: Annotated[str, Field(min_length=1, max_length=1024)] | None = None


class CustomMasterDataSearchDto(SearchDto):
    """The query string of `GET /api/master-data/list`."""

    code: str | None = None
    setting_code: str | None = None
    is_deleted: Flag | None = None


class MasterDataListEntity(Dto):
    """A page; `lastSk` is the `startFromSk` of the next one, null on the last."""

    items: list[DataEntity]
    last_sk: str | None
