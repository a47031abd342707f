"""`cqrs-nest new` and `update`, run as a user runs them. `tests/scaffold` runs what they make."""

import ast
import json
import subprocess
from pathlib import Path

import pytest

from cqrs_nest import __version__
from tests.cli.command_line import run


def git(directory: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(
        ["git", *who, *arguments], cwd=directory, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("new")
    result = run(directory, "new", "cat-shop")
    assert result.returncode == 0, result.stderr
    assert "cd cat-shop\n  make run" in result.stdout
    return directory / "cat-shop"


def test_a_project_has_its_own_name_everywhere(project: Path) -> None:
    sources = sorted(project.rglob("*.py"))
    texts = {file: file.read_text() for file in (*sources, project / "Makefile", project / "pyproject.toml")}

    assert (project / "cat_shop" / "todo" / "todo_module.py") in sources
    assert 'app_name: AppName = "cat-shop"' in texts[project / "cat_shop" / "settings.py"]
    assert not [str(file) for file, text in texts.items() if "sample_app" in text or "«" in text]
    for file in sources:
        ast.parse(texts[file])


def test_the_demo_stays_behind(project: Path) -> None:
    assert not (project / "cat_shop" / "demo").exists()


def test_a_project_is_a_repository_that_leaves_out_what_is_made(project: Path) -> None:
    (project / ".cqrs_nest").mkdir(exist_ok=True)
    (project / ".cqrs_nest" / "development-key.json").write_text("{}")
    files = git(project, "status", "--porcelain", "--untracked-files=all")

    assert "cat_shop/main.py" in files
    assert ".cqrs_nest/" not in files


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Cat Shop", "'Cat Shop' is no name for a project; write small letters, digits and dashes"),
        ("../shop", "is no name for a project"),
        ("tests", "'tests' would hide a package of that name"),
    ],
)
def test_a_wrong_name_is_refused(tmp_path: Path, name: str, said: str) -> None:
    result = run(tmp_path, "new", name)

    assert result.returncode != 0
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_directory_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    result = run(tmp_path, "new", "shop")

    assert result.returncode == 1
    assert result.stderr == "cqrs-nest: shop is not empty; choose another name or --directory\n"
    assert [file.name for file in (tmp_path / "shop").iterdir()] == ["mine.txt"]


def test_an_update_brings_back_what_new_makes_and_keeps_what_is_added(tmp_path: Path) -> None:
    assert json.loads(run(tmp_path, "new", "shop", "--json").stdout) == {"name": "shop", "directory": "shop"}
    shop = tmp_path / "shop"
    (shop / "shop" / "mine.py").write_text("MINE = True\n")
    makefile = (shop / "Makefile").read_text()
    (shop / "Makefile").write_text("old:\n")
    refused = run(shop, "update")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "Begin")
    first = run(shop, "update")
    git(shop, "commit", "--quiet", "--all", "--message", "Update")
    second = run(shop, "update")
    third = run(shop, "update", "--json")

    assert "the working tree is no clean git repository; commit first" in refused.stderr
    assert first.stdout == " M Makefile\n", first.stderr
    assert (shop / "Makefile").read_text() == makefile
    assert (shop / "shop" / "mine.py").read_text() == "MINE = True\n"
    assert second.stdout == f"everything is as cqrs-nest {__version__} makes it\n"
    assert json.loads(third.stdout) == {"changed": []}


def test_an_update_outside_of_a_project(tmp_path: Path) -> None:
    result = run(tmp_path, "update")

    assert result.returncode == 1
    assert "run it in a project of `cqrs-nest new`" in result.stderr
