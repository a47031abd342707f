"""A page that would load something from another host is a warning, which ends a strict build."""

from __future__ import annotations

import logging
import re
from typing import Any

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=["']?(?:https?:)?//[^>]*>"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon))[^>]*\bhref=["']?(?:https?:)?//[^>]*>"""
    r"""|<[a-z]+\b[^>]*\bclass=["'][^"']*\bmermaid\b[^>]*>"""
)
"""Diagrams of Mermaid are among them, as the theme fetches the program for them when it meets one."""


def on_post_page(output: str, *, page: Any, **kwargs: Any) -> str:
    """Look at a page as it is written."""
    for loaded in _LOADED.findall(output):
        logging.getLogger("mkdocs.hooks").warning("%s loads from elsewhere: %s", page.file.src_path, loaded)
    return output
