"""What can be generated: each function adds its files to a project and wires them into a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import click

from cqrs_nest.cli.generate.feature import Feature
from cqrs_nest.cli.generate.messages import FOLDERS, Kind, messages, verb_of
from cqrs_nest.cli.generate.module_source import REGISTER_SQL
from cqrs_nest.cli.generate.names import Name
from cqrs_nest.cli.generate.project import Project
from cqrs_nest.cli.generate.routes import add_route, can_be_sent
from cqrs_nest.cli.generate.source import Source
from cqrs_nest.cli.scaffold.template import sample_application

Piece: TypeAlias = Callable[[Feature, Name], None]


def generate_module(project: Project, name: Name, parent: Name | None) -> None:
    """A feature with a command table of its own, imported by the root module, or by `parent`."""
    file = Path(project.package, name.snake, f"{name.snake}_module.py")
    if file == project.root or name.snake in ("tests", "main", "settings"):
        raise click.ClickException(f"{name.snake} is the name of another part of a project; choose another")
    feature = Feature(project, file)
    project.workspace.create(file.parent / "__init__.py", f'"""The feature `{name.text}`."""\n')
    feature.create("table", f"{name.snake}_table.py")
    feature.create("module", file.name)
    importing = project.root if parent is None else project.feature(parent, parent)
    source = project.module(importing)
    source.add_import(f"{feature.package}.{file.stem}", f"{name.pascal}Module")
    source.append("imports", f"{name.pascal}Module")
    feature.save(source)
    prepare_tests(feature)
    feature.create_test("module_test", f"test_{name.snake}_module.py")


def prepare_tests(feature: Feature) -> None:
    """The folder of a feature's tests, and what they have in the place of AWS."""
    project, workspace = feature.project, feature.project.workspace
    tests = feature.tests.parent
    for folder in (tests, feature.tests):
        workspace.create(folder / "__init__.py", "")
    store = "in_memory_items.py"
    workspace.create(tests / store, (sample_application() / "tests" / store).read_text())
    has_settings = workspace.read(Path(project.package, "settings.py")) is not None
    root = project.module(project.root).class_name
    feature.create_test("conftest", "conftest.py", root=root, has_settings=has_settings)


def generate_entity(feature: Feature, name: Name) -> None:
    """What the feature keeps: its key, its attributes, and how the newest version is found."""
    present = feature.find_entity()
    if present is not None and present != name:
        raise click.ClickException(
            f"{feature.file.parent} keeps {present.with_article} already; an entity has a table of its own: "
            f"cqrs-nest generate module {name.kebab}"
        )
    feature.module.table()  # a table is there to keep it in
    feature.create("key", f"{name.snake}_key.py", name=name)
    feature.create("attributes", f"dto/{name.snake}_attributes.py", name=name)
    feature.create("key_dto", f"dto/{name.snake}_key_dto.py", name=name)
    feature.create("current", f"handlers/current_{name.snake}.py", name=name)
    feature.register("providers", f"handlers.current_{name.snake}", f"Current{name.pascal}")
    feature.create_test("stored", f"stored_{name.snake}.py", name=name)
    feature.create_test("entity_test", f"test_{name.snake}.py", name=name)


def generate_command(feature: Feature, name: Name) -> None:
    """A command and its handler: `create-...` makes an item, `delete-...` deletes one, others change one."""
    verb = verb_of(feature, name).words[0]
    shape = verb if verb in ("create", "delete") else "change"
    if shape != "delete":
        template = f"{shape}_dto"
        feature.create(
            template, f"dto/{name.snake}_dto.py", name=name, entity=feature.entity, renames=verb == "update"
        )
    _generate_message(feature, "command", name, shape, renames=verb == "update")


def generate_query(feature: Feature, name: Name) -> None:
    """A query and its handler: `get-...` finds one item, `search-...` asks a projection, others list."""
    verb = verb_of(feature, name).words[0]
    shape = verb if verb in ("get", "search") else "list"
    values: dict[str, object] = {}
    if shape == "search":
        values["projection"] = _projection(feature)
    if shape != "get":
        feature.create(f"{shape}_dto", f"dto/{name.snake}_dto.py", name=name, entity=feature.entity)
    _generate_message(feature, "query", name, shape, **values)


def _generate_message(feature: Feature, kind: Kind, name: Name, shape: str, **values: object) -> None:
    entity = feature.entity
    generate_entity(feature, entity)  # what is missing of it
    values = {**values, "name": name, "entity": entity, "sentence": _sentence(name, entity)}
    feature.create(f"{shape}_{kind}", f"{FOLDERS[kind]}/{name.snake}_{kind}.py", **values)
    feature.create(f"{shape}_handler", f"handlers/{name.snake}_handler.py", **values)
    feature.create_test(f"{shape}_test", f"test_{name.snake}.py", **values)
    feature.register("providers", f"handlers.{name.snake}_handler", f"{name.pascal}Handler")
    if feature.is_routed:
        _add_routes(feature, name)


def _sentence(name: Name, entity: Name) -> str:
    verb = name.without_suffix(entity)
    return f"{name.title}." if verb == name else f"{verb.title} {entity.with_article}."


