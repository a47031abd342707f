"""The demo as a program."""

import asyncio
import sys
import time

from rich.console import Console

from cqrs_nest.local import LocalRuntime, listen
from sample_app.demo.footprint import SUBSCRIBER, Footprints
from sample_app.demo.refusals import refuse
from sample_app.demo.report import CheckFailedError, Report
from sample_app.demo.story import Story
from sample_app.demo.todo_client import TodoClient
from sample_app.main_module import MainModule
from sample_app.settings import Settings

USER, TENANT = "alice", "acme"
VARIABLES = {"DATABASE_URL": "", "LOG_LEVEL": "error"}
"""A database of its own, and no log between the stages."""


def run_demo() -> int:
    """Run all stages on free ports; 1 if one does not hold."""
    started = time.perf_counter()
    report = Report(Console(file=sys.stdout, highlight=False))
    try:
        asyncio.run(_run(report))
    except (CheckFailedError, TimeoutError) as error:
        report.give_up(error)
        return 1
    except KeyboardInterrupt:
        return 130
    report.conclude(time.perf_counter() - started)
    return 0


async def _run(report: Report) -> None:
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(
            MainModule, env=Settings, listener=listener, variables=VARIABLES
        ) as runtime:
            subscriber_url = await runtime.aws.create_queue(runtime.session, SUBSCRIBER)
            footprints = Footprints(runtime, subscriber_url)
            report.say(f"service {runtime.url}, embedded AWS {runtime.aws.url}")
            async with (
                TodoClient(runtime.url, runtime.token(user=USER, tenant=TENANT)) as client,
                TodoClient(runtime.url, runtime.token(user="mallory", tenant="umbrella")) as stranger,
                TodoClient(runtime.url, None) as nobody,
            ):
                key = await Story(client, footprints, report, USER).tell()
                await refuse(client, stranger, nobody, key, footprints, report)
