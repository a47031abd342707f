"""Reading `.env`: quoting and comments by python-dotenv, variables expanded as in NestJS's ConfigModule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cqrs_nest.config.errors import InvalidEnvironmentError

_REFERENCE = re.compile(r"\\\$|\$(?:\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|(?P<plain>[A-Za-z_]\w*))")


def read_env_file(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    r"""The variables of the file. `${X}`, `$X` and `${X:-default}` are replaced, `\$` is a dollar sign.

    A reference sees `environ` first, then the lines above it; a name known to neither becomes empty text.
    Raises InvalidEnvironmentError for a file that is not UTF-8.
    """
    from dotenv import dotenv_values  # a deployed function has no such file

    values: dict[str, str] = {}
    try:
        lines = dotenv_values(path, interpolate=False)
    except UnicodeDecodeError as error:
        raise InvalidEnvironmentError(
            str(path), (f"byte {error.start} is not UTF-8: save it as UTF-8",)
        ) from None
    for name, raw in lines.items():
        if raw is not None:
            values[name] = _expand(raw, {**values, **environ})
    return values


def _expand(text: str, known: Mapping[str, str]) -> str:
    def replace(reference: re.Match[str]) -> str:
        name = reference["braced"] or reference["plain"]
        if name is None:
            return "$"
        return known.get(name) or reference["default"] or ""

    return _REFERENCE.sub(replace, text)
