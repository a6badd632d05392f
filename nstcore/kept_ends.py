"""Iterates, and how runs ended, as what a state file holds: plain data for JSON and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nstcore import errors
from nstcore.config import TransferConfig
from nstcore.errors import StyleTransferError
from nstcore.networks.weights import Provenance
from nstcore.result import CoarseRun, Iterate, Trace, TransferResult

# The columns of a table before those of further losses.
_COLUMNS = ("iteration", "evaluations", "seconds", "total", "content", "style", "total_variation")

#: How a run ended, or None where there was none.
End = TransferResult | StyleTransferError | None


def further_losses(iterates: Sequence[Sequence[Iterate]]) -> list[str]:
    """The names of the losses in `Iterate.losses`, the same for all iterates of a transfer."""
    return next((list(found[0].losses) for found in iterates if found), [])


def table(iterates: Sequence[Iterate], further: Sequence[str]) -> np.ndarray:
    """Iterates as float64 (iterates, columns), to the bit."""
    rows = [
        [*(getattr(each, name) for name in _COLUMNS), *(each.losses[name] for name in further)] for each in iterates
    ]
    return np.array(rows, np.float64).reshape(len(rows), len(_COLUMNS) + len(further))


def iterates_of(rows: np.ndarray, further: Sequence[str]) -> list[Iterate]:
    """What `table` was made of."""
    found = []
    for numbers in rows.tolist():
        common = dict(zip(_COLUMNS, numbers, strict=False))
        counts = {name: int(common.pop(name)) for name in ("iteration", "evaluations")}
        losses = dict(zip(further, numbers[len(_COLUMNS) :], strict=True))
        found.append(Iterate(**counts, **common, losses=losses))
    return found


def described(ends: Sequence[End]) -> list[dict[str, Any] | None]:
    """What `ends_of` needs besides `arrays_of`."""
    return [None if end is None else _described(end) for end in ends]


def arrays_of(ends: Sequence[End], further: Sequence[str]) -> dict[str, np.ndarray]:
    """The pictures and traces of runs that ended."""
    arrays = {}
    for row, end in enumerate(ends):
        if isinstance(end, TransferResult):
            arrays[f"{row}/image"] = end.image
            arrays[f"{row}/{end.config.size}"] = table(end.trace.iterates, further)
            arrays |= {f"{row}/{run.size}": table(run.trace.iterates, further) for run in end.coarse}
    return arrays


def ends_of(
    described: Sequence[Mapping[str, Any] | None],
    arrays: Mapping[str, np.ndarray],
    further: Sequence[str],
    configs: Mapping[int, TransferConfig],
    weights: Provenance,
) -> list[End]:
    """How runs ended; `configs` are those of their sizes."""
    ends: list[End] = []
    for row, end in enumerate(described):
        if end is None:
            ends.append(None)
        elif "error" in end:
            ends.append(getattr(errors, end["error"], StyleTransferError)(end["message"]))
        else:
            traces = {
                size: Trace(tuple(iterates_of(arrays[f"{row}/{size}"], further)))
                for size in (*end["coarse"], end["size"])
            }
            ends.append(
                TransferResult(
                    image=arrays[f"{row}/image"],
                    trace=traces[end["size"]],
                    config=configs[end["size"]],
                    weights=weights,
                    message=end["message"],
                    seconds=end["seconds"],
                    coarse=tuple(CoarseRun(size, traces[size]) for size in end["coarse"]),
                )
            )
    return ends


def _described(end: TransferResult | StyleTransferError) -> dict[str, Any]:
    if isinstance(end, StyleTransferError):
        return {"error": type(end).__name__, "message": str(end)}
    sizes = [run.size for run in end.coarse]
    return {"size": end.config.size, "message": end.message, "seconds": end.seconds, "coarse": sizes}
