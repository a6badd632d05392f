"""Plain data to figures: the loss per iteration of one pair, and the pictures of one backbone as a table.

Only Matplotlib's object-oriented interface is used: no window, no `pyplot`, no state left behind.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zlib import crc32

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, LogFormatterMathtext, MaxNLocator
from numpy.typing import NDArray

from nstcore.backbones import BACKBONES
from nstcore.files import write_whole
from nstcore.result import Trace
from pipeline.backbone_labels import backbone_order, display_name
from pipeline.image_grid import image_grid
from pipeline.lettering import FONT_SIZE, figure_style, fit

__all__ = ["image_grid", "loss_per_iteration", "save"]

# Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is too pale for a line on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_MARKERS = ("o", "s", "^", "D", "P")
# What a logarithmic axis is asked to show: float32 ends at 3e38, and with much more Matplotlib's ticks overflow.
_SMALLEST, _LARGEST = 1e-100, 1e100

_WIDTH, _HEIGHT, _DPI = 9.0, 4.0, 150  # inches, pixels an inch
_FORMATS: dict[str, dict[str, Any]] = {".png": {"Software": None}, ".svg": {"Creator": None, "Date": None}}
_NOTHING: Mapping[Any, str] = MappingProxyType({})


def _line_style(backbone: str) -> dict[str, Any]:
    """The same for a backbone in every figure, whichever others are in it."""
    place = (
        backbone_order(backbone)[0] if backbone in BACKBONES else len(BACKBONES) + crc32(ascii(backbone).encode()) % 24
    )
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "linestyle": _DASHES[place % len(_DASHES)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "markersize": 4.5,
        "linewidth": 1.6,
    }


def loss_per_iteration(traces: Mapping[str, Trace], *, title: str, notes: Mapping[str, str] = _NOTHING) -> Figure:
    """Compare how the total loss of one content/style pair falls with each backbone.

    Left the total loss, whose scale is each network's own; right the same divided by its value at the initial
    picture, which can be compared. Both axes are logarithmic: a loss of zero or less is drawn at the bottom with a
    downward triangle, one that is not finite is left out, and a footnote says so.

    Args:
        traces: the iterates per backbone name; empty and one-point traces are drawn as far as they go.
        title: any text; drawn literally.
        notes: remarks per backbone ("stand-in weights", "failed: …"), shown in the legend, for backbones without a
            trace too.

    Returns:
        A figure 9 inches wide with 150 pixels an inch. Lines are labelled with the backbone's name.
    """
    with figure_style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained")
        drawn = {name: traces[name] for name in sorted(traces, key=backbone_order) if len(traces[name])}
        remarks: list[str] = []
        if drawn:
            raw, relative = figure.subplots(1, 2)
            curves = {name: _curve(trace, relative=False) for name, trace in drawn.items()}
            ratios = {name: _curve(trace, relative=True) for name, trace in drawn.items()}
            remarks += _panel(raw, "Raw: each network has its own scale", "Total loss (no unit)", curves)
            relative.axhline(1.0, color="0.6", linewidth=0.8, zorder=1)
            remarks += _panel(relative, "Relative: comparable", "Total loss / loss of initial picture", ratios)
        else:
            message = "No backbone has completed this pair."
            figure.set_figheight(_HEIGHT / 3)
            figure.text(0.5, 0.5, message, ha="center", va="center", fontsize=FONT_SIZE + 3, color="0.35")
        heading = fit(title, width=_WIDTH * 72 * 0.83, size=FONT_SIZE + 2, lines=3)  # bold is wider than measured
        figure.suptitle(heading, fontsize=FONT_SIZE + 2, fontweight="bold").set_parse_math(False)
        _legend(figure, drawn, notes, list(dict.fromkeys(remarks)))
        return figure


class _PlainFormatter(LogFormatter):
    """Labels the ticks its base class would, but as 0.1 and 97 instead of 1e-01 and 1e+02."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:.4g}" if super().__call__(x, pos) else ""


