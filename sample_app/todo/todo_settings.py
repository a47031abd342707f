"""What users, groups and tenants may set for themselves: the master setting `todo`."""

from cqrs_nest.context import Invoke
from cqrs_nest_master import MasterSettingService

SETTING = "todo"
DEFAULT_PAGE_SIZE = 10


class TodoSettings:
    """Reads the setting that holds for a caller, such as `{"pageSize": 20}`."""

    def __init__(self, settings: MasterSettingService) -> None:
        self._settings = settings

    async def page_size(self, invoke: Invoke) -> int:
        """How many todos a list shows unless the request says it."""
        setting = await self._settings.find_setting(SETTING, invoke_context=invoke)
        size = setting.setting_value.get("pageSize") if setting else None
        return size if isinstance(size, int) and size > 0 else DEFAULT_PAGE_SIZE
