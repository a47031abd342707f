"""Commands and queries as their files write them: what they are made of, what they give back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import libcst as cst

from cqrs_nest.cli.generate.feature import Feature
from cqrs_nest.cli.generate.names import Name
from cqrs_nest.cli.generate.source import Source

Kind = Literal["command", "query"]
FOLDERS: Mapping[Kind, str] = {"command": "commands", "query": "queries"}


@dataclass(frozen=True, slots=True)
class Message:
    """A command or a query that a route can be made for. `module` is where it is imported from."""

    kind: Kind
    name: Name
    verb: Name
    class_name: str
    module: str
    sentence: str
    result: str
    fields: Sequence[tuple[str, str]]
    """Names and types, in order; those that have a default are left out."""
    imports: Mapping[str, tuple[str, str]]
    """Where the names in its types come from."""


def messages(feature: Feature) -> list[Message]:
    """All commands and queries of a feature, in the order of their files."""
    found = [
        _read(feature, kind, path)
        for kind, folder in FOLDERS.items()
        for path in feature.project.workspace.files(feature.file.parent / folder, f"*_{kind}.py")
    ]
    return [message for message in found if message is not None]


def verb_of(feature: Feature, name: Name) -> Name:
    """What is done: the words before those of the feature's entity."""
    return name.without_suffix(*feature.entity_names)


def _read(feature: Feature, kind: Kind, path: Path) -> Message | None:
    source = Source(path, feature.project.workspace.read(path) or "")
    name = Name.parse(path.stem.removesuffix(f"_{kind}"))
    for node in source.tree.body:
        if isinstance(node, cst.ClassDef) and node.name.value == f"{name.pascal}{kind.capitalize()}":
            return Message(
                kind=kind,
                name=name,
                verb=verb_of(feature, name),
                class_name=node.name.value,
                module=".".join(path.with_suffix("").parts),
                sentence=(node.get_docstring() or name.title).partition("\n")[0],
                result=_result(source, node),
                fields=list(_fields(source, node)),
                imports={bound: origin for bound, origin in source.bound_names() if origin},
            )
    return None


def _result(source: Source, node: cst.ClassDef) -> str:
    for base in node.bases:
        if isinstance(base.value, cst.Subscript):
            return ", ".join(source.code(element.slice) for element in base.value.slice)
    return "None"


def _fields(source: Source, node: cst.ClassDef) -> list[tuple[str, str]]:
    lines = (line for line in node.body.body if isinstance(line, cst.SimpleStatementLine))
    return [
        (source.code(each.target), source.code(each.annotation.annotation))
        for line in lines
        for each in line.body
        if isinstance(each, cst.AnnAssign) and each.value is None
    ]
