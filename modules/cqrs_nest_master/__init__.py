"""Master data: settings with a value for each user, group, tenant and all, and the data of settings."""

from typing import TYPE_CHECKING, Any

from cqrs_nest_master.dto.bulk_dto import MasterBulkDto, MasterBulkItemDto
from cqrs_nest_master.dto.copy_dto import CopyType, DataCopyMode, DataCopyOptionDto, MasterCopyDto
from cqrs_nest_master.dto.data_dto import (
    CreateMasterDataDto,
    CustomMasterDataSearchDto,
    MasterDataCreateBulkDto,
    MasterDataCreateDto,
    MasterDataListEntity,
    MasterDataSearchDto,
    MasterDataUpdateDto,
)
from cqrs_nest_master.dto.setting_dto import (
    CommonSettingBulkDto,
    CommonSettingDto,
    GetSettingDto,
    GroupSettingDto,
    MasterSettingEntity,
    MasterSettingSearchDto,
    MasterSettingUpdateDto,
    TenantSettingDto,
    UpdateSettingDto,
    UserSettingDto,
)
from cqrs_nest_master.effective_setting import EffectiveSettings
from cqrs_nest_master.master_bulk_service import MasterBulkService
from cqrs_nest_master.master_data_service import MasterDataService
from cqrs_nest_master.master_module import MasterModule
from cqrs_nest_master.master_search import MasterPage, MasterRow, MasterSearch
from cqrs_nest_master.master_setting_service import MasterSettingService
from cqrs_nest_master.ttl_configurations import TtlConfigurations

if TYPE_CHECKING:
    from cqrs_nest_master.master_copy_service import MasterCopyService

__all__ = [
    "CommonSettingBulkDto",
    "CommonSettingDto",
    "CopyType",
    "CreateMasterDataDto",
    "CustomMasterDataSearchDto",
    "DataCopyMode",
    "DataCopyOptionDto",
    "EffectiveSettings",
    "GetSettingDto",
    "GroupSettingDto",
    "MasterBulkDto",
    "MasterBulkItemDto",
    "MasterBulkService",
    "MasterCopyDto",
    "MasterCopyService",
    "MasterDataCreateBulkDto",
    "MasterDataCreateDto",
    "MasterDataListEntity",
    "MasterDataSearchDto",
    "MasterDataService",
    "MasterDataUpdateDto",
    "MasterModule",
    "MasterPage",
    "MasterRow",
    "MasterSearch",
    "MasterSettingEntity",
    "MasterSettingSearchDto",
    "MasterSettingService",
    "MasterSettingUpdateDto",
    "TenantSettingDto",
    "TtlConfigurations",
    "UpdateSettingDto",
    "UserSettingDto",
]


def __getattr__(name: str) -> Any:
    """`MasterCopyService`, which imports the module of tasks, when it is first asked for."""
    if name != "MasterCopyService":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cqrs_nest_master.master_copy_service import MasterCopyService

    return MasterCopyService
