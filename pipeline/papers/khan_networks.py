"""The networks of Khan, Naseh, Sumanth and Hazra among our cells: what they took, lost, and left in pictures."""

from __future__ import annotations

from nstcore import PictureError
from nstcore.feedforward.checkerboard import grid_excess
from pipeline.papers import pixels
from pipeline.papers.evidence import View
from pipeline.papers.finding import Finding, Key, Missing, Unfit
from pipeline.papers.fitness import require_structure
from pipeline.papers.judging import LooksJudge, score
from pipeline.papers.khan_studies import ITERATIONS, STEPS
from pipeline.papers.paper import Table
from pipeline.papers.quantity import short
from pipeline.papers.ratios import ratio

OPTIMIZED: Key = ("method", "vgg19")
NEAREST: Key = ("nearest", "vgg19", "feedforward")
TRANSPOSED: Key = ("transposed", "vgg19", "feedforward")
STOPPED: Key = ("stopped", "vgg19", "feedforward")
REALISTIC: Key = ("realistic", "vgg19", "feedforward")


def seconds_of_a_pass(view: View, key: Key = NEAREST) -> float:
    """Seconds that a network takes for a picture, once it is loaded."""
    return max(view[key].final.seconds, 1e-9)


def seconds_of_an_optimization(view: View) -> float:
    """Seconds of an optimisation of their length."""
    return ITERATIONS * view[OPTIMIZED].seconds_an_evaluation


def passes_in_an_optimization(view: View) -> float:
    """How many pictures a network makes while one of their length is optimised."""
    return seconds_of_an_optimization(view) / seconds_of_a_pass(view)


def seconds_of_a_training(view: View) -> float:
    """Seconds of a training of their length, at our pace."""
    made = view[NEAREST].network
    return float(made["seconds"]) / max(int(made["steps"]), 1) * STEPS


def optimizations_in_a_training(view: View) -> float:
    """How many pictures could be optimised while the network was trained, both as they were run here."""
    return ratio(float(view[NEAREST].network["seconds"]), view[OPTIMIZED].final.seconds)


def loss_over(view: View, key: Key, over: Key, term: str = "total") -> float:
    """A loss of one cell as a multiple of another's."""
    require_structure(view[key], view[over])  # a flat picture may have a low loss, and says nothing
    return ratio(getattr(view[key].final, term), getattr(view[over].final, term))


def difference_of_weights(view: View) -> float:
    """How far a network's picture is from that of a network of other weights of the losses, 8-bit levels."""
    require_structure(view[NEAREST], view[REALISTIC])
    return pixels.difference(view[NEAREST].picture, view[REALISTIC].picture)


def grid(finding: Finding, period: int) -> float:
    """How far a grid stands out in a picture, decibels.

    Raises:
        Unfit: if the picture is too small for one.
    """
    try:
        return grid_excess(finding.picture, period)
    except PictureError as error:
        raise Unfit(f"{finding.name}: {error}") from error


def weaker(view: View, judge: LooksJudge) -> float:
    """How much worse a training that was stopped scores than the whole."""
    require_structure(view[NEAREST])  # a flat picture of the whole training is no better than any
    return score(view[STOPPED], judge) - score(view[NEAREST], judge)


def more_of_a_grid(view: View, period: int) -> float:
    """By how many decibels transposed convolutions leave more of a grid than nearest neighbors."""
    require_structure(view[TRANSPOSED], view[NEAREST])
    return grid(view[TRANSPOSED], period) - grid(view[NEAREST], period)


_ROWS = {
    "Optimised": OPTIMIZED,
    "Network, nearest neighbors": NEAREST,
    "Network, transposed convolutions": TRANSPOSED,
    "Network, a tenth of the training": STOPPED,
    "Network, ten times the content weight": REALISTIC,
}


def network_table(view: View) -> Table:
    """Times and losses of the first pair. The last network's loss has another weight, and does not compare."""
    head = ("", "Steps", "Training, s", "A picture, s", "Loss", "Grid of period 2, dB", "Of period 4, dB")
    return Table(head, tuple((title, *_row(view, key)) for title, key in _ROWS.items()))


def _row(view: View, key: Key) -> list[str]:
    try:
        found = view[key]
        trained = ["–", "–"] if key == OPTIMIZED else [f"{found.network['steps']:,}", short(found.network["seconds"])]
        return [*trained, short(found.final.seconds), short(found.final.total), *_grids(found)]
    except Missing:
        return ["–"] * 6


def _grids(found: Finding) -> list[str]:
    told = []
    for period in (2, 4):
        try:
            told.append(f"{grid(found, period):.1f}")
        except Unfit:
            told.append("–")
    return told
