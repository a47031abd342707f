"""What is said when the settings do not hold: every variable at once, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError


class InvalidEnvironmentError(ValueError):
    """Variables are missing or wrong. `problems` has one line for each, beginning with its name."""

    def __init__(self, model: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        count = "1 variable is" if len(problems) == 1 else f"{len(problems)} variables are"
        super().__init__(
            f"{model}: {count} missing or wrong:\n{lines}\nSet them in the process environment or in .env."
        )


def describe_problems(
    model: type[BaseModel], error: ValidationError, values: Mapping[str, str]
) -> tuple[str, ...]:
    """One line a variable, built from pydantic's errors without their inputs."""
    fields = model.model_fields.items()
    descriptions = {field.alias or name: field.description for name, field in fields if field.description}
    return tuple(
        _describe(".".join(map(str, details["loc"])), dict(details), descriptions, values)
        for details in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _describe(
    variable: str, details: Mapping[str, Any], descriptions: Mapping[str, str], values: Mapping[str, str]
) -> str:
    if not variable:
        return _without_values(str(details["msg"]), values)
    about = f" ({descriptions[variable]})" if variable in descriptions else ""
    if details["type"] == "missing":
        return f"{variable} is not set{about}"
    return f"{variable} is wrong: {_without_values(str(details['msg']), values)}{about}"


def _without_values(message: str, values: Mapping[str, str]) -> str:
    """Validators of an application may quote what they were given, and that may be a secret."""
    for value in sorted(values.values(), key=len, reverse=True):
        if len(value) > 3:
            message = message.replace(value, "***")
    return message
