"""The files of a project with changes that are not written yet: all of them come about, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Literal

from cqrs_nest.cli.generate.style import styled


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file; `before` is None for a new one."""

    path: Path
    before: str | None
    after: str

    @property
    def kind(self) -> Literal["create", "change", "keep"]:
        """A file that is kept is there as it has to be, or is no longer as it was generated."""
        if self.before is None:
            return "create"
        return "keep" if self.before == self.after else "change"


def difference(changes: Iterable[Change]) -> str:
    """Changes as `diff -u` writes them."""
    lines: list[str] = []
    for change in changes:
        before, name = change.before, change.path.as_posix()
        old = "/dev/null" if before is None else f"a/{name}"
        before_lines = (before or "").splitlines(keepends=True)
        lines += unified_diff(before_lines, change.after.splitlines(keepends=True), old, f"b/{name}")
    return "".join(lines)


class Workspace:
    """Reads through its changes, so that one generated piece can be wired into another.

    Paths are relative to the directory of the project.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._after: dict[Path, str] = {}

    def read(self, path: Path) -> str | None:
        """The text of a file; None if there is none."""
        if path in self._after:
            return self._after[path]
        return self._on_disk(path)

    def write(self, path: Path, text: str) -> None:
        """Make or replace a file."""
        self._after[path] = text

    def create(self, path: Path, text: str) -> None:
        """Make a file; one that is there stays as it is."""
        present = self.read(path)
        if present is None:
            self.write(path, text)
        else:
            self._after.setdefault(path, present)

    def files(self, directory: Path, pattern: str) -> list[Path]:
        """The files whose names match, in a directory and below it; those that are not written yet too."""
        written = (self._directory / directory).rglob(pattern)
        found = {file.relative_to(self._directory) for file in written}
        found |= {path for path in self._after if directory in path.parents and path.match(pattern)}
        return sorted(found)

    def changes(self) -> list[Change]:
        """What has come together so far, in the style that the project's ruff is set to."""
        before = {path: self._on_disk(path) for path in sorted(self._after)}
        present = {path: text for path, text in before.items() if text is not None}
        edited = {path: text for path, text in present.items() if text != self._after[path]}
        own_style = {path for path, text in styled(self._directory, edited).items() if text != edited[path]}
        to_style = self._after.keys() - own_style - (present.keys() - edited.keys())
        self._after |= styled(self._directory, {path: self._after[path] for path in to_style})
        return [Change(path, text, self._after[path]) for path, text in before.items()]

    def save(self) -> None:
        """Write the changes."""
        for change in self.changes():
            if change.kind != "keep":
                file = self._directory / change.path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(change.after)

    def _on_disk(self, path: Path) -> str | None:
        file = self._directory / path
        return file.read_text() if file.is_file() else None
