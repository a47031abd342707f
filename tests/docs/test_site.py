"""What the pages of the site name exists, packages, commands and options, and the modules look as drawn."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.cli.graph_svg import draw_modules
from cqrs_nest.cli.main import commands
from sample_app.main_module import MainModule
from sample_app.settings import Settings
from tests.docs.pages import DOCS

ROOT = DOCS.parent
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
NOT_FOR_APPLICATIONS = {"cqrs_nest.buses", "cqrs_nest.infrastructure"}
"""`cqrs` hands on what applications need of the buses; the other is for the command line."""


def test_every_public_package_has_a_page() -> None:
    pages = [page.read_text() for page in DOCS.glob("api/*.md")]
    documented = [name for text in pages for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]
    public = {
        f"cqrs_nest.{path.parent.name}"
        for path in ROOT.glob("cqrs_nest/*/__init__.py")
        if "__all__" in path.read_text()
    }
    modules = {path.name for path in ROOT.glob("modules/cqrs_nest_*")}
    assert sorted(documented) == sorted((public - NOT_FOR_APPLICATIONS) | modules)


async def test_the_modules_are_drawn_as_they_are() -> None:
    application = await CqrsNest.asgi(MainModule, env=Settings(node_env="local")).assembled()
    drawn = draw_modules(application.graph())
    await application.close()
    assert (DOCS / "images" / "modules.svg").read_text() == f"{drawn}\n", (
        "cqrs-nest graph sample_app.main:app --format svg --output docs/images/modules.svg"
    )


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_to_what_the_site_has(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", page.read_text()):
        target = (page.parent / link).resolve()
        assert target.is_relative_to(DOCS), link
        assert target.exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_its_options_exist(page: Path) -> None:
    for line in re.findall(r"cqrs-nest ([a-z][^`\n#)]*)", page.read_text()):
        command: click.Command = commands
        words = re.findall(r"[^\s\[\]]+", line)
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= options, line
