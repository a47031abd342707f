from pathlib import Path

import pytest

from cqrs_nest.common import DynamicModule, Module
from cqrs_nest.config import ConfigModule, ConfigService, Environment, InvalidEnvironmentError
from cqrs_nest.core import Container, UnresolvedDependencyError


class TodoEnvironment(Environment):
    todo_page_size: int = 20


class Reader:
    def __init__(
        self, env: Environment, own: TodoEnvironment, config: ConfigService[TodoEnvironment]
    ) -> None:
        self.env = env
        self.own = own
        self.config = config


@Module(providers=[Reader])
class FeatureModule: ...


def root(config: DynamicModule) -> DynamicModule:
    @Module(imports=[config, FeatureModule])
    class RootModule: ...

    return DynamicModule(RootModule)


async def test_every_module_gets_one_object_under_each_of_its_names() -> None:
    env = TodoEnvironment(node_env="local", app_name="demo")

    container = await Container.create(root(ConfigModule.for_root(env)))

    reader = container.get(Reader)
    assert reader.env is reader.own is reader.config.env is env


async def test_a_class_is_loaded_when_the_application_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = ConfigModule.for_root(TodoEnvironment)
    monkeypatch.setenv("NODE_ENV", "dev")
    monkeypatch.setenv("APP_NAME", "late")

    container = await Container.create(root(config))

    assert container.get(Reader).env.app_name == "late"


async def test_missing_variables_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NODE_ENV", raising=False)
    monkeypatch.delenv("APP_NAME", raising=False)

    with pytest.raises(InvalidEnvironmentError, match="NODE_ENV is not set"):
        await Container.create(root(ConfigModule.for_root(TodoEnvironment)))


class OtherEnvironment(Environment):
    pass


class OtherReader:
    def __init__(self, config: ConfigService[OtherEnvironment]) -> None:
        pass


async def test_the_settings_of_another_class_are_not_handed_out() -> None:
    @Module(imports=[ConfigModule.for_root(TodoEnvironment(node_env="local", app_name="demo"))])
    class RootModule: ...

    with pytest.raises(UnresolvedDependencyError, match="start the application or the test with env="):
        await Container.create(DynamicModule(RootModule, providers=[OtherReader]))
