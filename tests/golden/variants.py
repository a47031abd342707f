"""Recordings with other names, as another team's service might have made them.

`python -m tests.golden.variants FROM TO` writes one for every recording of a directory, to be replayed with
`pytest tests/golden --golden-dir TO`.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.golden.recordings import scenarios

_NOT_IN_A_WORD, _ENDS = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
RENAMED = {
    re.compile(pattern): instead
    for pattern, instead in {
        "tenant01": "acme-9",
        "tenant02": "zeta-9",
        "user-1": "u.77",
        "req-0001": "7f-0042",
        r"192\.0\.2\.1": "192.0.2.1",
        r"203\.0\.113\.9": "198.51.100.23",
        f"{_NOT_IN_A_WORD}first{_ENDS}": "Müller & Söhne 1",
        f"{_NOT_IN_A_WORD}second{_ENDS}": "二番目",
        rf"{_NOT_IN_A_WORD}A(\d){_ENDS}": r"K-0\1",
        rf"{_NOT_IN_A_WORD}X(\d+){_ENDS}": r"Y_\1",
    }.items()
}
"""Sort keys keep their order, since pages come in it."""
_KEYS = {re.compile("TODO#"): "ORDER#"}
"""For all but requests, whose routes say `TODO#` in their code."""
_AS_THEY_ARE = ("sha256", "head", "class", "upstream", "group", "raw", "$buffer", "$binary", "B", "BS")
_NUMBERS = {1: 41, "1": "41"}


def variant(recorded: Any, is_http: bool = False) -> Any:
    """A recording with other names, texts and numbers throughout."""
    patterns = RENAMED if is_http else RENAMED | _KEYS
    return _renamed(recorded, patterns)


def _renamed(value: Any, patterns: dict[re.Pattern[str], str], name: str = "") -> Any:
    match value:
        case str() if name.lower() == "authorization":
            return _token(value, patterns)
        case str() if name not in _AS_THEY_ARE or (name == "raw" and value.startswith("{")):
            return _text(value, patterns)
        case {"N": "1"} if name == "n":
            return {"N": "41"}
        case int() if name == "n" and value == 1 and not isinstance(value, bool):
            return 41
        case dict():
            return {_text(key, patterns): _renamed(item, patterns, key) for key, item in value.items()}
        case list():
            return [_renamed(item, patterns, name) for item in value]
    return value


def _text(text: str, patterns: dict[re.Pattern[str], str]) -> str:
    for pattern, instead in patterns.items():
        text = pattern.sub(instead, text)
    return text


def _token(header: str, patterns: dict[re.Pattern[str], str]) -> str:
    """A token with other claims; it has no signature."""
    scheme, _, token = header.partition(" ")
    head, claims, signature = token.split(".")
    text = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode()
    renamed = base64.urlsafe_b64encode(_text(text, patterns).encode()).decode().rstrip("=")
    return f"{scheme} {head}.{renamed}.{signature}"


def write_variants(source: Path, target: Path, names: tuple[str, ...] = ()) -> None:
    """Write the variants of the recordings of a directory: of all, or of those that are named.

    Raises FileExistsError for a target that holds anything: no recording is ever written over.
    """
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty; the variants need a directory of their own")
    for scenario in scenarios(source):
        if not names or scenario.name in names:
            path = target / f"{scenario.name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            changed = variant(scenario.recorded, is_http=scenario.name.startswith("http/"))
            path.write_text(json.dumps(changed), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("python -m tests.golden.variants FROM TO")
    write_variants(Path(sys.argv[1]), Path(sys.argv[2]))
