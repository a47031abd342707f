"""Commands of master items -> rows of `masters`."""

from __future__ import annotations

from cqrs_nest.commands import KEY_SEPARATOR, CommandModel, remove_sort_key_version
from cqrs_nest.read_models import Projection, SqlProjection, SqlRow
from cqrs_nest_master.master_keys import DATA_TYPE, MASTER_TABLE, SETTING_PREFIX


@Projection(MASTER_TABLE, table="masters", keep_deleted=True)
class MasterProjection(SqlProjection):
    """Keeps one row for each setting and each entry of data; deleted ones keep theirs, which says so."""

    def row(self, command: CommandModel) -> SqlRow:
        """The columns take what has their name; the sort key says what the row is."""
        sk = remove_sort_key_version(command.sk)
        type_code, _, rest = sk.partition(KEY_SEPARATOR)
        return {
            **super().row(command),
            "master_type": SETTING_PREFIX if type_code == SETTING_PREFIX else DATA_TYPE,
            "master_type_code": type_code,
            "master_code": rest.partition(KEY_SEPARATOR)[0],
            "code": sk,
            "is_deleted": bool(command.is_deleted),
            "attributes": command.attributes,
        }
