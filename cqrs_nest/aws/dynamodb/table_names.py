"""The physical names of tables: `<stage>-<service>-<module>-<type>`."""

from __future__ import annotations

from enum import StrEnum

from cqrs_nest.config import Environment


class TableType(StrEnum):
    """The three tables of a module."""

    COMMAND = "command"
    DATA = "data"
    HISTORY = "history"


def table_prefix(environment: Environment) -> str:
    """What every table of a service begins with.

    >>> table_prefix(Environment(node_env="dev", app_name="order"))
    'dev-order-'
    """
    return f"{environment.node_env}-{environment.app_name}-"


def table_name(environment: Environment, module: str, type: TableType | str | None = None) -> str:
    """The physical name of a module's table, or of a table of its own such as `tasks`.

    >>> env = Environment(node_env="dev", app_name="order")
    >>> table_name(env, "todo", TableType.COMMAND), table_name(env, "session")
    ('dev-order-todo-command', 'dev-order-session')
    """
    return f"{table_prefix(environment)}{module}" + (f"-{type}" if type else "")


def module_name(environment: Environment, table: str) -> str:
    """The module of a physical command, data or history table.

    >>> module_name(Environment(node_env="dev", app_name="order"), "dev-order-sales-item-command")
    'sales-item'
    """
    return table.removeprefix(table_prefix(environment)).rpartition("-")[0]