def _projection(feature: Feature) -> Name:
    files = feature.project.workspace.files(feature.file.parent / "projection", "*_projection.py")
    if not files:
        entity = feature.entity.kebab
        raise click.ClickException(
            f"{feature.file.parent} has no projection to search; first: "
            f"cqrs-nest generate projection {entity} --module {feature.name.kebab}"
        )
    return Name.parse(files[0].stem.removesuffix("_projection"))


def generate_event(feature: Feature, name: Name) -> None:
    """An event within the service, and a handler of it."""
    feature.create("event", f"events/{name.snake}_event.py", name=name)
    feature.create("event_handler", f"events/{name.snake}_handler.py", name=name)
    feature.create_test("event_test", f"test_{name.snake}_event.py", name=name)
    feature.register("providers", f"events.{name.snake}_handler", f"{name.pascal}Handler")


def generate_dto(feature: Feature, name: Name) -> None:
    """What comes or goes over the wire."""
    feature.create("dto", f"dto/{name.snake}_dto.py", name=name)
    feature.create_test("dto_test", f"test_{name.snake}_dto.py", name=name)


def generate_service(feature: Feature, name: Name) -> None:
    """A class for work that handlers share."""
    feature.create("service", f"{name.snake}_service.py", name=name)
    feature.create_test("service_test", f"test_{name.snake}_service.py", name=name)
    feature.register("providers", f"{name.snake}_service", f"{name.pascal}Service")


def generate_projection(feature: Feature, name: Name) -> None:
    """A table of SQL that follows the feature's commands."""
    values = {"name": name, "entity": feature.entity, "table": feature.module.table()}
    feature.create("tables", f"projection/{name.snake}_tables.py", **values)
    feature.create("projection", f"projection/{name.snake}_projection.py", **values)
    feature.create_test("projection_test", f"test_{name.snake}_projection.py", **values)
    source = feature.module
    source.add_import(f"{feature.package}.projection.{name.snake}_projection", f"{name.pascal}Projection")
    source.append_to_table("data_sync_handlers", f"{name.pascal}Projection")
    feature.save(source)
    _let_the_database_know(feature, name)


def _let_the_database_know(feature: Feature, name: Name) -> None:
    """Add the projection's tables to those that the one `SqlModule.register(...)` of the project makes."""
    project = feature.project
    files = [
        path for path in (project.root, *project.features.values()) if project.module(path).registers_sql
    ]
    if len(files) > 1:
        raise click.ClickException(
            f"{files[1]}: {REGISTER_SQL}(...) stands in {files[0]} too; keep one of them and run it again. "
            "Nothing was changed."
        )
    source = project.module(files[0] if files else project.root)
    metadata = f"{feature.package}.projection.{name.snake}_tables:metadata"
    if files:
        source.append_metadata(metadata)
    else:
        source.add_import("cqrs_nest.read_models", "SqlModule")
        source.append("imports", f'{REGISTER_SQL}("{metadata}", create_tables=True)')
    feature.save(source)


def generate_controller(feature: Feature, name: Name) -> None:
    """A controller, with a route for each command and query that no other one sends."""
    is_first = not _controllers(feature)
    feature.create("controller", f"{name.snake}_controller.py", name=name)
    feature.create_test("controller_test", f"test_{name.snake}_controller.py", name=name)
    feature.register("controllers", f"{name.snake}_controller", f"{name.pascal}Controller")
    if is_first:
        _add_routes(feature)


def _add_routes(feature: Feature, name: Name | None = None) -> None:
    """Let the feature's controller, if it has one, send the message of a name, or all that there are."""
    for path in _controllers(feature)[:1]:
        source = Source(path, feature.project.workspace.read(path) or "")
        for message in messages(feature):
            if name in (None, message.name) and can_be_sent(message):
                add_route(source, message)
        feature.save(source)


def _controllers(feature: Feature) -> list[Path]:
    """The feature's controllers; first the one that is called like the feature or its entity."""
    found = feature.project.workspace.files(feature.file.parent, "*_controller.py")
    names = {feature.name.snake, *(each.snake for each in feature.entity_names)}
    own = [path for path in found if path.parent == feature.file.parent]
    return sorted(own, key=lambda path: path.stem.removesuffix("_controller") not in names)


def generate_resource(feature: Feature, name: Name) -> None:
    """Everything to keep one kind of item: entity, commands, queries, projection and controller."""
    generate_entity(feature, name)
    generate_projection(feature, name)
    for verb in ("create", "update", "delete"):
        generate_command(feature, Name((verb, *name.words)))
    for verb, noun in (("get", name), ("list", name.plural), ("search", name.plural)):
        generate_query(feature, Name((verb, *noun.words)))
    generate_controller(feature, name)


PIECES: Mapping[str, Piece] = {
    "command": generate_command,
    "controller": generate_controller,
    "dto": generate_dto,
    "entity": generate_entity,
    "event": generate_event,
    "projection": generate_projection,
    "query": generate_query,
    "resource": generate_resource,
    "service": generate_service,
}
