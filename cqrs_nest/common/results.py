"""Results that are more than a value: files, and events that are sent one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class StreamableFile:
    """A file as the answer; what `@Header` says about its type, length and name goes first.

    >>> StreamableFile(b"a;b", type="text/csv", filename="cats.csv").type
    'text/csv'
    """

    content: bytes | Iterable[bytes] | AsyncIterable[bytes]
    """The bytes, or their pieces; a plain iterable, such as an open file, is read in a thread."""
    type: str = "application/octet-stream"
    disposition: str | None = None
    """`inline` or `attachment`, or the whole header, with the name in it."""
    length: int | None = None
    """Bytes of a content that comes in pieces, if it is known."""
    filename: str | None = None
    """The name that a browser saves it under, also one that a client chose: any text is written safely."""


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """One event of a route with `@Sse`."""

    data: Any
    """A text, or a value that is sent as JSON."""
    id: str | None = None
    """Without one the event gets the next number of its stream."""
    type: str | None = None
    retry: int | None = None
    """Milliseconds after which a client that lost the connection comes back."""
