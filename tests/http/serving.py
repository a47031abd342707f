"""An application of a few controllers, and a client that calls it in memory."""

from collections.abc import Sequence
from typing import Any

import httpx

from cqrs_nest.common import Module
from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication, HttpOptions


async def build(
    *controllers: type, providers: Sequence[Any] = (), imports: Sequence[Any] = (), **options: Any
) -> HttpApplication:
    """`options` are those of the HTTP part."""

    @Module(controllers=controllers, providers=providers, imports=imports)
    class App: ...

    return HttpApplication(await Container.create(App), HttpOptions(**options))


def client_of(application: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")


async def serve(*controllers: type, **parts: Any) -> httpx.AsyncClient:
    return client_of(await build(*controllers, **parts))
