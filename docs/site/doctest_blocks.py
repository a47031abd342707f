"""The examples of docstrings as blocks of code.

A docstring here is prose with doctests in it, and Markdown takes `>>>` for three quotes inside each other.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLES = re.compile(r"^>>> .*(?:\n.*\S.*)*", re.MULTILINE)
_FOR_DOCTEST_ALONE = re.compile(r" *# doctest: .*")


class DoctestBlocks(Extension):
    """Puts a fence around each run of examples of every docstring."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Rewrite the docstring of an object that has just been read."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLES.sub(_fenced, obj.docstring.value)


def _fenced(examples: re.Match[str]) -> str:
    return f"```pycon\n{_FOR_DOCTEST_ALONE.sub('', examples[0])}\n```"
