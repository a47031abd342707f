"""The names that applications import stay where they are."""

from __future__ import annotations

import importlib

import pytest

PUBLIC = {
    "cqrs_nest.app": "CqrsNest create_handler NestApplication",
    "cqrs_nest.common": """
        All apply_decorators ArgumentsHost BadRequestException Body CallHandler CanActivate Catch
        ConflictException Controller create_param_decorator DefaultValuePipe Delete DynamicModule
        ExceptionFilter ExecutionContext ForbiddenException forward_ref Get Head Header Headers HttpCode
        HttpException Inject Injectable InjectionToken Ip Logger MessageEvent MetadataKey MiddlewareConsumer
        Module NestInterceptor NestMiddleware NotFoundException Options Param ParseArrayPipe ParseBoolPipe
        ParseEnumPipe ParseFloatPipe ParseIntPipe ParseUUIDPipe Patch PipeTransform Post provide Put Query
        Redirect Reflector Req Res RouteInfo Scope SetMetadata Sse StreamableFile UnauthorizedException
        UploadedFile UseFilters UseGuards UseInterceptors UsePipes Version
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
