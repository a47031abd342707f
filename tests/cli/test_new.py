"""`cqrs-nest new` and `update`, run as a user runs them. `tests/scaffold` runs what they make."""

import ast
import hashlib
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


@pytest.mark.parametrize("python", ["no-such-python", "false"], ids=["missing", "a shim without its Python"])
def test_packing_without_the_python_of_the_function_says_so(project: Path, python: str) -> None:
    variables = ("PYTHON=true", f"FUNCTION_PYTHON={python}", "ARTIFACTS_DIR=none")
    packed = subprocess.run(
        ["make", "build-Function", *variables], cwd=project, capture_output=True, text=True, check=True
    )
    assert f"no {python} here: the function will compile its modules" in packed.stdout


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


def test_an_update_brings_what_is_new_and_keeps_what_is_edited(tmp_path: Path) -> None:
    assert json.loads(run(tmp_path, "new", "shop", "--json").stdout) == {"name": "shop", "directory": "shop"}
    shop = tmp_path / "shop"
    as_made = {name: (shop / name).read_text() for name in (".cqrs-nest.yml", "Makefile", "Dockerfile")}
    (shop / "shop" / "mine.py").write_text("MINE = True\n")
    (shop / "Makefile").write_text("edited:\n")
    refused = run(shop, "update")
    assert "the working tree is no clean git repository; commit first" in refused.stderr

    # As if an earlier version had made the image and the Makefile otherwise.
    (shop / "Dockerfile").write_text("FROM old\n")
    made = shop / ".cqrs-nest.yml"
    for name, earlier in (("Dockerfile", "FROM old\n"), ("Makefile", "old:\n")):
        was, then = (hashlib.sha256(text.encode()).hexdigest() for text in (as_made[name], earlier))
        made.write_text(made.read_text().replace(f"{was} {name}", f"{then} {name}"))
    commit(shop)
    first = run(shop, "update")
    assert first.stdout.splitlines() == [
        " M .cqrs-nest.yml",
        " M Dockerfile",
        "Makefile is yours and stays; --overwrite brings the new one",
    ], first.stderr
    texts = {name: (shop / name).read_text() for name in as_made}
    assert texts == {**as_made, "Makefile": "edited:\n"}
    assert (shop / "shop" / "mine.py").read_text() == "MINE = True\n"

    commit(shop)
    assert json.loads(run(shop, "update", "--json").stdout) == {"changed": [], "kept": []}
    assert run(shop, "update", "--overwrite").stdout == " M Makefile\n"
    commit(shop)
    assert run(shop, "update").stdout == f"everything is as cqrs-nest {__version__} makes it\n"


def commit(directory: Path) -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "Change")


def test_an_update_outside_of_a_project(tmp_path: Path) -> None:
    result = run(tmp_path, "update")

    assert result.returncode == 1
    assert "run it in a project of `cqrs-nest new`" in result.stderr
