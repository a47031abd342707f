"""`cqrs-nest new`: a project that runs at once; `cqrs-nest update`: what newer versions would have made."""

from __future__ import annotations

import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cqrs_nest import __version__
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.cli.scaffold.template import build_template

ANSWERS = ".cqrs-nest.yml"
_MADE = re.compile(r"^# made (?P<hash>[0-9a-f]{64}) (?P<path>.+)$", re.MULTILINE)
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
    _write(directory, name, overwrite=True)
    _begin_repository(directory)
    if as_json:
        print_json({"name": name, "directory": str(directory)})
    else:
        click.echo(_NEXT.format(name=name, directory=directory), nl=False)


@click.command()
@click.option("--overwrite", is_flag=True, help="Write over files that you have edited, too.")
@as_json
def update(overwrite: bool, as_json: bool) -> None:
    """Bring the project in this directory to what this version's `new` makes.

    Files that you have edited or removed stay as they are, and are named if this version makes them
    otherwise; with `--overwrite` they are written over too. The working tree has to be clean, so that
    `git diff` shows what came, and `git checkout -p` takes back what you want otherwise.
    """
    directory = Path.cwd()
    answers = directory / ANSWERS
    if not answers.is_file():
        raise click.ClickException(f"there is no {ANSWERS} here; run it in a project of `cqrs-nest new`")
    if _git(directory, "status", "--porcelain") != "":
        raise click.ClickException("the working tree is no clean git repository; commit first")
    kept = _write(directory, _project_name(answers), overwrite=overwrite)
    changed = _git(directory, "status", "--porcelain", "--untracked-files=all") or ""
    if as_json:
        print_json({"changed": [line[3:] for line in changed.splitlines()], "kept": kept})
        return
    left = "".join(f"{path} is yours and stays; --overwrite brings the new one\n" for path in kept)
    click.echo(changed + left or f"everything is as cqrs-nest {__version__} makes it\n", nl=False)


def _write(directory: Path, name: str, *, overwrite: bool) -> list[str]:
    """Write what this version makes, except over edited files; those of which it would make another."""
    answers = directory / ANSWERS
    known = _made_before(answers)
    made: dict[str, str | None] = {}
    kept: list[str] = []
    with TemporaryDirectory() as rendered:
        _render(Path(rendered), name)
        for source in sorted(file for file in Path(rendered).rglob("*") if file.is_file()):
            path = source.relative_to(rendered).as_posix()
            target = directory / path
            made[path] = new = _hash(source)
            before, now = known.get(path), _hash(target)
            if before is not None and now != before and not overwrite:
                if new not in (before, now):
                    kept.append(path)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    del made[ANSWERS]
    with answers.open("a") as file:
        file.writelines(f"# made {digest} {path}\n" for path, digest in made.items())
    return kept


def _render(directory: Path, name: str) -> None:
    from copier import run_copy
    from ruff import find_ruff_bin

    answers = {
        "project_name": name,
        "package_name": name.replace("-", "_"),
        "framework_version": __version__,
    }
    with TemporaryDirectory() as template:
        build_template(Path(template))
        run_copy(template, directory, data=answers, defaults=True, overwrite=True, quiet=True)
    # The order of imports and the breaks of lines depend on the package's name.
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run([find_ruff_bin(), *command, "--no-cache", "--quiet", "."], cwd=directory, check=True)  # noqa: S603


def _made_before(answers: Path) -> dict[str, str]:
    """The hash that each file had when it was written last."""
    lines = _MADE.finditer(answers.read_text()) if answers.is_file() else ()
    return {line["path"]: line["hash"] for line in lines}


def _hash(file: Path) -> str | None:
    return sha256(file.read_bytes()).hexdigest() if file.is_file() else None


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
