"""`Part`, of which a template is put together, and CloudFormation's functions as the data they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cqrs_nest.infrastructure.errors import InfrastructureError

Section: TypeAlias = dict[str, Any]

STAGE = "${Stage}"
ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
_SECTIONS = ("parameters", "conditions", "resources", "outputs")


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the application adds to each section of the template."""

    resources: Section = field(default_factory=dict[str, Any])
    parameters: Section = field(default_factory=dict[str, Any])
    conditions: Section = field(default_factory=dict[str, Any])
    outputs: Section = field(default_factory=dict[str, Any])
    variables: Section = field(default_factory=dict[str, Any])
    """Environment variables of the function."""
    events: Section = field(default_factory=dict[str, Any])
    """Event sources of the function."""


def joined(parts: Iterable[Part]) -> Part:
    """One part of many. Raises InfrastructureError for a name that two of them give."""
    whole = Part()
    for part in parts:
        for section in (*_SECTIONS, "variables", "events"):
            target: Section = getattr(whole, section)
            added: Section = getattr(part, section)
            for name, value in added.items():
                if target.setdefault(name, value) != value:
                    raise InfrastructureError(
                        f"Two of the application's resources or settings would be called {name} in the "
                        f"template ({section}).\nFix: give one of them another name."
                    )
    return whole


def ref(name: str) -> Section:
    """`!Ref`."""
    return {"Ref": name}


def get_att(name: str, attribute: str = "Arn") -> Section:
    """`!GetAtt`."""
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str, values: Mapping[str, Any] | None = None) -> Section:
    """`!Sub`."""
    return {"Fn::Sub": [text, dict(values)] if values else text}


def logical_id(*words: str) -> str:
    """A name within the template.

    >>> logical_id("todo-activity-queue"), logical_id("todo-command", "table")
    ('TodoActivityQueue', 'TodoCommandTable')
    """
    return "".join(word[:1].upper() + word[1:] for text in words for word in re.split(r"[^A-Za-z0-9]+", text))


def text_parameter(description: str, default: str | None = None, **more: Any) -> Section:
    """A parameter of type String."""
    parameter: Section = {"Type": "String", "Description": description, **more}
    return parameter if default is None else parameter | {"Default": default}
