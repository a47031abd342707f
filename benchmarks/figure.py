"""What a benchmark finds out: figures beside a peer's and beside a goal, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Goal:
    """A bound: of the ratio to the peer, or of our own figure where there is none."""

    bound: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a value keeps to the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


def at_most(bound: float) -> Goal:
    """A goal that smaller figures meet."""
    return Goal(bound)


def at_least(bound: float) -> Goal:
    """A goal that larger figures meet."""
    return Goal(bound, at_least=True)


@dataclass(frozen=True)
class Figure:
    """One line of the table. `curve` has its points at several sizes; `axis` is what there is more of."""

    metric: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    curve: tuple[tuple[float, float], ...] = ()
    axis: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.goal.is_met(self.ours if self.ratio is None else self.ratio)


def beside(
    metric: str, unit: str, samples: Iterable[tuple[float, float]], peer: str, goal: Goal | None = None
) -> Figure:
    """The medians of interleaved samples, ours and the peer's, and the median of their ratios.

    The first pair warms up and is left out.
    """
    warm = list(samples)[1:]
    ours, theirs = (median(pair[side] for pair in warm) for side in (0, 1))
    return Figure(metric, unit, ours, peer, theirs, median(one / other for one, other in warm), goal)


def grown(
    metric: str, unit: str, samples: Mapping[int, Sequence[float]], of: str, goal: Goal | None = None
) -> Figure:
    """The figure at the dearest size beside that at the smallest; `of` is what there is more and more of.

    `samples` are interleaved: each round has one of every size. The first round warms up and is left out.
    """
    first, *others = sizes = sorted(samples)
    warm = {size: samples[size][1:] for size in sizes}
    ratios = {
        size: median(large / small for large, small in zip(warm[size], warm[first], strict=True))
        for size in others
    }
    dearest = max(others, key=lambda size: ratios[size])
    curve = {size: median(warm[size]) for size in sizes}
    metric = f"{metric}, {first:,} to {others[-1]:,} {of}"
    beside = f"at {first:,}"
    points = tuple(curve.items())
    return Figure(metric, unit, curve[dearest], beside, curve[first], ratios[dearest], goal, points, of)


HEADINGS = ("metric", "ours", "peer", "", "ratio", "goal", "met")


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of a figure."""
    return (
        figure.metric,
        f"{number(figure.ours)} {figure.unit}",
        "" if figure.theirs is None else f"{number(figure.theirs)} {figure.unit}",
        figure.peer,
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if figure.goal is None else str(figure.goal),
        {None: "", True: "yes", False: "NO"}[figure.met],
    )


def number(value: float) -> str:
    """Three digits of a number, more before the point.

    >>> number(1234.5), number(0.01234), number(12.34)
    ('1,234', '0.0123', '12.3')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """The figures as a table for the terminal."""
    rows = [HEADINGS, *map(row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in rows)
