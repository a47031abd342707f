"""Decorators that say in the OpenAPI document what annotations cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cqrs_nest.common.metadata import MetadataKey, define_metadata, extend_metadata

TargetT = TypeVar("TargetT", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class OperationDocumentation:
    summary: str | None = None
    description: str | None = None
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class ResponseDocumentation:
    status: int
    description: str = ""
    type: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class HeaderDocumentation:
    name: str
    description: str = ""
    required: bool = False


API_TAGS = MetadataKey[tuple[str, ...]]("api_tags")
API_OPERATION = MetadataKey[OperationDocumentation]("api_operation")
API_RESPONSES = MetadataKey[tuple[ResponseDocumentation, ...]]("api_responses")
API_HEADERS = MetadataKey[tuple[HeaderDocumentation, ...]]("api_headers")
API_EXCLUDED = MetadataKey[bool]("api_excluded")
API_SECURITY = MetadataKey[tuple[str, ...]]("api_security")


def ApiTags(*tags: str) -> Callable[[TargetT], TargetT]:
    """Group the routes of a controller, or one route; without it the controller's name is the group."""

    def decorate(target: TargetT) -> TargetT:
        extend_metadata(target, API_TAGS, tags)
        return target

    return decorate


def ApiOperation(
    *, summary: str | None = None, description: str | None = None, deprecated: bool = False
) -> Callable[[TargetT], TargetT]:
    """Describe a route; without it the handler's docstring does."""

    def decorate(target: TargetT) -> TargetT:
        define_metadata(target, API_OPERATION, OperationDocumentation(summary, description, deprecated))
        return target

    return decorate


def ApiResponse(
    status: int, description: str = "", *, type: Any = None, headers: Mapping[str, str] | None = None
) -> Callable[[TargetT], TargetT]:
    """An answer of a route or of all routes of a controller.

    `type` is a model or any annotation, `headers` describes headers by their names; those of `@Header` are in
    the document anyway.
    """

    def decorate(target: TargetT) -> TargetT:
        response = ResponseDocumentation(status, description, type, headers or {})
        extend_metadata(target, API_RESPONSES, [response])
        return target

    return decorate


def ApiHeader(name: str, description: str = "", *, required: bool = False) -> Callable[[TargetT], TargetT]:
    """A request header that a guard or middleware reads, so that no parameter shows it."""

    def decorate(target: TargetT) -> TargetT:
        extend_metadata(target, API_HEADERS, [HeaderDocumentation(name, description, required)])
        return target

    return decorate


def ApiExclude() -> Callable[[TargetT], TargetT]:
    """Leave a controller or a route out of the document."""

    def decorate(target: TargetT) -> TargetT:
        define_metadata(target, API_EXCLUDED, True)
        return target

    return decorate


def ApiBearerAuth(scheme: str = "bearer") -> Callable[[TargetT], TargetT]:
    """Say that a controller or a route wants `Authorization: Bearer <token>`.

    >>> @ApiBearerAuth()
    ... class AccountController: ...
    """

    def decorate(target: TargetT) -> TargetT:
        extend_metadata(target, API_SECURITY, [scheme])
        return target

    return decorate
