"""`cqrs-nest redrive`: carries on what waits in a dead-letter queue."""

from __future__ import annotations

from typing import Any

import click

from cqrs_nest.app import AsgiApplication, NestApplication
from cqrs_nest.cli.application import application_argument, run_started
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.cli.progress import progress_bar
from cqrs_nest.config import Environment
from cqrs_nest.pipeline import DeadLetterRedrive, RedrivenMessage


@click.command()
@application_argument
@click.option("--queue", "queue_url", help="The URL of the queue; DEAD_LETTER_QUEUE_URL unless given.")
@as_json
def redrive(application: AsgiApplication, queue_url: str | None, as_json: bool) -> None:
    """Carry on what waits in a dead-letter queue of APPLICATION.

    Commands are applied, with those that wait behind them; messages of other queues are handed to their
    handlers. What succeeds leaves the queue, what fails stays, and the exit code is 1 then.
    """
    outcomes = run_started(application, lambda started: _redrive(started, queue_url, not as_json))
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if as_json:
        print_json(_document(outcomes))
    else:
        for outcome in failed:
            click.echo(f"{outcome.subject}: {_reason(outcome)}", err=True)
        click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} messages are done, {len(failed)} stay")
    if failed:
        raise click.exceptions.Exit(1)


async def _redrive(application: NestApplication, queue_url: str | None, bar: bool) -> list[RedrivenMessage]:
    url = queue_url or application.get(Environment).dead_letter_queue_url
    if not url:
        raise click.ClickException("there is no queue: give --queue, or set DEAD_LETTER_QUEUE_URL")
    service = application.get(DeadLetterRedrive)
    outcomes: list[RedrivenMessage] = []
    with progress_bar("messages", await service.waiting(url), shown=bar) as advance:
        async for outcome in service.run(url):
            outcomes.append(outcome)
            advance(1)
    return outcomes


def _document(outcomes: list[RedrivenMessage]) -> dict[str, Any]:
    failed = [item for item in outcomes if item.error is not None]
    return {
        "done": [item.subject for item in outcomes if item.error is None],
        "failed": [{"subject": item.subject, "error": _reason(item)} for item in failed],
    }


def _reason(outcome: RedrivenMessage) -> str:
    return f"{type(outcome.error).__name__}: {outcome.error}"
