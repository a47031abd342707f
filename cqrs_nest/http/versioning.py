"""Where a request says which version of the API it wants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.types import Scope

from cqrs_nest.common import VERSION_NEUTRAL
from cqrs_nest.http.router import Match, Router

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class UriVersioning:
    """In the path, behind the global prefix: `/v1/cats`."""

    prefix: str = "v"
    default: str | Sequence[str] | None = None
    """The version or versions of routes that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVersioning(ABC):
    """Somewhere else in the request. A route that names no version answers every request."""

    default: str | Sequence[str] | None = None
    """The version or versions of routes that name none."""

    @abstractmethod
    def wanted(self, request: Request) -> Sequence[str]:
        """The versions that the caller accepts, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderVersioning(RequestVersioning):
    """In a header: `X-API-Version: 1`."""

    header: str

    def wanted(self, request: Request) -> Sequence[str]:
        """What the header says."""
        version = request.headers.get(self.header, "").strip()
        return [version] if version else []


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTypeVersioning(RequestVersioning):
    """In the media type that is accepted: `Accept: application/json;v=1`."""

    key: str = "v="

    def wanted(self, request: Request) -> Sequence[str]:
        """What stands behind the key."""
        parameters = request.headers.get("accept", "").split(";")[1:]
        return [each.strip().removeprefix(self.key) for each in parameters if self.key in each]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomVersioning(RequestVersioning):
    """Wherever a function of the application finds it."""

    extractor: Callable[[Request], str | Sequence[str]]

    def wanted(self, request: Request) -> Sequence[str]:
        """What the function gives."""
        versions = self.extractor(request)
        return [versions] if isinstance(versions, str) else versions


Versioning: TypeAlias = UriVersioning | RequestVersioning


def as_versions(versions: str | Sequence[str] | None) -> tuple[str, ...]:
    """One version or several as a tuple; none as an empty one."""
    return (versions,) if isinstance(versions, str) else tuple(versions or ())


class Endpoint(NamedTuple, Generic[T]):
    """A target and what it answers to."""

    method: str
    path: str
    versions: tuple[str, ...]
    """Empty: all."""
    target: T


class VersionedRouter(Generic[T]):
    """One router for each version, so that declared order counts among the routes of a version alone."""

    def __init__(self, endpoints: Sequence[Endpoint[T]], versioning: Versioning | None) -> None:
        self._versioning = versioning if isinstance(versioning, RequestVersioning) else None
        known = {version for each in endpoints for version in each.versions} - {VERSION_NEUTRAL}
        self._any = _router(endpoints, VERSION_NEUTRAL)
        self._by_version = {version: _router(endpoints, version) for version in known}

    def match(self, scope: Scope, raw_path: bytes) -> Match[T] | None:
        """The first route of the best version that has one. Raises BadRequestException as a router does."""
        method: str = scope["method"]
        if self._versioning is not None and self._by_version:
            for version in self._versioning.wanted(Request(scope)):
                router = self._by_version.get(version)
                match = None if router is None else router.match(method, raw_path)
                if match is not None:
                    return match
        return self._any.match(method, raw_path)


def _router(endpoints: Sequence[Endpoint[T]], version: str) -> Router[T]:
    """Of the routes of one version and those that answer any."""
    answering = (version, VERSION_NEUTRAL)
    return Router(
        (each.method, each.path, each.target)
        for each in endpoints
        if not each.versions or any(own in answering for own in each.versions)
    )
