"""Every benchmark in one go: a table, build/bench.json, and charts in docs/benchmarks/.

make bench [or: python -m benchmarks [name ...]]

Each benchmark has a process of its own, so that none inherits the memory of the one before; a benchmark
interleaves what it compares. Ends with 1 if a goal is missed.
"""

from __future__ import annotations

import json
import pickle
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter

from benchmarks.charts import bars, lines
from benchmarks.figure import Figure, table

ROOT = Path(__file__).parents[1]
RESULTS, CHARTS = ROOT / "build" / "bench.json", ROOT / "docs" / "benchmarks"
NAMES = (
    "cold_start",
    "dynamodb",
    "end_to_end",
    "throughput",
    "container",
    "buses",
    "http",
    "server",
    "pipeline",
    "rebuild",
    "scale",
    "memory",
)


def measured(name: str) -> list[Figure]:
    """What a benchmark finds out, in a process of its own."""
    code = (
        f"import pickle, sys, benchmarks.{name} as each; pickle.dump(each.measure(), open(sys.argv[1], 'wb'))"
    )
    with NamedTemporaryFile() as file:
        subprocess.run([sys.executable, "-c", code, file.name], cwd=ROOT, check=True)
        figures: list[Figure] = pickle.load(file)
    return figures


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 0 if every goal is met, 2 for a name that is none.

    Only a whole run draws the charts.
    """
    if unknown := [name for name in names if name not in NAMES]:
        print(f"no benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    results: dict[str, list[Figure]] = {}
    chosen = names or NAMES
    for index, name in enumerate(chosen, 1):
        print(f"{index} of {len(chosen)}: {name}", file=sys.stderr, flush=True)
        started = perf_counter()
        results[name] = measured(name)
        print(f"  took {perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    figures = [figure for found in results.values() for figure in found]
    print(table(figures))
    if not names:
        write(results)
    missed = [figure.metric for figure in figures if figure.met is False]
    print(
        "\n".join(
            ["\ngoals missed:", *(f"  {metric}" for metric in missed)] if missed else ["\nevery goal met"]
        )
    )
    return 1 if missed else 0


def write(results: dict[str, list[Figure]]) -> None:
    """The results as JSON and as charts."""
    found = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": {
            name: [asdict(figure) | {"met": figure.met} for figure in figures]
            for name, figures in results.items()
        },
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1))
    CHARTS.mkdir(exist_ok=True)
    for name, figures in results.items():
        if any(figure.ratio for figure in figures):
            (CHARTS / f"{name}.svg").write_text(bars(name.replace("_", " "), figures))
        for axis in {figure.axis for figure in figures if figure.curve}:
            drawn = [figure for figure in figures if figure.curve and figure.axis == axis]
            (CHARTS / f"{name}_{axis}.svg").write_text(lines(axis, drawn))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
