"""The public keys of an identity provider: read from a file or a URL, cached, read again after a rotation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key
from pydantic import BaseModel, ConfigDict

from cqrs_nest.common import Logger
from cqrs_nest.context.errors import KeysUnavailableError

_LIFETIME = 600.0
"""Seconds for which keys are used without looking again."""
_PAUSE = 5.0
"""Seconds between two looks when a key is unknown, so that made-up ids cannot flood the provider."""
_TIMEOUT = 5.0
"""Seconds that the provider may be silent."""
_PATIENCE = 10.0
"""Seconds that callers wait for all it has to say."""
_LARGEST_DOCUMENT = 1_000_000


class PublicKeys:
    """The keys tokens may be signed with. `read` gives the JWKS document; it runs in a thread.

    Imported keys are kept: importing one costs more than checking a signature.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        *,
        pause: float = _PAUSE,
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._pause = pause
        self._patience = patience
        self._clock = clock
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._logger = Logger("PublicKeys")

    async def current(self) -> KeySet:
        """The keys, read at most some minutes ago.

        Raises KeysUnavailableError when they have never been read and cannot be.
        """
        return await self._not_older_than(_LIFETIME)

    async def after_rotation(self) -> KeySet:
        """The keys, read again for a token whose key is unknown, unless that was done a moment ago."""
        return await self._not_older_than(self._pause)

    async def _not_older_than(self, seconds: float) -> KeySet:
        if self._is_due(seconds):
            async with self._reading:
                if self._is_due(seconds):  # nobody did it while this one waited
                    await self._refresh()
        if self._keys is None:
            raise KeysUnavailableError("the public keys of the identity provider cannot be read")
        return self._keys

    def _is_due(self, seconds: float) -> bool:
        return self._clock() - self._read_at >= (self._pause if self._keys is None else seconds)

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                text = await asyncio.to_thread(self._read)
            document = _Document.model_validate_json(text)
            self._keys = self._import(document)
        except (OSError, HTTPException, JoseError, ValueError) as error:
            stay = "the former keys stay in use" if self._keys else "no token can be judged"
            self._logger.error("The public keys cannot be read, %s: %s", stay, error)
        self._read_at = self._clock()

    def _import(self, document: _Document) -> KeySet:
        """The keys that can be used; one of a new kind must not put the others out of use."""
        keys: list[Key] = []
        for data in document.keys:
            try:
                keys.append(import_key(data))
            except (JoseError, KeyError, TypeError, ValueError) as error:
                self._logger.warn("A public key (kid %r) is passed over: %s", data.get("kid"), error)
        if document.keys and not keys:
            raise ValueError("none of the keys can be used")
        return KeySet(keys)


class _Document(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)
    keys: list[dict[str, Any]]


def read_url(url: str) -> bytes:
    """The JWKS document at a URL. Redirects are not followed: another host's keys are not this one's."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc, timeout=_TIMEOUT)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target or "/", headers={"accept": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise ValueError(f"{url} answered {response.status}")
        document = response.read(_LARGEST_DOCUMENT + 1)
        if len(document) > _LARGEST_DOCUMENT:
            raise ValueError(f"{url} sent more than {_LARGEST_DOCUMENT} bytes")
        return document
    finally:
        connection.close()