def _curve(trace: Trace, *, relative: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    iterations = np.array([iterate.iteration for iterate in trace], dtype=np.int64)
    totals = np.array([iterate.total for iterate in trace], dtype=np.float64)
    if relative:
        first = totals[0] if _SMALLEST <= totals[0] <= _LARGEST else np.nan
        with np.errstate(over="ignore"):
            totals = totals / first
    return iterations, totals


def _panel(
    axes: Axes, heading: str, label: str, curves: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
) -> list[str]:
    """Draw one panel and say what a logarithmic axis could not show."""
    values = np.concatenate([values for _, values in curves.values()])
    positive = values[(values >= _SMALLEST) & (values <= _LARGEST)]
    bottom = positive.min() / 10 if positive.size else 0.1
    remarks = []
    for name, (iterations, totals) in curves.items():
        low, lost = totals < _SMALLEST, ~np.isfinite(totals) | (totals > _LARGEST)
        shown = np.where(low, bottom, np.where(lost, np.nan, totals))
        axes.plot(iterations, shown, label=name, markevery=[-1], **_line_style(name))
        if low.any():
            colour = _line_style(name)["color"]
            axes.plot(
                iterations[low], shown[low], "v", label=f"{name} below", color=colour, markersize=7, clip_on=False
            )
            remarks.append("Triangles at the bottom: a loss of zero or less, which a logarithmic axis cannot show.")
        if lost.all():
            remarks.append(f"{display_name(name)}: no relative curve, since the initial loss is not a positive number.")
        elif lost.any():
            remarks.append(f"{display_name(name)}: points left out because not finite or too large: {lost.sum()}.")
    axes.set_yscale("log")
    if not positive.size:
        axes.set_ylim(0.1, 10)
    plain = positive.size and bottom > 1e-4 and positive.max() < 1e5
    for place in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        place((_PlainFormatter if plain else LogFormatterMathtext)(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    last = max(int(iterations.max()) for iterations, _ in curves.values())
    axes.set_xlim(-0.02 * max(last, 1), 1.03 * max(last, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("Iteration")
    axes.set_ylabel(label)
    axes.set_title(heading, loc="left", fontsize=FONT_SIZE)
    axes.grid(True, which="major", color="0.88", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return remarks


def _legend(figure: Figure, drawn: Mapping[str, Trace], notes: Mapping[str, str], remarks: list[str]) -> None:
    """A line per backbone and remark under the panels; the figure grows by as much."""
    handles, labels = [], []
    for name in sorted({*drawn, *(name for name in notes if notes[name])}, key=backbone_order):
        parts = [display_name(name)]
        if name in drawn:
            handles.append(Line2D([], [], **_line_style(name)))
            _, ratios = _curve(drawn[name], relative=True)
            parts.append(f"final loss {drawn[name][-1].total:.3g}")
            if 0 <= ratios[-1] <= _LARGEST:
                parts[-1] += f" ({100 * ratios[-1]:.3g} % of initial)"
        else:
            handles.append(Line2D([], [], color=_line_style(name)["color"], linestyle="none", marker="x"))
            parts.append("no curve")
        labels.append(", ".join(parts) + (f"; {notes[name]}" if notes.get(name) else ""))
    for remark in remarks:
        handles.append(Line2D([], [], linestyle="none"))
        labels.append(remark)
    if not labels:
        return
    labels = [fit(label, width=_WIDTH * 72 * 0.9, size=FONT_SIZE, lines=3) for label in labels]
    # Texts are set afterwards because a legend reads "_" and "$" at a label's start as commands.
    legend = figure.legend(handles, [" "] * len(labels), loc="outside lower left", frameon=False, handlelength=3.2)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set(text=label, parse_math=False)
    lines = sum(label.count("\n") + 1 for label in labels)
    figure.set_figheight(figure.get_figheight() + lines * FONT_SIZE * 1.7 / 72)


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG or SVG, by the suffix of `path`, at the figure's own resolution.

    The file is whole or absent: it is written beside its place and renamed into it. Its folder must exist. The same
    data gives the same bytes (with the same Matplotlib and fonts): no date and no program name is written.

    Raises:
        ValueError: for another suffix.
        OutputError: if the place cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"path must end in {' or '.join(_FORMATS)}. Received: path={str(path)!r}")
    encoded = io.BytesIO()
    with figure_style():
        figure.savefig(encoded, format=suffix[1:], dpi="figure", metadata=_FORMATS[suffix])
    write_whole(path, encoded.getvalue())
