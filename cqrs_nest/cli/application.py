"""APPLICATION, the argument that most commands take, and work with what is built of it."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cqrs_nest.app import AsgiApplication, NestApplication
from cqrs_nest.config import InvalidEnvironmentError
from cqrs_nest.config.env_file import read_env_file
from cqrs_nest.core import Container
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.local.running import find_running

T = TypeVar("T")


class ApplicationType(click.ParamType[AsgiApplication]):
    """An application as uvicorn takes it: module:name."""

    name = "module:app"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = (f"{path.parent.name}.main:app" for path in sorted(Path.cwd().glob("*/main.py")))
        return [CompletionItem(each) for each in found if each.startswith(incomplete)]

    def convert(
        self, value: str | AsgiApplication, param: click.Parameter | None, ctx: click.Context | None
    ) -> AsgiApplication:
        if isinstance(value, AsgiApplication):
            return value
        module, _, name = value.partition(":")
        sys.path.insert(0, str(Path.cwd()))
        try:
            application: object = getattr(importlib.import_module(module), name or "app")
        except (ImportError, AttributeError) as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if not isinstance(application, AsgiApplication):
            self.fail(f"{value!r} is no application; write app = CqrsNest.asgi(...)", param, ctx)
        return application


application_argument = click.argument("application", type=ApplicationType())
"""Decorates a command whose parameter `application` is an AsgiApplication."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the work of a command. What its user can mend, a ClickException says in one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return asyncio.run(work)
    except (InvalidEnvironmentError, CqrsNestError, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error


def run_assembled(application: AsgiApplication, read: Callable[[NestApplication], T]) -> T:
    """What is read from the modules of an application; they are built, and nothing is started.

    No account is asked, so that the stage is `local` where neither the environment nor `.env` names one.
    """

    async def reading() -> T:
        _name_a_stage()
        assembled = await application.assembled()
        try:
            return read(assembled)
        finally:
            await assembled.container.close()

    return run(reading())


def _name_a_stage() -> None:
    file = Path(".env")
    values = read_env_file(file, os.environ) if file.is_file() else {}
    if not (os.environ.get("NODE_ENV") or values.get("NODE_ENV")):
        os.environ["NODE_ENV"] = "local"


def run_with(application: AsgiApplication, work: Callable[[Container], Awaitable[T]]) -> T:
    """Run work on the built modules of an application. No start hook runs, and nothing is served."""

    async def with_container() -> T:
        container = await application.container()
        try:
            return await work(container)
        finally:
            await container.close()

    return run(with_container())


def join_local_run() -> None:
    """Let this process find the account of a service that runs here (`make run`, `cqrs-nest dev`), if any.

    With another NODE_ENV than `local` it finds its own.
    """
    running = find_running() if os.environ.get("NODE_ENV", "local") == "local" else None
    if running is not None:
        os.environ.update(running.variables)


def run_started(application: AsgiApplication, work: Callable[[NestApplication], Awaitable[T]]) -> T:
    """Run work on a started application: the start hooks have run, and the shutdown hooks will.

    Beside a run of it on this machine, that is the account it works on.
    """
    join_local_run()

    async def with_application() -> T:
        try:
            return await work(await application.start())
        finally:
            await application.close()

    return run(with_application())
