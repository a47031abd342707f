"""`cqrs-nest projections`: the SQL read models of an application, rebuilt and verified."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run_with
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.commands import ReplaySource
from cqrs_nest.commands.replay import PAGE_ROWS, SEGMENTS
from cqrs_nest.core import Container
from cqrs_nest.read_models import Projections, SqlProjection

if TYPE_CHECKING:
    from rich.progress import Progress

_projection = click.option("--projection", "name", help="One projection by its name; all unless given.")
_source = click.option(
    "--from",
    "source",
    type=click.Choice(get_args(ReplaySource)),
    default="data",
    show_default=True,
    help="The newest states, or every command that has not expired.",
)
_segments = click.option(
    "--segments",
    type=click.IntRange(1, 1000),
    default=SEGMENTS,
    show_default=True,
    help="How many parts of the table are read side by side.",
)
_tenant = click.option("--tenant", help="Only the items of one tenant.")


@click.group()
def projections() -> None:
    """Rebuild and verify the SQL read models of an application."""


@projections.command(name="list")
@application_argument
@as_json
def list_projections(application: AsgiApplication, as_json: bool) -> None:
    """Name the projections of APPLICATION, the tables they keep and the commands they are made of."""

    async def work(container: Container) -> list[dict[str, Any]]:
        return [
            {
                "projection": each.options.name,
                "commands": each.options.table_name,
                "tables": [table.name for table in each.tables],
            }
            for each in container.get(Projections).all
        ]

    found = run_with(application, work)
    if as_json:
        print_json(found)
        return
    for line in found:
        click.echo(f"{line['projection']}: {line['commands']} -> {', '.join(line['tables'])}")


@projections.command()
@application_argument
@_projection
@_tenant
@_source
@_segments
@click.option(
    "--page-rows",
    type=click.IntRange(1),
    default=PAGE_ROWS,
    show_default=True,
    help="How many rows of each segment are read and written at a time.",
)
@click.option("--restart", is_flag=True, help="Begin anew where a rebuild was ended before it was through.")
@as_json
def rebuild(
    application: AsgiApplication,
    name: str | None,
    tenant: str | None,
    source: ReplaySource,
    segments: int,
    page_rows: int,
    restart: bool,
    as_json: bool,
) -> None:
    """Fill fresh tables for the projections of APPLICATION and swap them in, beside live traffic.

    A rebuild that was killed is gone on with. The rows of one tenant share their tables with all others: they
    are compared with the commands and mended where they are.
    """

    async def work(container: Container) -> list[dict[str, Any]]:
        service = container.get(Projections)
        done: list[dict[str, Any]] = []
        for each in _chosen(service, name):
            result: dict[str, Any] = {"projection": each.options.name}
            with _progress(each, await service.count(each, source)) as bar:
                if tenant is None:
                    result["rows"] = await service.rebuild(
                        each,
                        source=source,
                        segments=segments,
                        restart=restart,
                        page_rows=page_rows,
                        report=bar.report,
                        resumed=bar.resumed,
                    )
                else:
                    mended = await service.verify(
                        each, source=source, segments=segments, tenant=tenant, repair=True, report=bar.report
                    )
                    result |= {"tenant": tenant, "items": len(mended)}
            done.append(result)
            if not as_json:
                click.echo(_rebuilt(**result))
        return done

    done = run_with(application, work)
    if as_json:
        print_json(done)


def _rebuilt(projection: str, rows: int = 0, tenant: str | None = None, items: int = 0) -> str:
    if tenant is None:
        return f"{projection}: rebuilt from {rows} rows"
    return f"{projection}: {items} items of {tenant} were written anew"


@projections.command()
@application_argument
@_projection
@_tenant
@_source
@_segments
@click.option("--repair", is_flag=True, help="Write what differs anew.")
@as_json
def verify(
    application: AsgiApplication,
    name: str | None,
    tenant: str | None,
    source: ReplaySource,
    segments: int,
    repair: bool,
    as_json: bool,
) -> None:
    """Compare the read models of APPLICATION with its commands and print what differs.

    Ends with 1 if something differs, unless it was repaired.
    """

    async def work(container: Container) -> list[dict[str, str]]:
        service = container.get(Projections)
        found: list[dict[str, str]] = []
        for each in _chosen(service, name):
            with _progress(each, await service.count(each, source)) as bar:
                differences = await service.verify(
                    each, source=source, segments=segments, tenant=tenant, repair=repair, report=bar.report
                )
            for difference in differences:
                what = {"projection": each.options.name, **difference.key.row(), "what": difference.what}
                found.append(what)
        return found

    differences = run_with(application, work)
    if as_json:
        print_json(differences)
    else:
        for each in differences:
            click.echo("{pk} {sk}: {what}".format_map(each))
        if not differences or repair:
            click.echo(f"{len(differences)} repaired" if differences else "nothing differs")
    if differences and not repair:
        raise click.ClickException(f"{len(differences)} items differ. Fix: add --repair, or rebuild.")


def _chosen(service: Projections, name: str | None) -> Sequence[SqlProjection]:
    chosen = service.all if name is None else [service.named(name)]
    if not chosen:
        raise click.ClickException("the application has no class with @Projection")
    return chosen


class _Bar:
    """What a running command tells its user: a bar on a terminal, and at the end how fast it was."""

    def __init__(self, name: str, total: int, bar: Progress) -> None:
        self._name = name
        self._bar = bar
        self._task = bar.add_task(name, total=total or None, rate="")
        self._started = time.monotonic()
        self._read = 0

    def report(self, rows: int) -> None:
        """So many more rows were read."""
        self._read += rows
        self._bar.update(self._task, advance=rows, rate=self._rate)

    def resumed(self, rows: int) -> None:
        """So many rows were read by an earlier run."""
        if rows:
            click.echo(f"{self._name}: goes on after {rows} rows", err=True)
        self._bar.update(self._task, advance=rows)

    def conclude(self) -> None:
        """It is through."""
        click.echo(f"{self._name}: {self._read} rows read, {self._rate}", err=True)

    @property
    def _rate(self) -> str:
        return f"{self._read / max(time.monotonic() - self._started, 0.001):,.0f} rows/s"


@contextmanager
def _progress(projection: SqlProjection, total: int) -> Generator[_Bar]:
    """A bar with rate and remaining time on stderr, when that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = _Bar(projection.options.name, total, progress)
        yield bar
    bar.conclude()
