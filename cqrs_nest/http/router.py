"""From a method and a path to the route that answers, in time that does not grow with the routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote, unquote_to_bytes

from starlette.types import Receive, Scope, Send

from cqrs_nest.common import BadRequestException, RouteInfo

T = TypeVar("T")

ALL_METHODS: Final = "ALL"
_SEGMENT = re.compile(r"[:*]?[^:*?()\[\]{}+]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

PathValue = str | list[str]
"""The text of a `:name`, or the texts of all segments that a `*name` covers."""

Answer: TypeAlias = Callable[[Scope, Receive, Send, dict[str, PathValue]], Awaitable[None]]
"""What answers the requests to a route."""


class InvalidPathError(ValueError):
    """A path that the router cannot serve."""


Match: TypeAlias = tuple[T, dict[str, PathValue]]
"""A target and the parameters of the path that led to it."""


class _Leaf(NamedTuple, Generic[T]):
    """The end of a declared path; `order` is its place among all declared routes."""

    order: int
    places: tuple[tuple[str, int | slice], ...]
    """The segments that each parameter is, or a wildcard's are, by its name."""
    target: T


class _Node(Generic[T]):
    """One segment; what follows it, and by method the first declared route that ends here."""

    __slots__ = ("ends", "parameter", "rest", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.ends: dict[str, _Leaf[T]] = {}
        self.rest: dict[str, _Leaf[T]] = {}


class Router(Generic[T]):
    """Routes in declared order: the first that fits wins.

    `:name` stands for one segment, a trailing `*name` for one or more. Case and one trailing slash do
    not matter, `%2F` stays inside its segment, and HEAD is answered by GET.

    >>> router = Router([("GET", "/cats/:id", "find"), ("POST", "/cats", "create")])
    >>> router.match("GET", b"/Cats/a%2Fb/")
    ('find', {'id': 'a/b'})
    >>> router.match("DELETE", b"/cats")
    """

    def __init__(self, routes: Iterable[tuple[str, str, T]]) -> None:
        self._root: _Node[T] = _Node()
        self._constant: dict[tuple[str, bytes], T] = {}
        constant_paths: set[tuple[str, bytes]] = set()
        for order, (method, path, target) in enumerate(routes):
            leaf = self._add(order, method, path, target)
            if not leaf.places and method != ALL_METHODS:
                constant_paths.add((method, path.lower().encode()))
        for method, raw_path in constant_paths:
            found = _search(self._root, _segments(raw_path.decode()), 0, method)
            if found is not None and not found.places:
                self._constant[method, raw_path] = found.target

    def _add(self, order: int, method: str, path: str, target: T) -> _Leaf[T]:
        segments = split_path(path)
        leaf = _Leaf(order, tuple(_places(segments)), target)
        node = self._root
        ends: dict[str, _Leaf[T]] | None = None
        for segment in segments:
            if segment[0] == "*":
                ends = node.rest
            elif segment[0] == ":":
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                wire_form = quote(segment, safe="!$&'()+,;=@%").lower()
                node = node.static.setdefault(wire_form, _Node())
        for served in ("GET", "HEAD") if method == "GET" else (method,):
            (node.ends if ends is None else ends).setdefault(served, leaf)
        return leaf

    def match(self, method: str, raw_path: bytes) -> Match[T] | None:
        """The route for a path as it came over the wire, or None.

        Raises BadRequestException when a parameter holds a malformed percent escape.
        """
        constant = self._constant.get((method, raw_path))
        if constant is not None:
            return constant, {}
        path = raw_path.decode("latin-1")
        segments = _segments(path)
        leaf = _search(self._root, segments, 0, method)
        if leaf is None:
            return None
        params: dict[str, PathValue] = {name: segments[place] for name, place in leaf.places}
        if "%" in path or not path.isascii():
            params = {name: _decode(value) for name, value in params.items()}
        return leaf.target, params


def _segments(path: str) -> list[str]:
    """The segments of a path that is asked for. One trailing slash does not matter."""
    return path.removesuffix("/").split("/")[1:]


def _places(segments: list[str]) -> Iterator[tuple[str, int | slice]]:
    for position, segment in enumerate(segments):
        if segment[0] in ":*":
            yield segment[1:], position if segment[0] == ":" else slice(position, None)


def split_path(path: str) -> list[str]:
    """The segments of a declared path. Raises InvalidPathError for patterns that are not supported."""
    segments = [segment for segment in path.split("/") if segment]
    for index, segment in enumerate(segments):
        if not _SEGMENT.fullmatch(segment):
            raise InvalidPathError(f"'{segment}': a parameter is a whole segment such as :name")
        if segment[0] == "*" and index < len(segments) - 1:
            raise InvalidPathError(f"'{segment}': a wildcard must be the last segment")
    return segments


def _search(node: _Node[T], segments: list[str], start: int, method: str) -> _Leaf[T] | None:
    """The first declared of all routes below `node` that fit the segments from `start` on."""
    for position in range(start, len(segments)):
        segment = segments[position]
        static = node.static.get(segment.lower())
        parameter = node.parameter if segment else None
        if node.rest or (static and parameter):
            after = position + 1
            best = _first(node.rest, method) if segment else None
            for way in (static, parameter):
                if way is not None:
                    best = _earlier(best, _search(way, segments, after, method))
            return best
        only_way = static or parameter
        if only_way is None:
            return None
        node = only_way
    return _first(node.ends, method)


def _earlier(one: _Leaf[T] | None, other: _Leaf[T] | None) -> _Leaf[T] | None:
    if one is None or other is None:
        return one or other
    return one if one.order < other.order else other


def _first(leaves: dict[str, _Leaf[T]], method: str) -> _Leaf[T] | None:
    return _earlier(leaves.get(method), leaves.get(ALL_METHODS))


def _decode(value: PathValue) -> PathValue:
    return _decode_segment(value) if isinstance(value, str) else [_decode_segment(each) for each in value]


def _decode_segment(segment: str) -> str:
    try:
        if _BROKEN_ESCAPE.search(segment):
            raise ValueError(segment)
        return unquote_to_bytes(segment.encode("latin-1")).decode()
    except ValueError:
        raise BadRequestException(f"Failed to decode param '{segment}'") from None


class PathSet:
    """Declared paths, perhaps of one method only, that others are compared with.

    >>> excluded = PathSet(["health", RouteInfo("cats/:id", "GET")])
    >>> excluded.has("POST", "/health"), excluded.has("GET", "/cats/7"), excluded.has("POST", "/cats/7")
    (True, True, False)
    """

    def __init__(self, paths: Iterable[str | RouteInfo]) -> None:
        """Raises InvalidPathError."""
        infos = (RouteInfo(each) if isinstance(each, str) else each for each in paths)
        self._router = Router((info.method.upper(), info.path, True) for info in infos)

    def has(self, method: str, path: str) -> bool:
        """Whether a path, with parameters filled in or not, is one of them."""
        return self._router.match(method, path.encode()) is not None
