"""Tokens whose signature was found good, so that the next requests of a caller need not check it again."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from joserfc.jwk import KeySet

_MOST: Final = 5_000_000
"""Bytes that they take at most, ten thousand usual ones; that which was not seen for longest makes room."""
_OVERHEAD: Final = 300
"""Bytes that a token takes besides its claims."""


class SignedTokens:
    """What tokens say that one set of keys has signed. With other keys, nothing of it counts any more.

    Times, issuer and audience are not its business: they are judged anew for every request. It holds
    digests, as a token that lies in memory could be used by whoever reads it, and claims as text, so that
    each request gets its own.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._keys: KeySet | None = None
        self._claims: OrderedDict[bytes, str] = OrderedDict()
        self._size = 0

    def claims(self, token: str, keys: KeySet) -> dict[str, Any] | None:
        """The claims of a token that these very keys have signed; None if that is not known."""
        digest = _digest(token)
        text = self._claims.get(digest) if keys is self._keys else None
        if text is None:
            return None
        self._claims.move_to_end(digest)
        claims: dict[str, Any] = json.loads(text)
        return claims

    def add(self, token: str, keys: KeySet, claims: Mapping[str, Any]) -> None:
        """Remember a token whose signature was checked with these keys."""
        if keys is not self._keys:
            self._claims.clear()
            self._keys, self._size = keys, 0
        digest = _digest(token)
        self._forget(self._claims.pop(digest, None))
        self._claims[digest] = text = json.dumps(claims)
        self._size += len(text) + _OVERHEAD
        while self._size > self._most:
            self._forget(self._claims.popitem(last=False)[1])

    def _forget(self, text: str | None) -> None:
        if text is not None:
            self._size -= len(text) + _OVERHEAD


def _digest(token: str) -> bytes:
    # What is no text in UTF-8 is no token either, but must not end in another error than one.
    return sha256(token.encode(errors="surrogatepass")).digest()
