"""The driver is chosen by the application, wherever it imports the choice; alarms carry the stack."""

from __future__ import annotations

import re

import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Module
from cqrs_nest.config import Environment
from cqrs_nest.pipeline import InvalidPipelineError, PipelineModule
from cqrs_nest.pipeline.alarms import error_stack


@Module(imports=[PipelineModule.for_root(driver="step-functions")])
class FeatureModule: ...


@Module(imports=[FeatureModule])
class RootModule: ...


async def test_the_choice_of_any_module_counts() -> None:
    with pytest.raises(InvalidPipelineError, match="SFN_COMMAND_ARN"):
        await CqrsNest.create(RootModule, env=Environment(node_env="local", app_name="demo"))
    settings = Environment(
        node_env="local", app_name="demo", sfn_command_arn="arn:aws:states:r:1:stateMachine:c"
    )
    application = await CqrsNest.create(RootModule, env=settings)
    await application.close()


def test_a_stack_names_every_frame() -> None:
    def project() -> None:
        raise ValueError("no room")

    try:
        project()
    except ValueError as error:
        text = error_stack(error)
    assert re.fullmatch(
        r"ValueError: no room\n    at project \(.+test_options\.py:\d+\)\n    at test_a_stack_\w+ \(.+:\d+\)",
        text,
    )
