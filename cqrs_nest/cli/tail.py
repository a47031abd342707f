"""`cqrs-nest tail`: commands, events and projections, live."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import click

from cqrs_nest.aws import AwsSession
from cqrs_nest.cli.application import join_local_run, run
from cqrs_nest.cli.stream_follower import StreamFollower
from cqrs_nest.cli.topic_follower import follow_topic
from cqrs_nest.commands.rows import DEAD_LETTERED
from cqrs_nest.config import Environment
from cqrs_nest.context.tenants import tenant_of
from cqrs_nest.events import DynamoDbStreamEvent

REMEMBERED = 10_000
LOCAL_PAUSE, PAUSE = 0.1, 1.0
_COLOURS = {"command": "cyan", "event": "magenta", "projection": "green"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: a command was accepted, an event was sent, a projection got somewhere."""

    time: str
    kind: str
    table: str
    pk: str
    sk: str
    what: str
    by: str | None = None

    @property
    def tenant(self) -> str | None:
        """Whose it is."""
        return tenant_of(self.pk)

    def text(self) -> str:
        """For a person."""
        colour = "red" if ":FAILED" in self.what else _COLOURS[self.kind]
        kind = click.style(f"{self.kind:<10}", fg=colour)
        by = f"  by {self.by}" if self.by else ""
        return f"{self.time[11:23]}  {kind}  {self.table}  {self.pk} {self.sk}  {self.what}{by}"


class Statuses:
    """Which statuses commands have come to, as a stream tells the row and not what changed in it."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def is_new(self, table: str, pk: str, sk: str, status: str) -> bool:
        """Whether a command was not known to have this status; it is now."""
        key = table, pk, sk
        known = self._last.pop(key, None)
        self._last[key] = status
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return known != status


def lines_of(change: DynamoDbStreamEvent, table: str, statuses: Statuses) -> Iterator[Line]:
    """What a change of a command table says: an accepted command, or how far one has come."""
    row = change.new_image
    if row is None:
        return
    pk, sk, status = str(row["pk"]), str(row["sk"]), row.get("status")
    now = _now()
    if change.event_name == "INSERT":
        what = json.dumps(row.get("name"), ensure_ascii=False)
        yield Line(now, "command", table, pk, sk, what, row.get("updatedBy") or row.get("createdBy"))
    if row.get(DEAD_LETTERED) and isinstance(status, str):
        status = f"{status}, in the dead-letter queue"
    if isinstance(status, str) and statuses.is_new(table, pk, sk, status):
        yield Line(now, "projection", table, pk, sk, status)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--table", "tables", multiple=True, help="Only this module's table; may be given several times."
)
@click.option("--tenant", help="Only what belongs to this tenant.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest that the streams still hold.")
def tail(as_json: bool, tables: tuple[str, ...], tenant: str | None, from_start: bool) -> None:
    """Follow commands, events and projections until Ctrl-C.

    Beside a service that runs here (make run, cqrs-nest dev) it looks into its embedded AWS, otherwise into
    the account and at the tables that NODE_ENV, APP_NAME and the AWS settings say. Events come over a queue
    that subscribes to SNS_TOPIC_ARN meanwhile. Attributes of commands are not shown.
    """
    run(_tail(_Printer(as_json, tenant), tables, "TRIM_HORIZON" if from_start else "LATEST"))


class _Printer:
    def __init__(self, as_json: bool, tenant: str | None) -> None:
        self._as_json = as_json
        self._tenant = tenant

    def print(self, line: Line) -> None:
        """Print a line, unless it is another tenant's."""
        if self._tenant is None or (line.tenant or "").lower() == self._tenant.lower():
            fields = {**asdict(line), "tenant": line.tenant}
            click.echo(json.dumps(fields, ensure_ascii=False) if self._as_json else line.text())


async def _tail(printer: _Printer, tables: tuple[str, ...], start: str) -> None:
    join_local_run()
    environment = Environment.load()
    session = AwsSession(environment)
    try:
        await _follow(printer, environment, session, tables, start)
    finally:
        await session.on_application_shutdown()


async def _follow(
    printer: _Printer, environment: Environment, session: AwsSession, tables: tuple[str, ...], start: str
) -> None:
    streams = await _streams(session, environment, tables)
    if not streams:
        raise click.ClickException(
            f"{environment.node_env}-{environment.app_name} has no command table with a stream; start the "
            "service first, or set NODE_ENV and APP_NAME to those of one that runs"
        )
    follower = StreamFollower(session, list(streams), LOCAL_PAUSE if environment.dynamodb_endpoint else PAUSE)
    async with AsyncExitStack() as stack:
        works = [_print_changes(printer, follower, streams)]
        if environment.sns_topic_arn:
            messages = await stack.enter_async_context(follow_topic(session, environment.sns_topic_arn))
            works.append(_print_events(printer, messages, f"{environment.node_env}-{environment.app_name}-"))
        await follower.begin(start)
        click.echo(f"following {', '.join(sorted(streams.values()))}", err=True)
        await _until_one_ends(works)


async def _until_one_ends(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of it until Ctrl-C, or until something fails, which is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, tasks[0].cancel)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        if not task.cancelled():
            task.result()


async def _print_changes(printer: _Printer, follower: StreamFollower, streams: Mapping[str, str]) -> None:
    statuses = Statuses()
    async for change in follower.changes():
        for line in lines_of(change, streams[change.source], statuses):
            printer.print(line)


async def _print_events(printer: _Printer, messages: AsyncIterator[Mapping[str, Any]], prefix: str) -> None:
    async for message in messages:
        action, table = str(message.get("action")), str(message.get("table", ""))
        # How far a command has come, its stream says too.
        if action != "command-status" and table.startswith(prefix):
            name = message.get("eventType")
            what = f"{action} {name}" if name else action
            module = table.removeprefix(prefix).removesuffix("-command")
            printer.print(Line(_now(), "event", module, str(message["pk"]), str(message["sk"]), what))


async def _streams(session: AwsSession, environment: Environment, wanted: tuple[str, ...]) -> dict[str, str]:
    """The streams of the service's command tables, and the module that each belongs to."""
    prefix, suffix = f"{environment.node_env}-{environment.app_name}-", "-command"
    streams: dict[str, str] = {}
    request: dict[str, Any] = {}
    while True:
        answer = await session.call("dynamodb", "list_tables", **request)
        for table in answer["TableNames"]:
            module = table.removeprefix(prefix).removesuffix(suffix)
            if table != f"{prefix}{module}{suffix}" or (wanted and module not in wanted):
                continue
            described = await session.call("dynamodb", "describe_table", TableName=table)
            if stream := described["Table"].get("LatestStreamArn"):
                streams[stream] = module
        if "LastEvaluatedTableName" not in answer:
            return streams
        request["ExclusiveStartTableName"] = answer["LastEvaluatedTableName"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
