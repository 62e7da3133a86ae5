"""Draws panels side by side as an SVG: lines with their seeds, or points with intervals."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLORS = ("#0072b2", "#d55e00", "#009e73", "#8a3b8f")
"""Okabe and Ito's, which people with colour blindness can tell apart; the last one darkened for white paper."""
MARKERS = ("o", "s", "D", "^")
STYLE = {
    "svg.hashsalt": "suite", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "axes.grid": True,
    "grid.alpha": 0.25, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line for the mean over seeds, and a thin one for each seed. All have as many points, joined in their order."""

    name: str
    seeds: Mapping[str, Sequence[tuple[float, float]]]
    color: int
    dashed: bool = False


@dataclass(frozen=True)
class Whisker:
    """A point with its interval in both directions: (value, low, high)."""

    name: str
    x: tuple[float, float | None, float | None]
    y: tuple[float, float | None, float | None]
    color: int
    marker: int


@dataclass(frozen=True)
class Panel:
    """Axes with what is drawn in them."""

    title: str
    x: str
    y: str
    content: Sequence[Line | Whisker]


def svg(panels: Sequence[Panel]) -> bytes:
    """The panels side by side, with one legend below."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * len(panels), 4.2), layout="constrained")
        all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(all_axes, panels, strict=True):
            axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
            for drawn in panel.content:
                (_line if isinstance(drawn, Line) else _whisker)(axes, drawn)  # type: ignore[arg-type]
            if panel.y.startswith("%"):  # also where all shares are 0
                axes.set_ylim(-3, 103)
        labels = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in all_axes]
        labelled = {name: handle for of_axes in labels for handle, name in of_axes}
        figure.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=-(-len(labelled) // 4))
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    lines = (line.rstrip() for line in out.getvalue().decode().splitlines())
    return ("\n".join(lines) + "\n").encode()


def _line(axes: Axes, line: Line) -> None:
    style, color = "--" if line.dashed else "-", COLORS[line.color]
    for points in line.seeds.values():
        axes.plot(*zip(*points, strict=True), color=color, linestyle=style, linewidth=0.6, alpha=0.35)
    at = list(zip(*line.seeds.values(), strict=True))
    means = [[fmean(point[axis] for point in points) for points in at] for axis in (0, 1)]
    axes.plot(*means, color=color, linestyle=style, linewidth=2, label=line.name)


def _whisker(axes: Axes, point: Whisker) -> None:
    across, up = (
        [[value - (value if low is None else low)], [(value if high is None else high) - value]]
        for value, low, high in (point.x, point.y)
    )
    axes.errorbar(
        point.x[0], point.y[0], xerr=across, yerr=up, label=point.name, fmt=MARKERS[point.marker],
        color=COLORS[point.color], markersize=6, linewidth=1,
    )  # fmt: skip
