"""One feature of a project: a folder with a module, to which files and providers are added."""

from __future__ import annotations

from pathlib import Path

import click

from cqrs_nest.cli.generate.module_source import ModuleSource
from cqrs_nest.cli.generate.names import Name
from cqrs_nest.cli.generate.project import Project
from cqrs_nest.cli.generate.source import Source
from cqrs_nest.cli.generate.templates import render

_FOLDERS = {
    "commands": "What can be asked of `{}`.",
    "queries": "What can be asked about `{}`.",
    "handlers": "What commands and queries do.",
    "dto": "What goes over the wire.",
    "events": "What happens in `{}`, and what other parts of the service do then.",
    "projection": "The read model: `{}` in SQL.",
}


class Feature:
    """A folder of the project's package; `package` is its dotted name. `is_routed`: a new command or query
    gets a route in the controller, if there is one."""

    def __init__(self, project: Project, file: Path, *, is_routed: bool = True) -> None:
        self.project = project
        self.file = file
        self.is_routed = is_routed
        self.name = Name.parse(file.parent.name)
        self.package = ".".join(file.parent.parts)

    @property
    def module(self) -> ModuleSource:
        """The source of its module, to read."""
        return self.project.module(self.file)

    @property
    def tests(self) -> Path:
        """The folder of its tests."""
        return Path(self.project.package, "tests", self.name.snake)

    @property
    def entity(self) -> Name:
        """What the feature keeps. Raises ClickException if that is nothing yet."""
        if (found := self.find_entity()) is None:
            module = self.name.kebab
            raise click.ClickException(
                f"{self.file.parent} keeps nothing yet; first: "
                f"cqrs-nest generate entity {module} --module {module}"
            )
        return found

    @property
    def entity_names(self) -> list[Name]:
        """One and several of what the feature keeps."""
        entity = self.find_entity()
        return [entity, entity.plural] if entity else []

    def find_entity(self) -> Name | None:
        """What the feature keeps, after the file of its key; None if that is nothing yet."""
        keys = self.project.workspace.files(self.file.parent, "*_key.py")
        names = [path.stem.removesuffix("_key") for path in keys if path.parent == self.file.parent]
        return Name.parse(names[0]) if names else None

    def create(self, template: str, path: str, **values: object) -> None:
        """Make a file of the feature, and the packages around it, of templates."""
        folder = path.rpartition("/")[0]
        if folder:
            text = _FOLDERS[folder].format(self.name.text)
            self.project.workspace.create(self.file.parent / folder / "__init__.py", f'"""{text}"""\n')
        self._create(self.file.parent / path, template, values)

    def create_test(self, template: str, file: str, **values: object) -> None:
        """Make a file among its tests."""
        self._create(self.tests / file, template, values)

    def register(self, keyword: str, module: str, name: str) -> None:
        """Import a class, from a dotted name within the feature, and list it in the module."""
        source = self.module
        if not source.has(keyword, name):
            source.add_import(f"{self.package}.{module}", name)
            source.append(keyword, name)
            self.save(source)

    def save(self, source: Source) -> None:
        """Keep an edited source."""
        self.project.workspace.write(source.path, source.text)

    def _create(self, path: Path, template: str, values: dict[str, object]) -> None:
        text = render(
            template,
            feature=self,
            package=self.project.package,
            tests=".".join(self.tests.parts),
            **values,
        )
        self.project.workspace.create(path, text)
