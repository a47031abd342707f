"""The application of the shell's tests."""

from __future__ import annotations

from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Module
from cqrs_nest.config import Environment


class Adder:
    """Adds, a moment later."""

    async def add(self, one: int, other: int) -> int:
        return one + other


class Ending:
    """Says when the application ends."""

    def on_application_shutdown(self) -> None:
        print("closed")


@Module(providers=[Adder, Ending])
class ShellModule: ...


app = CqrsNest.asgi(ShellModule, env=Environment(node_env="local", app_name="adder"))
