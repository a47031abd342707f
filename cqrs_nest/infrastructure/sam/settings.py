"""The settings of the application as parameters of the template and environment variables of the function."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo

from cqrs_nest.config import Environment
from cqrs_nest.infrastructure.sam.parts import Part, Section, logical_id, ref, sub, text_parameter

STAGES = ("dev", "stg", "prod")
TUNED = (
    "attribute_limit_size",
    "common_tenant_codes",
    "cors_origins",
    "cross_tenant_roles",
    "log_level",
    "request_body_size_limit",
)
"""The framework's settings that every deployment may choose; the others follow from the resources."""
_NO_VALUE = ref("AWS::NoValue")


def settings_part(environment: Environment) -> Part:
    """Stage and service, and a parameter for each setting that is the application's own.

    A setting with `repr=False` is a secret: its parameter is the id of a secret in Secrets Manager.
    """
    part = Part(
        parameters={
            "Stage": text_parameter("First part of every name", "dev", AllowedValues=list(STAGES)),
            "TimeZone": text_parameter("Whose offset the times of rows are written with", "UTC"),
        },
        variables={"NODE_ENV": ref("Stage"), "APP_NAME": environment.app_name, "TZ": ref("TimeZone")},
    )
    fields = type(environment).model_fields
    for name, field in fields.items():
        if name in TUNED or name not in Environment.model_fields:
            variable = field.alias or name.upper()
            parameter = logical_id(name.lower())
            if field.repr:
                part.parameters[parameter] = _parameter(variable, field)
                part.variables[variable] = ref(parameter)
            else:
                _add_secret(part, f"{parameter}Secret", variable, is_required=field.is_required())
    return part


def secret(parameter: str) -> Section:
    """The text of the secret whose id is a parameter, put in when the stack is deployed."""
    return sub(f"{{{{resolve:secretsmanager:${{{parameter}}}}}}}")


def secret_parameter(variable: str) -> Section:
    """The parameter of a secret."""
    return text_parameter(f"Name or ARN of the secret in Secrets Manager whose text is {variable}")


def _add_secret(part: Part, parameter: str, variable: str, *, is_required: bool) -> None:
    part.parameters[parameter] = secret_parameter(variable)
    part.variables[variable] = secret(parameter)
    if not is_required:
        condition = f"Has{parameter}"
        part.parameters[parameter]["Default"] = ""
        part.conditions[condition] = {"Fn::Not": [{"Fn::Equals": [ref(parameter), ""]}]}
        part.variables[variable] = {"Fn::If": [condition, secret(parameter), _NO_VALUE]}


def _parameter(variable: str, field: FieldInfo) -> Section:
    default = (
        None
        if field.is_required()
        else _as_text(field.get_default(call_default_factory=True, validated_data={}))
    )
    return text_parameter(field.description or f"The setting {variable}", default)


def _as_text(value: Any) -> str:
    """A default as the environment would say it; empty means that it is not set.

    >>> _as_text(("a", "b")), _as_text(True), _as_text(None), _as_text(100)
    ('a,b', 'true', '', '100')
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case tuple() | list() | frozenset() | set():
            return ",".join(str(each) for each in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            return str(value)
