"""`cqrs-nest generate`: what it makes works, is tested and in style; done twice it changes nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from ruff import find_ruff_bin

from cqrs_nest.local.listening_socket import listen
from cqrs_nest.local.runtime import LocalRuntime
from tests.cli.generate.conftest import contents, run_generate

STEPS = [
    ("module", "orders"),
    ("entity", "order", "--module", "orders"),
    ("command", "CreateOrder", "--module", "orders"),
    ("controller", "Orders"),
    ("projection", "order", "--module", "orders"),
    ("command", "update_order", "--module", "orders"),
    ("command", "ship-order", "--module", "orders"),
    ("command", "delete-order", "--module", "orders"),
    ("query", "get-order", "--module", "orders"),
    ("query", "list-orders", "--module", "orders"),
    ("query", "search-orders", "--module", "orders"),
    ("query", "open-orders", "--module", "orders", "--no-route"),
    ("event", "order-shipped", "--module", "orders"),
    ("service", "prices", "--module", "orders"),
    ("dto", "address", "--module", "orders"),
    ("module", "returns", "--module", "orders"),
    ("service", "returns"),
    ("command", "archive-todo", "--module", "todo"),
    ("resource", "order-line"),
]


@pytest.fixture(scope="module")
def whole(new_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which everything was generated."""
    directory = tmp_path_factory.mktemp("whole") / "shop"
    shutil.copytree(new_project, directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(directory))
        patch.chdir(directory)
        for step in STEPS:
            run_generate(*step)
        yield directory
    for module in [each for each in sys.modules if each.split(".")[0] == "shop"]:
        del sys.modules[module]


def checked(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


async def use(runtime: LocalRuntime, name: str) -> tuple[str, str]:
    """Call every route of an entity, each when the read model has what was done before; the item's key."""
    headers = {"authorization": f"Bearer {runtime.token(user='ann', tenant='acme')}"}
    url = f"{runtime.url}/api/{name}"
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=40) as http:
        created = await http.post("", json={"name": "First", "description": "of all"})
        assert created.status_code == 201, created.text
        command = created.json()
        key = f"{command['pk']}/{command['sk']}".replace("#", "%23")
        await runtime.drain()
        changed = await http.patch(f"/{key}", json={"version": 1, "name": "Second"})
        assert changed.status_code == 200, changed.text
        await runtime.drain()
        found = (await http.get("/search", params={"keyword": "SECOND"})).json()
        assert [item["name"] for item in found["items"]] == ["Second"]
        listed = (await http.get("")).json()
        assert listed["items"] == [(await http.get(f"/{key}")).json()]
        deleted = await http.delete(f"/{key}", params={"version": 2})
        assert deleted.status_code == 200, deleted.text
        await runtime.drain()
        assert (await http.get("/search")).json() == {"total": 0, "items": []}
    return command["pk"], command["sk"].partition("@")[0]


async def test_what_is_generated_answers_over_http_and_is_projected(whole: Path) -> None:
    from shop.main_module import MainModule  # type: ignore[import-not-found]
    from shop.settings import Settings  # type: ignore[import-not-found]
    from shop.todo.events.activity_log import ActivityLog  # type: ignore[import-not-found]

    with listen("127.0.0.1", 0) as listener:
        start = LocalRuntime.start(MainModule, env=Settings, listener=listener)
        async with start as runtime:
            for name in ("orders", "order-line"):
                pk, sk = await use(runtime, name)
                assert await runtime.app.get(ActivityLog).of_todo(pk, sk) == []


def test_it_passes_its_tests_and_is_in_style(whole: Path) -> None:
    checked(find_ruff_bin(), "check", ".")
    checked(find_ruff_bin(), "format", "--check", ".")
    checked(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "shop/tests", "shop/orders")


def test_what_is_done_twice_changes_nothing(whole: Path) -> None:
    before = contents(whole)
    for step in STEPS:
        assert run_generate(*step) == "everything is there already\n"
    assert contents(whole) == before


def test_a_route_is_added_for_each_command_and_query(whole: Path) -> None:
    controller = (whole / "shop" / "orders" / "orders_controller.py").read_text()

    assert '@Post(":pk/:sk/ship")\n    @HttpCode(200)\n    async def ship(' in controller
    assert "async def create(" in controller
    assert "open" not in controller
    assert "ArchiveTodoCommand" in (whole / "shop" / "todo" / "todo_controller.py").read_text()


