"""`cqrs-nest new`: a project that runs at once; `cqrs-nest update`: what newer versions would have made."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cqrs_nest import __version__
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.cli.scaffold.template import build_template

ANSWERS = ".cqrs-nest.yml"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN = {"cqrs-nest", "sample-app", "test", "tests"}

_NEXT = """{name} is there. Next:

  cd {directory}
  make run     # the service with embedded AWS on http://127.0.0.1:3000, Swagger UI at /swagger-ui
  make test    # its tests
"""


class ProjectName(click.ParamType[str]):
    """The name of a project: small letters, digits and single dashes."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if _NAME.fullmatch(value) is None or len(value) > 40:
            self.fail(
                f"{value!r} is no name for a project; write small letters, digits and dashes: my-service",
                param,
                ctx,
            )
        if value in _TAKEN:
            self.fail(f"{value!r} would hide a package of that name; choose another", param, ctx)
        return value


@click.command()
@click.argument("name", type=ProjectName())
@click.option("--directory", type=click.Path(path_type=Path), help="Where; ./NAME unless given.")
@as_json
def new(name: str, directory: Path | None, as_json: bool) -> None:
    """Make the project NAME from the sample application. It runs, and its tests pass, as it is."""
    directory = directory or Path(name)
    if directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"{directory} is not empty; choose another name or --directory")
    _write(directory, name, overwrite=False)
    _begin_repository(directory)
    if as_json:
        print_json({"name": name, "directory": str(directory)})
    else:
        click.echo(_NEXT.format(name=name, directory=directory), nl=False)


@click.command()
@as_json
def update(as_json: bool) -> None:
    """Bring the project in this directory to what this version's `new` makes.

    Its own files are written over, yours stay. The working tree has to be clean, so that `git diff` shows
    what came, and `git checkout -p` takes back what you want otherwise.
    """
    directory = Path.cwd()
    answers = directory / ANSWERS
    if not answers.is_file():
        raise click.ClickException(f"there is no {ANSWERS} here; run it in a project of `cqrs-nest new`")
    if _git(directory, "status", "--porcelain") != "":
        raise click.ClickException("the working tree is no clean git repository; commit first")
    name = _project_name(answers)
    _write(directory, name, overwrite=True)
    changed = _git(directory, "status", "--porcelain", "--untracked-files=all") or ""
    if as_json:
        print_json({"changed": [line[3:] for line in changed.splitlines()]})
        return
    click.echo(changed or f"everything is as cqrs-nest {__version__} makes it\n", nl=False)


def _write(directory: Path, name: str, *, overwrite: bool) -> None:
    from copier import run_copy
    from ruff import find_ruff_bin

    answers = {
        "project_name": name,
        "package_name": name.replace("-", "_"),
        "framework_version": __version__,
    }
    with TemporaryDirectory() as template:
        build_template(Path(template))
        run_copy(template, directory, data=answers, defaults=True, overwrite=overwrite, quiet=True)
    # The order of imports and the breaks of lines depend on the package's name.
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run([find_ruff_bin(), *command, "--quiet", "."], cwd=directory, check=True)  # noqa: S603


def _project_name(answers: Path) -> str:
    found = re.search(r"^project_name: (\S+)$", answers.read_text(), re.MULTILINE)
    if found is None or _NAME.fullmatch(found[1]) is None:
        raise click.ClickException(f"{ANSWERS} has no line `project_name: my-service`")
    return found[1]


def _begin_repository(directory: Path) -> None:
    """A git repository, unless the project is part of one or there is no git."""
    if shutil.which("git") and _git(directory, "rev-parse", "--git-dir") is None:
        _git(directory, "init", "--quiet")


def _git(directory: Path, *arguments: str) -> str | None:
    """What git prints; None if it refuses."""
    result = subprocess.run(  # noqa: S603 (the arguments are ours)
        ["git", *arguments],  # noqa: S607
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout if result.returncode == 0 else None
