"""From a method and a path to the route that answers, in time that does not grow with the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote_to_bytes

from cqrs_nest.common import BadRequestException, RouteInfo

T = TypeVar("T")

ALL_METHODS: Final = "ALL"
_SEGMENT = re.compile(r"[:*]?[^:*?()\[\]{}+]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

PathValue = str | list[str]
"""The text of a `:name`, or the texts of all segments that a `*name` covers."""


class InvalidPathError(ValueError):
    """A path that the router cannot serve."""


class Match(NamedTuple, Generic[T]):
    target: T
    params: dict[str, PathValue]


class _Leaf(NamedTuple, Generic[T]):
    """The end of a declared path; `order` is its place among all declared routes."""

    order: int
    names: tuple[str, ...]
    target: T


class _Node(Generic[T]):
    """One segment; what follows it, and by method the first declared route that ends here."""

    __slots__ = ("ends", "parameter", "rest", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.ends: dict[str, _Leaf[T]] = {}
        self.rest: dict[str, _Leaf[T]] = {}


_Found = tuple[_Leaf[T], tuple[PathValue, ...]]


class Router(Generic[T]):
    """Routes in declared order: the first that fits wins.

    `:name` stands for one segment, a trailing `*name` for one or more. Case and one trailing slash do
    not matter, `%2F` stays inside its segment, and HEAD is answered by GET.

    >>> router = Router([("GET", "/cats/:id", "find"), ("POST", "/cats", "create")])
    >>> router.match("GET", b"/Cats/a%2Fb/")
    Match(target='find', params={'id': 'a/b'})
    >>> router.match("DELETE", b"/cats")
    """

    def __init__(self, routes: Iterable[tuple[str, str, T]]) -> None:
        self._root: _Node[T] = _Node()
        self._constant: dict[tuple[str, bytes], T] = {}
        constant_paths: set[tuple[str, bytes]] = set()
        for order, (method, path, target) in enumerate(routes):
            names = self._add(order, method, path, target)
            if not names and method != ALL_METHODS:
                constant_paths.add((method, path.lower().encode()))
        for method, raw_path in constant_paths:
            found = self._find(method, raw_path.decode())
            if found is not None and not found[0].names:
                self._constant[method, raw_path] = found[0].target

    def _add(self, order: int, method: str, path: str, target: T) -> tuple[str, ...]:
        segments = split_path(path)
        names = tuple(segment[1:] for segment in segments if segment[0] in ":*")
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
        leaf = _Leaf(order, names, target)
        for served in ("GET", "HEAD") if method == "GET" else (method,):
            (node.ends if ends is None else ends).setdefault(served, leaf)
        return names

    def match(self, method: str, raw_path: bytes) -> Match[T] | None:
        """The route for a path as it came over the wire, or None.

        Raises BadRequestException when a parameter holds a malformed percent escape.
        """
        constant = self._constant.get((method, raw_path))
        if constant is not None:
            return Match(constant, {})
        found = self._find(method, raw_path.decode("latin-1"))
        if found is None:
            return None
        leaf, values = found
        return Match(
            leaf.target, {name: _decode(value) for name, value in zip(leaf.names, values, strict=True)}
        )

    def _find(self, method: str, path: str) -> _Found[T] | None:
        if path.endswith("/"):
            path = path[:-1]
        segments = path.split("/")[1:]
        return _search(self._root, segments, 0, method, ())


def split_path(path: str) -> list[str]:
    """The segments of a declared path. Raises InvalidPathError for patterns that are not supported."""
    segments = [segment for segment in path.split("/") if segment]
    for index, segment in enumerate(segments):
        if not _SEGMENT.fullmatch(segment):
            raise InvalidPathError(f"'{segment}': a parameter is a whole segment such as :name")
        if segment[0] == "*" and index < len(segments) - 1:
            raise InvalidPathError(f"'{segment}': a wildcard must be the last segment")
    return segments


def _search(
    node: _Node[T], segments: list[str], position: int, method: str, values: tuple[PathValue, ...]
) -> _Found[T] | None:
    """The first declared of all routes below `node` that fit the segments from `position` on."""
    if position == len(segments):
        leaf = _first(node.ends, method)
        return None if leaf is None else (leaf, values)
    best: _Found[T] | None = None
    segment = segments[position]
    static = node.static.get(segment.lower())
    if static is not None:
        best = _search(static, segments, position + 1, method, values)
    if node.parameter is not None and segment:
        best = _earlier(best, _search(node.parameter, segments, position + 1, method, (*values, segment)))
    if node.rest and segment:
        leaf = _first(node.rest, method)
        if leaf is not None:
            best = _earlier(best, (leaf, (*values, segments[position:])))
    return best


def _earlier(one: _Found[T] | None, other: _Found[T] | None) -> _Found[T] | None:
    if one is None or other is None:
        return one or other
    return one if one[0].order < other[0].order else other


def _first(leaves: dict[str, _Leaf[T]], method: str) -> _Leaf[T] | None:
    own, any_method = leaves.get(method), leaves.get(ALL_METHODS)
    if own is None or any_method is None:
        return own or any_method
    return own if own.order < any_method.order else any_method


def _decode(value: PathValue) -> PathValue:
    return _decode_segment(value) if isinstance(value, str) else [_decode_segment(each) for each in value]


def _decode_segment(segment: str) -> str:
    if "%" not in segment and segment.isascii():
        return segment
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