def test_a_dry_run_shows_the_difference_and_writes_nothing(project: Path) -> None:
    before = contents(project)
    shown = run_generate("module", "orders", "--dry-run")
    files = json.loads(run_generate("module", "orders", "--dry-run", "--json"))

    assert "+@Module(imports=[TodoModule, OrdersModule])" in shown
    assert "--- /dev/null\n+++ b/shop/orders/orders_module.py" in shown
    assert files["change"] == ["shop/main_module.py"]
    assert files["difference"] == shown
    assert contents(project) == before


def test_what_is_done_is_told_as_json(project: Path) -> None:
    assert "started anew" in run_generate("module", "orders")
    files = json.loads(run_generate("service", "prices", "--module", "orders", "--json"))

    assert files["create"] == ["shop/orders/prices_service.py", "shop/tests/orders/test_prices_service.py"]
    assert files["change"] == ["shop/orders/orders_module.py"]


def test_a_file_that_was_written_by_hand_is_kept_in_its_style(project: Path) -> None:
    root = project / "shop" / "main_module.py"
    root.write_text(
        "from cqrs_nest.common import Module\nfrom shop.todo.todo_module import TodoModule\n\n"
        "# Everything.\n@Module( imports = [ TodoModule ] )   # by hand\nclass MainModule: pass\n"
    )
    run_generate("module", "orders")

    text = root.read_text()
    assert (
        "# Everything.\n@Module( imports = [ TodoModule, OrdersModule ] )   # by hand\nclass MainModule: pass"
        in text
    )
    assert "from shop.orders.orders_module import OrdersModule\n" in text


def test_the_module_is_that_of_the_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_generate("module", "orders")
    monkeypatch.chdir(project / "shop" / "orders")
    run_generate("service", "prices")
    run_generate("resource", "invoice")

    assert (project / "shop" / "orders" / "prices_service.py").is_file()
    assert (project / "shop" / "invoice" / "invoice_key.py").is_file()


def test_a_database_is_registered_where_there_is_none(project: Path) -> None:
    module = project / "shop" / "todo" / "todo_module.py"
    module.write_text(
        re.sub(r"( +SqlModule\.register\(.*?\n {8}\),\n)", "", module.read_text(), flags=re.DOTALL)
    )
    run_generate("resource", "order")

    root = (project / "shop" / "main_module.py").read_text()
    assert 'SqlModule.register("shop.order.projection.order_tables:metadata", create_tables=True)' in root


NO_BUS = '@Controller("a")\nclass TodoController: ...\n'
NAME = "imports=LIST is no list that can be added to; write imports=[*LIST] there"
REFUSED = [
    ("module 1st", "", "", "'1st' is no name; write letters and digits"),
    ("module tests", "", "", "tests is the name of another part of a project"),
    ("service prices --module orders", "", "", "there is no module orders (there are: todo); first:"),
    ("entity order --module todo", "", "", "shop/todo keeps a todo already"),
    ("module orders", "main_module", "x = 1\n", "main_module.py: it has 0 classes with @Module(...)"),
    ("module orders", "main_module", "@Module(imports=LIST)\nclass A: ...\n", f"shop/main_module.py: {NAME}"),
    (
        "projection todo --module todo",
        "main_module",
        "@Module(imports=[SqlModule.register()])\nclass MainModule: ...\n",
        "SqlModule.register(...) stands in shop/main_module.py too; keep one of them",
    ),
    (
        "command archive-todo --module todo",
        "todo/todo_controller",
        NO_BUS,
        "shop/todo/todo_controller.py: the constructor of TodoController keeps no CommandBus; write",
    ),
]


@pytest.mark.parametrize(("arguments", "file", "text", "said"), REFUSED)
def test_what_cannot_be_done_safely_changes_nothing(
    project: Path, arguments: str, file: str, text: str, said: str
) -> None:
    if file:
        (project / "shop" / f"{file}.py").write_text(text)
    before = contents(project)

    assert said in run_generate(*arguments.split(), status=2 if "is no name" in said else 1)
    assert contents(project) == before


def test_what_comes_first_is_said(project: Path) -> None:
    run_generate("module", "orders")

    assert "say which module prices joins: --module orders|todo" in run_generate(
        "service", "prices", status=1
    )
    said = run_generate("command", "create-order", "--module", "orders", status=1)
    assert "first: cqrs-nest generate entity orders --module orders" in said
    run_generate("entity", "order", "--module", "orders")
    said = run_generate("query", "search-orders", "--module", "orders", status=1)
    assert "first: cqrs-nest generate projection order --module orders" in said


def test_outside_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no package with a main_module.py here" in run_generate("module", "orders", status=1)
