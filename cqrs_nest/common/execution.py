"""What guards, interceptors, pipes and filters are given, and what they look like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from cqrs_nest.common.metadata import MetadataKey, extend_metadata, find_metadata
from cqrs_nest.common.pipes import PipeTransform
from cqrs_nest.common.tokens import InjectionToken

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

TargetT = TypeVar("TargetT", bound=Callable[..., object])


class HttpArgumentsHost:
    """The HTTP side of a call."""

    __slots__ = ("_host",)

    def __init__(self, host: ArgumentsHost) -> None:
        self._host = host

    def get_request(self) -> Request:
        """The Starlette request; its body has not been read while guards run."""
        return self._host.request

    def get_response(self) -> Response:
        """The response whose status, headers and cookies a success is sent with.

        Interceptors find the route's status in it, and may change it. It does not count for an error.
        """
        return self._host.response()


class ArgumentsHost:
    """Where a call came from. Filters get this one."""

    __slots__ = ("_response", "request", "status")

    def __init__(self, request: Request, status: int = 200) -> None:
        self.request = request
        self.status = status
        self._response: Response | None = None

    def response(self) -> Response:
        """Made when it is first asked for."""
        if self._response is None:
            from starlette.responses import Response

            self._response = Response(status_code=self.status)
        return self._response

    def switch_to_http(self) -> HttpArgumentsHost:
        """The request and the response of an HTTP call."""
        return HttpArgumentsHost(self)

    def get_type(self) -> str:
        """The kind of call: always `http` today."""
        return "http"


class ExecutionContext(ArgumentsHost):
    """A call on its way to a handler. Guards and interceptors get this one."""

    __slots__ = ("_controller", "_handler")

    def __init__(
        self, request: Request, controller: type[Any], handler: Callable[..., Any], status: int = 200
    ) -> None:
        super().__init__(request, status)
        self._controller = controller
        self._handler = handler

    def get_class(self) -> type[Any]:
        """The controller class of the route."""
        return self._controller

    def get_handler(self) -> Callable[..., Any]:
        """The function of the route, as written in the controller's class."""
        return self._handler


class CallHandler(Protocol):
    """The rest of the way, as an interceptor sees it."""

    def handle(self) -> Awaitable[Any]:
        """Run inner interceptors, pipes and handler and give the handler's result. May be called again."""
        ...


class CanActivate(Protocol):
    """A guard: lets a request pass (true) or refuses it (anything falsy: 403)."""

    def can_activate(self, context: ExecutionContext) -> bool | Awaitable[bool]: ...


class NestInterceptor(Protocol):
    """Wraps the handler: `await next.handle()` runs it."""

    def intercept(self, context: ExecutionContext, next: CallHandler) -> Awaitable[Any]: ...


class ExceptionFilter(Protocol):
    """Turns an exception into a response."""

    def catch(self, exception: Any, host: ArgumentsHost) -> Response | Awaitable[Response]: ...


Enhancer: TypeAlias = "type[Any] | CanActivate | NestInterceptor | PipeTransform | ExceptionFilter"

APP_GUARD = InjectionToken[CanActivate]("APP_GUARD")
APP_INTERCEPTOR = InjectionToken[NestInterceptor]("APP_INTERCEPTOR")
APP_PIPE = InjectionToken[PipeTransform]("APP_PIPE")
APP_FILTER = InjectionToken[ExceptionFilter]("APP_FILTER")

GUARDS = MetadataKey[tuple[Any, ...]]("guards")
INTERCEPTORS = MetadataKey[tuple[Any, ...]]("interceptors")
PIPES = MetadataKey[tuple[Any, ...]]("pipes")
FILTERS = MetadataKey[tuple[Any, ...]]("filters")
CATCHES = MetadataKey[tuple[type[BaseException], ...]]("catches")

ENHANCER_KEYS = (GUARDS, INTERCEPTORS, PIPES, FILTERS)


def _use(key: MetadataKey[tuple[Any, ...]], enhancers: Sequence[Any]) -> Callable[[TargetT], TargetT]:
    def decorate(target: TargetT) -> TargetT:
        extend_metadata(target, key, enhancers)
        return target

    return decorate


def UseGuards(*guards: type[CanActivate] | CanActivate) -> Callable[[TargetT], TargetT]:
    """Guard a controller or one route. Classes are built by the container, instances taken as they are."""
    return _use(GUARDS, guards)


def UseInterceptors(*interceptors: type[NestInterceptor] | NestInterceptor) -> Callable[[TargetT], TargetT]:
    """Wrap a controller's routes or one route."""
    return _use(INTERCEPTORS, interceptors)


def UsePipes(*pipes: type[PipeTransform] | PipeTransform) -> Callable[[TargetT], TargetT]:
    """Pass every argument of a controller's routes or of one route through pipes."""
    return _use(PIPES, pipes)


def UseFilters(*filters: type[ExceptionFilter] | ExceptionFilter) -> Callable[[TargetT], TargetT]:
    """Let filters answer for exceptions of a controller's routes or of one route."""
    return _use(FILTERS, filters)


def Catch(*exceptions: type[BaseException]) -> Callable[[TargetT], TargetT]:
    """Say which exceptions a filter answers for; none means all."""

    def decorate(target: TargetT) -> TargetT:
        extend_metadata(target, CATCHES, exceptions)
        return target

    return decorate


def enhancers_of(target: object, key: MetadataKey[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The guards (or interceptors, pipes, filters) listed on a controller class or a handler."""
    return find_metadata(target, key, ())
