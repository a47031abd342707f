"""`cqrs-nest routes` and `cqrs-nest graph` on the sample application."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from cqrs_nest.cli.graph_svg import draw_modules
from cqrs_nest.cli.main import commands
from cqrs_nest.core import ModuleGraph
from cqrs_nest.core.graph import GraphModule


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(commands, arguments, env={"NODE_ENV": "local"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_routes_are_a_table_with_their_guards() -> None:
    lines = printed("routes", "sample_app.main:app").splitlines()

    assert lines[0].split() == ["METHOD", "PATH", "HANDLER", "MODULE", "GUARDS"]
    assert lines[1].split() == ["POST", "/api/todo", "TodoController.create", "TodoModule", "RolesGuard"]


def test_routes_as_json() -> None:
    routes = json.loads(printed("routes", "sample_app.main:app", "--json"))

    assert routes[0] == {
        "method": "POST",
        "path": "/api/todo",
        "versions": [],
        "handler": "TodoController.create",
        "module": "TodoModule",
        "guards": ["RolesGuard"],
    }


@pytest.mark.parametrize(
    ("arguments", "start", "part"),
    [
        ((), "AppModule", "- TodoController (controller)"),
        (("--format", "mermaid"), "flowchart TD", '["TodoModule"]'),
        (("--format", "svg"), "<svg", ">TodoModule</text>"),
        (("--json",), "[", '"name": "TodoModule"'),
    ],
)
def test_a_graph_in_each_form(arguments: tuple[str, ...], start: str, part: str) -> None:
    text = printed("graph", "sample_app.main:app", *arguments)

    assert text.startswith(start)
    assert part in text


def test_a_graph_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "modules.svg"

    assert printed("graph", "sample_app.main:app", "--format", "svg", "--output", str(file)) == ""
    assert ElementTree.parse(file).getroot().tag.endswith("svg")


def test_modules_are_drawn_above_what_they_import_also_in_a_circle() -> None:
    def module(name: str, *imports: str) -> GraphModule:
        return GraphModule(name, f"<{name}>", False, imports, (), (), ())

    drawing = draw_modules(ModuleGraph((module("a", "c", "b"), module("c"), module("b", "c", "a"))))

    elements = ElementTree.fromstring(drawing)
    tops = {each.text: float(each.get("y", "")) for each in elements if each.tag.endswith("text")}
    assert tops["<a>"] < tops["<b>"] < tops["<c>"]
