"""What an application may decide about its HTTP side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from cqrs_nest.common import CanActivate, ExceptionFilter, NestInterceptor, PipeTransform, RouteInfo
from cqrs_nest.http.rate_limit import RateLimit
from cqrs_nest.http.security_headers import SECURITY_HEADERS
from cqrs_nest.http.versioning import Versioning


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsOptions:
    """Which pages of other origins may call; `*` is every one. Open unless narrowed."""

    origins: Sequence[str] = ("*",)
    methods: Sequence[str] = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
    headers: Sequence[str] | None = None
    """Request headers that may be sent; None allows what the browser asks for."""
    exposed_headers: Sequence[str] = ()
    credentials: bool = False
    max_age: int | None = None
    """Seconds for which a browser may remember a preflight."""

    def __post_init__(self) -> None:
        if self.credentials and "*" in self.origins:
            raise ValueError(
                "CorsOptions: credentials need the origins by name, browsers refuse them with '*'"
            )


ErrorStyle: TypeAlias = Literal["class-validator", "pydantic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationOptions:
    """How bodies and queries are checked. Unknown properties are dropped unless the model keeps them.

    These hold for the whole application; a `ValidationPipe` changes them for a controller or a route.
    """

    forbid_non_whitelisted: bool = False
    """Answer 400 to unknown properties instead of dropping them."""
    error_style: ErrorStyle = "class-validator"
    """Whose words say what is wrong: class-validator's, as in NestJS services, or pydantic's."""

    def __post_init__(self) -> None:
        if self.error_style not in get_args(ErrorStyle):
            known = " or ".join(map(repr, get_args(ErrorStyle)))
            raise ValueError(f"ValidationOptions: error_style is {known}, not {self.error_style!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The settings of an `HttpApplication`; every one has a default that suits a service behind a gateway.

    `guards`, `interceptors`, `pipes` and `filters` hold instances that act on every route; what needs
    dependencies is a provider of `APP_GUARD` and its like instead.
    """

    global_prefix: str | None = ""
    """In front of every path; empty or None for nothing."""
    prefix_excludes: Sequence[str | RouteInfo] = ()
    """Declared paths that stay without the global prefix, for all methods or for one."""
    versioning: Versioning | None = None
    """Where the version of a request stands; None leaves `@Version` without effect."""
    body_limit: int = 102_400
    """Bytes of a request body; a longer one answers 413."""
    upload_limit: int = 6_291_456
    """The same for routes that take files; Lambda's own limit unless set."""
    cors: CorsOptions | None = field(default_factory=CorsOptions)
    security_headers: Mapping[str, str] = field(default_factory=lambda: SECURITY_HEADERS)
    """What every answer carries that does not say otherwise itself; empty for nothing."""
    rate_limit: RateLimit | None = None
    """How often one caller may ask; more answers 429, before anything else is done for the request."""
    validation: ValidationOptions = field(default_factory=ValidationOptions)
    access_log: bool = True
    """One line a request: method, path, status, milliseconds."""
    title: str = "Application"
    version: str = "1.0"
    description: str = ""
    swagger_ui: bool = True
    """Serve `/openapi.json` and `/swagger-ui`."""
    guards: Sequence[CanActivate] = ()
    interceptors: Sequence[NestInterceptor] = ()
    pipes: Sequence[PipeTransform] = ()
    filters: Sequence[ExceptionFilter] = ()
