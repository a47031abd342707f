"""`SequencesModule`: sequences, and their routes if the application wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from cqrs_nest.aws import AwsModule, AwsResources, TableResource
from cqrs_nest.common import DynamicModule, Guards, Import, Module, Token, provide, with_routes
from cqrs_nest.core import ConfigurableModule, OptionsFactory
from cqrs_nest_sequence.sequence_settings import SequenceSettings
from cqrs_nest_sequence.sequences_controller import SequencesController
from cqrs_nest_sequence.sequences_options import SequencesOptions
from cqrs_nest_sequence.sequences_service import SEQUENCES_TABLE, SequencesService

RESOURCES = AwsResources(tables=[TableResource(SEQUENCES_TABLE, calls=["GetItem", "UpdateItem"])])


@Module(
    imports=[AwsModule],
    providers=[SequencesService, SequenceSettings, provide(AwsResources, use_value=RESOURCES)],
    exports=[SequencesService],
)
class SequencesModule(ConfigurableModule[SequencesOptions]):
    """Provides `SequencesService`; import what `register` gives."""

    @classmethod
    def register(
        cls,
        options: SequencesOptions = SequencesOptions(),
        *,
        is_global: bool = False,
        enable_controller: bool = False,
        path: str = "",
        guards: Guards | None = None,
    ) -> DynamicModule:
        """The module with finished options.

        `enable_controller` adds the routes, below `path`. In their place of `/` a `GET /:pk/:sk` takes every
        path of two parts that no module before it has taken. `guards` stand in the place of the default:
        a caller's own tenant only, and `system_admin` for what uses up numbers.
        """
        module = super().register(options, is_global=is_global)
        return with_routes(module, SequencesController, enabled=enable_controller, path=path, guards=guards)

    @classmethod
    def register_async(
        cls,
        *,
        use_factory: Callable[..., SequencesOptions | Awaitable[SequencesOptions]] | None = None,
        use_class: type[OptionsFactory[SequencesOptions]] | None = None,
        use_existing: type[OptionsFactory[SequencesOptions]] | None = None,
        inject: Sequence[Token] | None = None,
        imports: Sequence[Import] = (),
        is_global: bool = False,
        enable_controller: bool = False,
        path: str = "",
        guards: Guards | None = None,
    ) -> DynamicModule:
        """The module with options that are made when the application is built."""
        module = super().register_async(
            use_factory=use_factory,
            use_class=use_class,
            use_existing=use_existing,
            inject=inject,
            imports=imports,
            is_global=is_global,
        )
        return with_routes(module, SequencesController, enabled=enable_controller, path=path, guards=guards)
