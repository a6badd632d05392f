"""One of a paper's cells as it ended, and what it takes its numbers from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nstcore.failures import DIVERGED
from nstcore.result import Iterate, Trace
from pipeline.grid.backbone_labels import display_name
from pipeline.grid.series import Series, Variant
from pipeline.papers import pixels
from pipeline.report.cell import ReportCell, weights_of

#: A cell of a paper: the study's name, the backbone, the method unless it is the usual one, and the label of each of
#: the study's axes.
Key = tuple[str, ...]

#: What a study that starts from noise varies besides what it is about.
SEED_AXIS = "seed"


class Missing(Exception):
    """Something that a claim needs and that there is not. Its text completes "Not judged: …"."""


class Unfit(Exception):
    """Cells that are there, and cannot say anything of the claim: why."""


class Diverged(Unfit, Missing):
    """A cell whose loss became infinite by its settings, which another run would not change."""


def without_seed(variant: Variant) -> Variant:
    return tuple((name, label) for name, label in variant if name != SEED_AXIS)


def _nothing() -> Any:
    raise Missing("there is no picture")


@dataclass(frozen=True, eq=False)
class Finding:
    """One of our cells as it ended.

    Attributes:
        key: where it belongs.
        cell: its record.
        load_trace, load_picture, load_content, load_style: read what belongs to it; the pictures are uint8 (H, W, 3).
            Only a finished cell needs them.
    """

    key: Key
    cell: ReportCell
    load_trace: Callable[[], Trace] = _nothing
    load_picture: Callable[[], np.ndarray] = _nothing
    load_content: Callable[[], np.ndarray] = _nothing
    load_style: Callable[[], np.ndarray] = _nothing

    @property
    def name(self) -> str:
        """How people call it: "VGG19", or "VGG19, layers 12"."""
        return self.series.label

    @property
    def series(self) -> Series:
        return Series(self.cell.backbone, without_seed(self.cell.variant), self.cell.method)

    @property
    def seeded(self) -> bool:
        """Whether it is of one seed of several that there might be."""
        return any(name == SEED_AXIS for name, _ in self.cell.variant)

    @property
    def weights(self) -> list[tuple[Mapping[str, Any], str]]:
        """Where the weights of its networks came from, each with the network's name; [] of a cell without a picture."""
        return weights_of(self.cell.manifest, self.cell.backbone)

    @property
    def done(self) -> bool:
        return self.cell.status == "done"

    @cached_property
    def trace(self) -> Trace:
        self._need_done()
        return self.load_trace()

    @cached_property
    def picture(self) -> np.ndarray:
        self._need_done()
        return self.load_picture()

    @cached_property
    def content(self) -> np.ndarray:
        """The content picture at the size of the result."""
        self._need_done()
        return self.load_content()

    @cached_property
    def style(self) -> np.ndarray:
        """The style picture as the network was given it."""
        self._need_done()
        return self.load_style()

    def measure(self, name: str) -> float:
        """A measure by its name in `pipeline.measures.names`.

        Raises:
            Missing: if the cell did not finish or was not measured.
        """
        self._need_done()
        if self.cell.measures is None or name not in self.cell.measures:
            raise Missing(f"{self.name} was not measured{_because(self.cell.unmeasured)}")
        return float(self.cell.measures[name])

    def after(self, evaluations: int) -> Iterate:
        """The last iterate that took no more than so many evaluations."""
        reached = [iterate for iterate in self.trace if iterate.evaluations <= evaluations]
        return reached[-1] if reached else self.trace[0]

    @cached_property
    def seconds_an_evaluation(self) -> float:
        """Wall time of an evaluation, without compilation: the fastest tenth of the steps after the first.

        What else the machine does makes steps slower, never faster.
        """
        steps = list(zip(self.trace.iterates[1:], self.trace.iterates[2:], strict=False))
        paces = [
            (later.seconds - one.seconds) / (later.evaluations - one.evaluations)
            for one, later in steps
            if later.evaluations > one.evaluations
        ]
        if not paces:
            raise Missing(f"{self.name} took too few steps for a time")
        return max(float(np.quantile(paces, 0.1)), 1e-9)

    @property
    def network(self) -> Mapping[str, Any]:
        """What its manifest says of the network that made it: "steps" and "seconds" of its training among it.

        Raises:
            Missing: if no network did.
        """
        self._need_done()
        known: Mapping[str, Any] | None = (self.cell.manifest or {}).get("network")
        if not known:
            raise Missing(f"{self.name} was made by no network")
        return known

    @property
    def final(self) -> Iterate:
        return self.trace[-1]

    @cached_property
    def spread(self) -> float:
        """Standard deviation of luma, 8-bit levels: 0 is flat."""
        return pixels.spread(self.picture)

    @cached_property
    def detail(self) -> pixels.Detail:
        """What fine and coarse structure it has beside its content picture."""
        return pixels.detail(self.picture, self.content)

    @property
    def diverged(self) -> bool:
        """Whether it has no picture because of its settings: its loss became NaN or infinite."""
        return self.cell.status == "failed" and self.cell.nature == DIVERGED.name

    def _need_done(self) -> None:
        if self.diverged:
            raise Diverged(f"{self.name} diverges{_because(self.cell.reason)}")
        if not self.done:
            raise Missing(f"{self.name} {self.cell.status}{_because(self.cell.reason)}")


def _because(reason: str) -> str:
    return f" ({reason.rstrip('.')})" if reason else ""


def weights_line(weights: Mapping[str, Any], backbone: str) -> str:
    """Whose weights they are, from where, and what has to be known of them."""
    about = "; ".join(filter(None, (str(weights.get("source") or ""), str(weights.get("note") or ""))))
    return f"{display_name(backbone)}: {about}"
