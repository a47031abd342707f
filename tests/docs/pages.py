"""The pages of the manual, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block in a fence, and the file that it is, if the page says so."""

    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """All blocks of a page, in their order."""
    return [Block(*found) for found in _BLOCK.findall((DOCS / page).read_text())]


def run_python(page: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run the Python of a page as one program; the names that it defines."""
    names = {} if names is None else names
    code = "\n".join(block.text for block in blocks(page) if block.language == "python")
    exec(compile(code, page, "exec", dont_inherit=True), names)
    return names
