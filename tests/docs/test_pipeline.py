"""The Python of docs/pipeline.md runs as it stands there, on emulated AWS."""

from __future__ import annotations

import re

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.config import Environment
from tests.docs.pages import DOCS, run_python
from tests.emulated_aws import emulated_aws

PAGE = DOCS / "pipeline.md"
REGION = "eu-west-1"


async def test_the_application_of_the_page_is_drained() -> None:
    names = run_python("pipeline.md")
    settings = Environment(
        node_env="dev",
        app_name="shop",
        dynamodb_region=REGION,
        sns_region=REGION,
        sns_topic_arn=f"arn:aws:sns:{REGION}:123456789012:topic",
        check_tables=False,
    )
    with emulated_aws():
        app = await CqrsNest.create(names["TodoModule"], env=settings)
        await app.get(CommandTables).create()
        app.get(AwsSession).client("sns").create_topic(Name="topic")
        assert await names["buy_milk"](app) == (["1@1"], {"TODO#acme#1": "Milk"})
        assert not await app.drain()
        await app.close()


def test_its_commands_and_targets_exist() -> None:
    for target in re.findall(r"`make ([\w-]+)`", PAGE.read_text()):
        assert re.search(rf"^{target}:", (DOCS.parent / "Makefile").read_text(), re.MULTILINE)
