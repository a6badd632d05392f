"""The networks that made cells of a grid, and what they are worth: against optimisation, picture by picture."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nstcore.result import Trace
from pipeline.grid.series import Series
from pipeline.report.cell import PageFigure, ReportCell, lookup, own_seconds
from pipeline.report.page_text import duration


@dataclass(frozen=True)
class NetworkRow:
    """A network as a page shows it.

    Attributes:
        style: the style that it was trained for; label: the backbone, and the settings, of its losses.
        shape: which network it is, in a few words; photographs: the folder that it was trained on.
        steps, seconds: of its training; held_out: the loss of held-out photographs at the end, None if unknown.
        device: what it was trained on.
        per_picture: median wall time of a picture, seconds, None if unknown.
        optimized: the same of the cells that were optimised with the same backbone and settings, None without any.
        pays_after: with so many pictures training and passes take less time than to optimise each; None without a
            comparison, infinite where a pass is no faster.
        ratio: median of the final losses, each divided by that of the same pair when it is optimised; None without any.
        pictures: how many pictures of the grid it made.
        worth: after how many iterations the usual start comes to the losses of its pictures, in words; "" if unknown.
        saved: what it saves to optimise from its pictures on, in words; "" where that was not tried.
        file: of the network, in the output folder; sha256: of that.
        figure: its curve and the pictures of a held-out photograph, if they are drawn.
    """

    style: str
    label: str
    shape: str
    photographs: str
    steps: int
    seconds: float
    held_out: float | None
    device: str
    per_picture: float | None
    optimized: float | None
    pays_after: float | None
    ratio: float | None
    pictures: int
    worth: str
    saved: str
    file: str
    sha256: str
    figure: PageFigure | None

    @property
    def pays(self) -> str:
        """`pays_after` in words."""
        if self.pays_after is None:
            return "nothing to compare with"
        return f"after {self.pays_after:,.0f} pictures" if math.isfinite(self.pays_after) else "never"


#: By content, style and series: of a cell that a network made what `worth_iterations` gives, of one that is optimised
#: from there on `saved_iterations`.
Compared = Mapping[tuple[str, str, Series], tuple[int, int]]


def network_rows(
    cells: Sequence[ReportCell], figures: Mapping[str, PageFigure], compared: Compared | None = None
) -> list[NetworkRow]:
    """Every network that had a part in a cell, in the order of the cells.

    Args:
        cells: of the grid.
        figures: by the digest of the network.
        compared: with the usual start, by the cell.
    """
    made: dict[str, list[ReportCell]] = {}
    for cell in cells:
        if cell.status == "done" and (digest := lookup(cell, "network", "digest")):
            made.setdefault(digest, []).append(cell)
    return [_row(own, _rivals(own[0], cells), figures.get(digest), compared or {}) for digest, own in made.items()]


def worth_iterations(optimized: Trace, applied: Trace) -> tuple[int, int]:
    """After how many iterations, and of how many, the usual start comes to the loss of a network's picture.

    After all of them where it does not.
    """
    last = optimized[-1].iteration
    return next((each.iteration for each in optimized if each.total <= applied[-1].total), last), last


def saved_iterations(optimized: Trace, refined: Trace) -> tuple[int, int]:
    """How many iterations a start from a network's picture saves, and of how many, to the usual start's last loss.

    None are saved where that loss is not reached.

    Args:
        optimized: the iterates of the usual start.
        refined: those of the start from the network's picture, of the same losses.
    """
    last = optimized[-1]
    reached = next((iterate.iteration for iterate in refined if iterate.total <= last.total), last.iteration)
    return max(last.iteration - reached, 0), last.iteration


def trained(cell: ReportCell) -> str:
    """How the network of a cell came about, in a few words; "" for a cell that was optimised."""
    known = (cell.manifest or {}).get("network")
    return f"trained before in {duration(known.get('seconds'))}, {known.get('steps')} steps" if known else ""


def training_seconds(cells: Iterable[ReportCell]) -> float:
    """Wall time of the training of all networks, each once."""
    known = {lookup(cell, "network", "digest"): lookup(cell, "network", "seconds") for cell in cells}
    return math.fsum(seconds for digest, seconds in known.items() if digest and isinstance(seconds, int | float))


def _rivals(cell: ReportCell, cells: Iterable[ReportCell]) -> dict[tuple[str, str], ReportCell]:
    """The cells that were optimised with the backbone and the settings of a network's cell, by content and style."""
    return {
        (each.content, each.style): each
        for each in cells
        if each.series.is_usual
        and each.status == "done"
        and (each.backbone, each.variant) == (cell.backbone, cell.variant)
        and lookup(each, "config", "size") == lookup(cell, "config", "size")
    }


