"""Whether costs grow with what there is more and more of: versions, handlers, routes, tenants.

python -m benchmarks scale
"""

from __future__ import annotations

import asyncio

from benchmarks.figure import Figure
from benchmarks.scale.handlers import measure_handlers
from benchmarks.scale.routes import measure_routes
from benchmarks.scale.tenants import measure_tenants
from benchmarks.scale.versions import measure_versions


def measure(rounds: int = 7) -> list[Figure]:
    """Each cost at its dearest size beside that at the smallest."""
    each = (measure_versions, measure_handlers, measure_routes, measure_tenants)
    return [figure for measured in each for figure in asyncio.run(measured(rounds))]
