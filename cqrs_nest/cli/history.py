"""`cqrs-nest history`: every version of an item, with who, when and what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from pydantic_core import to_jsonable_python

from cqrs_nest.app import AsgiApplication
from cqrs_nest.aws import DynamoDbService
from cqrs_nest.cli.application import application_argument, run_with
from cqrs_nest.commands import CommandModel, CommandTableRegistry
from cqrs_nest.commands.item_versions import ItemVersions
from cqrs_nest.commands.json_shapes import is_object
from cqrs_nest.commands.keys import KEY_SEPARATOR
from cqrs_nest.commands.models import StoredModel
from cqrs_nest.core import Container

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = ("id", "code", "name", "tenantCode", "type", "seq", "isDeleted", "attributes")
"""What an item is; the rest of a row says who made it so."""


@dataclass(frozen=True)
class Change:
    """One property before and after; None where it is not there."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Version:
    """One version of an item and what it changed."""

    state: StoredModel
    changes: Sequence[Change]
    source: str | None
    waiting: str | None
    """The status of a command that is not applied yet."""


@click.command()
@application_argument
@click.argument("key")
@click.argument("sk", required=False)
@click.option("--table", help="The table as it was registered; all are searched unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def history(application: AsgiApplication, key: str, sk: str | None, table: str | None, as_json: bool) -> None:
    """Show every version of an item of APPLICATION: who made it, when, and what changed.

    KEY is the item's id, TYPE#tenant#sort-key, or its partition key with the sort key behind it.
    """
    if sk is None:
        key, sk = _split(key)

    async def work(container: Container) -> list[Version]:
        registry, dynamodb = container.get(CommandTableRegistry), container.get(DynamoDbService)
        chosen = [entry for entry in registry.tables if table in (None, entry.table.name)]
        if not chosen:
            known = ", ".join(registry.table_names) or "none"
            raise click.ClickException(f"no module registers the table {table!r} (registered: {known})")
        for entry in chosen:
            if versions := await _versions(ItemVersions(entry.table, dynamodb), key, sk):
                return versions
        raise click.ClickException(f"there is no item with the partition key {key!r} and the sort key {sk!r}")

    versions = run_with(application, work)
    if as_json:
        click.echo(json.dumps([_as_json(version) for version in versions], indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for version in versions:
        _print(console, version)


def _split(item_id: str) -> tuple[str, str]:
    kind, _, rest = item_id.partition(KEY_SEPARATOR)
    tenant, separator, sk = rest.partition(KEY_SEPARATOR)
    if not separator:
        raise click.UsageError(
            f"{item_id!r} is no id of the form TYPE#tenant#sort-key; write the partition key and the sort key"
        )
    return f"{kind}{KEY_SEPARATOR}{tenant}", sk


async def _versions(items: ItemVersions, pk: str, sk: str) -> list[Version]:
    states, commands = await items.applied(pk, sk), await items.commands(pk, sk)
    sources = {command.version: command.source for command in commands}
    newest = states[-1].version if states else 0
    waiting = [command for command in commands if command.version > newest]
    versions: list[Version] = []
    before: Mapping[str, Any] = {}
    for state in (*states, *waiting):
        after = _flat({name: value for name, value in state.to_row().items() if name in _SHOWN})
        status = (state.status or "published") if isinstance(state, CommandModel) else None
        versions.append(Version(state, list(_changes(before, after)), sources.get(state.version), status))
        before = after
    return versions


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested objects by their dotted paths."""
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if is_object(item) and item:
            flat |= _flat(item, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = item
    return flat


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in {**before, **after}:
        if name not in before or name not in after or before[name] != after[name]:
            yield Change(name, before.get(name), after.get(name))


def _print(console: Console, version: Version) -> None:
    from rich.text import Text

    state = version.state
    when = state.updated_at.isoformat() if isinstance(state.updated_at, datetime) else "at an unknown time"
    facts = [
        f"version {state.version}",
        when,
        f"by {state.updated_by or 'the system'}",
        f"from {state.updated_ip}" if state.updated_ip else "",
        version.source or "",
        f"not applied: {version.waiting}" if version.waiting else "",
    ]
    console.print(Text("  ".join(filter(None, facts)), style="yellow" if version.waiting else "bold"))
    for change in version.changes:
        if change.before is not None:
            console.print(Text(f"  - {change.name}: {_shown(change.before)}", style="red"))
        if change.after is not None:
            console.print(Text(f"  + {change.name}: {_shown(change.after)}", style="green"))
    if not version.changes:
        console.print(Text("  nothing changed", style="dim"))


def _shown(value: Any) -> str:
    return json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)


def _as_json(version: Version) -> dict[str, Any]:
    state = version.state
    facts = {
        "version": state.version,
        "at": state.updated_at,
        "by": state.updated_by,
        "ip": state.updated_ip,
        "source": version.source,
        "waiting": version.waiting,
        "changes": [{"name": c.name, "before": c.before, "after": c.after} for c in version.changes],
    }
    plain: dict[str, Any] = to_jsonable_python(facts, fallback=str)
    return plain
