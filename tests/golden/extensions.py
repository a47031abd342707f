"""Brings in what the files `operations_*.py` and `deviations_*.py` register."""

from __future__ import annotations

import importlib
from pathlib import Path

for pattern in ("operations_*.py", "deviations_*.py"):
    for extension in sorted(Path(__file__).parent.glob(pattern)):
        importlib.import_module(f"tests.golden.{extension.stem}")
