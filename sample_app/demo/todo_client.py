"""The demo's HTTP client: real requests over a socket."""

import json
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx


@dataclass(frozen=True)
class Answer:
    """Status and JSON body of a response."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """What an error says."""
        message = self.body.get("message", "")
        return message if isinstance(message, str) else ", ".join(message)


@dataclass(frozen=True)
class TodoKey:
    """Where a todo lives."""

    pk: str
    sk: str

    @property
    def path(self) -> str:
        """The todo's path; `#` and the like must be percent-encoded."""
        return f"/api/todo/{quote(self.pk, safe='')}/{quote(self.sk, safe='')}"

    @classmethod
    def of(cls, command: dict[str, Any]) -> Self:
        """The key of the todo that a command created."""
        return cls(command["pk"], command["code"])


class TodoClient:
    """Asks as one user. Use as `async with`."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        # Settings of the machine, such as proxies, have no say in a call to this process.
        self._http = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._http.__aexit__(*error)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request; `body` is an object, or the bytes themselves."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content is not None:
            sent["content-type"] = "application/json"
        response = await self._http.request(method, path, content=content, headers=sent)
        return Answer(response.status_code, response.json() if response.content else None)
