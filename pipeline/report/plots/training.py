"""How a network learned a style: its loss step by step, and what it made of a photograph that it never learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nstcore.feedforward.training_trace import TrainingTrace
from nstcore.pictures.images import Picture
from pipeline.report.plots.frame import DPI, SMALL, WIDTH, dress_axes
from pipeline.report.plots.log_axis import Floats, can_show, label_log_axis
from pipeline.report.plots.text_layout import FONT_SIZE, figure_style, fit

# Inches.
_EDGE, _TITLE, _LEFT, _PANEL, _AXIS, _GAP, _CAPTION = 0.1, 0.32, 0.76, 2.1, 0.5, 0.06, 0.2
_MOST_ACROSS = 8
_WINDOW = 25  # steps of which the median is drawn


def training_figure(trace: TrainingTrace, frames: Sequence[tuple[int, Picture]] = (), *, title: str) -> Figure:
    """Show a training: a dot per step and a line through the median of 25, the held-out loss, and pictures below.

    The loss of a step is that of its crops, and the held-out loss that of whole photographs: where both are balanced
    by their own pictures they compare roughly, else the curves alone do. The axis of losses is logarithmic; what it
    cannot show is left out, and said.

    Args:
        trace: the steps; may be empty.
        frames: what the network made of a held-out photograph, each after so many steps, uint8 (H, W, 3).
        title: any text.

    Returns:
        A figure 7.2 inches wide with 200 pixels an inch.
    """
    across = min(max(len(frames), 1), _MOST_ACROSS)
    rows = -(-len(frames) // across)
    wide = (WIDTH - 2 * _EDGE - (across - 1) * _GAP) / across
    high = min(wide * frames[0][1].shape[0] / frames[0][1].shape[1], 3 * wide) if frames else 0.0
    height = _EDGE + _TITLE + _PANEL + _AXIS + rows * (high + _CAPTION + _GAP) + _EDGE
    with figure_style():
        figure = Figure(figsize=(WIDTH, height), dpi=DPI)
        shown = fit(title, width=(WIDTH - 2 * _EDGE) * 72 * 0.83, size=FONT_SIZE + 1, lines=1)
        options: dict[str, Any] = {"ha": "center", "va": "top", "parse_math": False}
        figure.text(0.5, 1 - _EDGE / height, shown, fontsize=FONT_SIZE + 1, fontweight="bold", **options)
        bottom = height - _EDGE - _TITLE - _PANEL
        place = (_LEFT / WIDTH, bottom / height, (WIDTH - _LEFT - 2 * _EDGE) / WIDTH, _PANEL / height)
        _draw_curves(figure, place, trace)
        for number, (step, picture) in enumerate(frames):
            row, column = divmod(number, across)
            left = _EDGE + column * (wide + _GAP)
            low = bottom - _AXIS - (row + 1) * (high + _CAPTION) - row * _GAP
            axes = figure.add_axes((left / WIDTH, (low + _CAPTION) / height, wide / WIDTH, high / height))
            axes.imshow(picture, aspect="auto", interpolation="lanczos")
            axes.set_axis_off()
            axes.set_label(f"after {step}")
            words = f"after {step} steps" if across <= 5 else f"{step}"
            if number == 0 and across > 5:
                words = f"step {step}"
            figure.text((left + wide / 2) / WIDTH, (low + _CAPTION - 0.03) / height, words, fontsize=SMALL, **options)
        return figure


def _draw_curves(figure: Figure, place: tuple[float, float, float, float], trace: TrainingTrace) -> None:
    axes = figure.add_axes(place, label="loss")
    steps: Floats = np.array([step.step for step in trace], np.float64)
    losses: Floats = np.array([step.total for step in trace], np.float64)
    held_out = [(step.step, step.held_out) for step in trace.held_out]
    shown = can_show(losses)
    axes.plot(steps[shown], losses[shown], ".", color="#56B4E9", markersize=2.5, alpha=0.6, label="crops of a step")
    if shown.any():
        smooth = _running_median(losses[shown])
        axes.plot(steps[shown], smooth, "-", color="#0072B2", linewidth=1.4, label=f"their median over {_WINDOW} steps")
    looked: Floats = np.array(held_out, np.float64).reshape(-1, 2)
    seen = can_show(looked[:, 1])
    if seen.any():
        axes.plot(*looked[seen].T, "-s", color="#D55E00", linewidth=1.4, markersize=3.5, label="held-out photographs")
    axes.set_yscale("log")
    values = np.concatenate([losses[shown], looked[seen, 1]])
    if values.size:
        label_log_axis(axes.yaxis, float(values.min()), float(values.max()))
        axes.legend(fontsize=SMALL, frameon=False, loc="upper right")
    else:
        message = "no loss is a positive number" if len(trace) else "the network has gone, and its curve with it"
        axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", color="0.35")
    lost = int((~shown).sum() + (~seen).sum())
    label = "Step" if not lost else f"Step ({lost} losses left out: not positive and finite)"
    axes.set_xlabel(label, labelpad=2)
    axes.set_ylabel("Total loss (no unit)", labelpad=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]))
    dress_axes(axes)


def _running_median(values: Floats) -> Floats:
    reach = min(_WINDOW, values.size) // 2
    return np.array([np.median(values[max(0, at - reach) : at + reach + 1]) for at in range(values.size)])
