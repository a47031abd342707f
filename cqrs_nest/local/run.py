"""`run_local`: the program behind `make run`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from cqrs_nest.common import DynamicModule
from cqrs_nest.config import Environment, InvalidEnvironmentError
from cqrs_nest.context.development_keys import DevelopmentKeyRefusedError
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.http import HttpOptions
from cqrs_nest.local.embedded_aws import Queue
from cqrs_nest.local.listening_socket import PortTakenError, listen
from cqrs_nest.local.login import LocalUser
from cqrs_nest.local.running import announce
from cqrs_nest.local.runtime import LocalRuntime
from cqrs_nest.local.schedules import Schedule
from cqrs_nest.local.state_machines import StateMachine

HOST = "127.0.0.1"
DEVELOPER, TENANT = "developer", "acme"

MENDABLE = (
    PortTakenError,
    PermissionError,
    InvalidEnvironmentError,
    DevelopmentKeyRefusedError,
    CqrsNestError,
)

_BANNER = """
  {name} answers at {url}
  Swagger UI   {url}/swagger-ui
  Log in       {url}/development/login (as another user, with other roles, in another tenant)
  Embedded AWS {aws_url} (tables, topics and queues; gone at the end)
  Live view    cqrs-nest tail
  Bearer token of {user} in tenant {tenant}, valid for 12 hours (cqrs-nest token signs others):

{token}

  Ctrl-C ends it.

"""


def run_local(
    root: type[Any] | DynamicModule,
    *,
    env: type[Environment] = Environment,
    http: HttpOptions | None = None,
    queues: Sequence[Queue] = (),
    state_machines: Sequence[StateMachine] = (),
    schedules: Sequence[Schedule] = (),
    users: Sequence[LocalUser] = (),
    as_json: bool = False,
) -> int:
    """Run an application with embedded AWS until Ctrl-C or SIGTERM; the exit code of the program.

    It listens on port APP_PORT of 127.0.0.1. Queues, state machines and schedules that modules name as
    `AwsResources` are there; others can be given. `http` is what `CqrsNest.asgi` is given elsewhere; `users`
    are those that the login page offers. `as_json` tells where it answers in one line of JSON.
    What a developer can mend (a taken port, a wrong setting, a missing provider, a database that is not
    there) is printed without a stack, and the exit code is 1.
    """
    start = partial(
        LocalRuntime.start,
        root,
        env=env,
        http=http,
        queues=queues,
        state_machines=state_machines,
        schedules=schedules,
        users=users,
    )
    try:
        settings = env.load(environ={**os.environ, "NODE_ENV": "local"})
        # Before anything heavy: a second start should say at once that the port is taken.
        with listen(HOST, settings.app_port) as listener:
            asyncio.run(_run(start, listener, as_json))
    except MENDABLE as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(
    start: Callable[..., AbstractAsyncContextManager[LocalRuntime]], listener: socket.socket, as_json: bool
) -> None:
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with start(listener=listener) as runtime:
        with announce(runtime.url, runtime.variables()):
            sys.stdout.write(_announcement(runtime, as_json))
            sys.stdout.flush()
            await ending.wait()


def _announcement(runtime: LocalRuntime, as_json: bool) -> str:
    name, token = runtime.environment.app_name, runtime.token(user=DEVELOPER, tenant=TENANT)
    if as_json:
        facts = {
            "name": name,
            "url": runtime.url,
            "awsUrl": runtime.aws.url,
            "tenant": TENANT,
            "token": token,
        }
        return json.dumps(facts) + "\n"
    return _BANNER.format(
        name=name, url=runtime.url, aws_url=runtime.aws.url, user=DEVELOPER, tenant=TENANT, token=token
    )
