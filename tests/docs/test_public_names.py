"""The names that applications import stay where they are."""

from __future__ import annotations

import importlib

import pytest

PUBLIC = {
    "cqrs_nest.app": "CqrsNest create_handler NestApplication",
    "cqrs_nest.common": """
        All ArgumentsHost BadRequestException Body CallHandler CanActivate Catch ConflictException Controller
        Delete DynamicModule ExceptionFilter ExecutionContext ForbiddenException Get Head Header Headers
        DefaultValuePipe HttpCode HttpException Inject Injectable InjectionToken Ip Logger MetadataKey Module NestInterceptor
        NotFoundException Options Param Patch PipeTransform Post Put Query Redirect Reflector Req Scope
        SetMetadata MessageEvent MiddlewareConsumer NestMiddleware ParseArrayPipe ParseBoolPipe ParseEnumPipe
        ParseFloatPipe ParseIntPipe ParseUUIDPipe Res RouteInfo Sse StreamableFile UnauthorizedException UploadedFile UseFilters UseGuards UseInterceptors UsePipes Version
        apply_decorators create_param_decorator forward_ref provide
    """,
    "cqrs_nest.config": "ConfigModule ConfigService Environment",
    "cqrs_nest.context": "Auth Invoke InvokeContext Roles RolesGuard UserContext get_user_context",
    "cqrs_nest.core": "DiscoveryService LazyModuleLoader ModuleRef",
    "cqrs_nest.cqrs": """
        AggregateRoot Command CommandBus CommandHandler CommandInput CommandModel CommandModule CommandService
        CqrsModule DataEntity DataService DataSyncHandler EventBus EventPublisher EventsHandler HistoryService
        ICommandHandler IEventHandler IQueryHandler Query QueryBus QueryHandler Repository Saga
        UnhandledExceptionBus
    """,
    "cqrs_nest.events": "EventFactory EventHandler",
    "cqrs_nest.http": "Dto HeaderVersioning HttpOptions RouterModule RouteTree UploadFile UriVersioning",
    "cqrs_nest.testing": "Test",
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in PUBLIC.items() for n in names.split()])
def test_the_name_is_public_and_documented(module: str, name: str) -> None:
    package = importlib.import_module(module)
    assert name in package.__all__
    public = getattr(package, name)
    assert getattr(public, "__doc__", None), f"{module}.{name} has no docstring"
