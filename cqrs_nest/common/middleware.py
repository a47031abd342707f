"""Which requests something is for."""

from __future__ import annotations

from typing import NamedTuple


class RouteInfo(NamedTuple):
    """A path as routes declare it, for one method or for all."""

    path: str
    method: str = "ALL"
