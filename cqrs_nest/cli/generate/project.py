"""The project that a command is run in: its package, its root module, its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cqrs_nest.cli.generate.module_source import ModuleSource
from cqrs_nest.cli.generate.names import Name
from cqrs_nest.cli.generate.workspace import Workspace

ROOT = "main_module.py"


@dataclass(frozen=True)
class Project:
    """A package with a `main_module.py`."""

    workspace: Workspace
    package: str
    here: Path
    """Where the command is run, from the project's directory."""

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that a directory belongs to. Raises ClickException if there is none, or several."""
        for directory in (start, *start.parents):
            found = sorted(path.parent.name for path in directory.glob(f"*/{ROOT}"))
            if len(found) == 1:
                return cls(Workspace(directory), found[0], start.relative_to(directory))
            if found:
                raise click.ClickException(
                    f"{directory} has several projects ({', '.join(found)}); run it in one of them"
                )
        raise click.ClickException(
            f"there is no package with a {ROOT} here; run it in a project of `cqrs-nest new`, or write "
            f"{ROOT} with the root module"
        )

    @property
    def root(self) -> Path:
        """The file of the root module."""
        return Path(self.package, ROOT)

    def module(self, path: Path) -> ModuleSource:
        """The source of a module."""
        return ModuleSource(path, self.workspace.read(path) or "")

    @property
    def features(self) -> dict[str, Path]:
        """The files of the modules below the root, `orders/orders_module.py`, by the feature's name."""
        files = self.workspace.files(Path(self.package), "*_module.py")
        return {
            path.parent.name: path
            for path in files
            if path != self.root and path.stem == f"{path.parent.name}_module"
        }

    def feature(self, chosen: Name | None, name: Name) -> Path:
        """The module that something joins: the chosen one, the one of this directory or of the same name,
        or the only one. Raises ClickException when that does not say which."""
        features = self.features
        if chosen is not None:
            if chosen.snake not in features:
                raise click.ClickException(
                    f"there is no module {chosen.kebab} (there are: {_listed(features)}); first: "
                    f"cqrs-nest generate module {chosen.kebab}"
                )
            return features[chosen.snake]
        around = [path for path in features.values() if path.parent in (self.here, *self.here.parents)]
        if around:
            return max(around, key=lambda path: len(path.parts))
        for each in (name, name.plural):
            if each.snake in features:
                return features[each.snake]
        if len(features) == 1:
            return next(iter(features.values()))
        if not features:
            raise click.ClickException("there is no module yet; first: cqrs-nest generate module orders")
        raise click.ClickException(f"say which module {name.kebab} joins: --module {_listed(features, '|')}")


def _listed(features: dict[str, Path], separator: str = ", ") -> str:
    return separator.join(sorted(name.replace("_", "-") for name in features)) or "none"