def _row(
    own: Sequence[ReportCell],
    rivals: Mapping[tuple[str, str], ReportCell],
    figure: PageFigure | None,
    compared: Compared,
) -> NetworkRow:
    first, applied = own[0], [cell for cell in own if not cell.series.is_iterated]
    known: Mapping[str, Any] = (first.manifest or {})["network"]
    per_picture, optimized = _median(map(own_seconds, applied)), _median(map(own_seconds, rivals.values()))
    ratios = [
        lookup(cell, "result", "total") / reached
        for cell in applied
        if (rival := rivals.get((cell.content, cell.style))) and (reached := lookup(rival, "result", "total"))
    ]
    seconds = float(known["seconds"])
    return NetworkRow(
        style=first.style,
        label=first.series.losses_label,
        shape=_shape(known),
        photographs=str(known.get("photographs", "")),
        steps=int(known["steps"]),
        seconds=seconds,
        held_out=known.get("held_out"),
        device=str(known.get("device", "")),
        per_picture=per_picture,
        optimized=optimized,
        pays_after=pays_after(seconds, per_picture, optimized),
        ratio=_median(ratios),
        pictures=len(applied),
        worth=_worth(_of(compared, own, "feedforward")),
        saved=_saved(_of(compared, own, "refine")),
        file=str(known["file"]),
        sha256=str(known["sha256"]),
        figure=figure,
    )


def _of(compared: Compared, own: Sequence[ReportCell], method: str) -> list[tuple[int, int]]:
    keys = ((cell.content, cell.style, cell.series) for cell in own if cell.method == method)
    return [compared[key] for key in keys if key in compared]


def _worth(each: Sequence[tuple[int, int]]) -> str:
    if not each:
        return ""
    count, last = statistics.median(count for count, _ in each), statistics.median(last for _, last in each)
    return _counted(count, "iteration") + ("" if count < last else " or more")


def _saved(each: Sequence[tuple[int, int]]) -> str:
    if not each:
        return ""
    share = statistics.median(saved / of for saved, of in each if of) if any(of for _, of in each) else 0.0
    words = f"{_counted(statistics.median(saved for saved, _ in each), 'iteration')} ({share:.0%})"
    never = sum(saved == 0 for saved, _ in each)
    return f"{words}; {never} of {len(each)} pictures save none" if never else words


def pays_after(training: float, per_picture: float | None, optimized: float | None) -> float | None:
    """The least n with training + n · per_picture <= n · optimized, all in seconds; inf where there is none.

    None where a time is not known.
    """
    if per_picture is None or optimized is None:
        return None
    saved = optimized - per_picture
    return max(1.0, math.ceil(training / saved)) if saved > 0 else math.inf


def _shape(known: Mapping[str, Any]) -> str:
    parts = (f"width {known['width']}", _counted(known["blocks"], "block"), f"{known['upsampling']} upsampling")
    return f"{known.get('size')} ({', '.join(parts)})"


def _counted(count: float, noun: str) -> str:
    return f"{count:.0f} {noun}" + ("" if round(count) == 1 else "s")


def _median(values: Iterable[Any]) -> float | None:
    known = [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]
    return statistics.median(known) if known else None
