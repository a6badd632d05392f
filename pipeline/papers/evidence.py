"""What is known of our cells when a claim is judged: look a cell up, and take its numbers, its trace, its pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nstcore.result import Iterate, Trace
from pipeline.grid.series import Series
from pipeline.papers import pixels
from pipeline.report.page import ReportCell

#: A cell of a paper: the study's name, the backbone, and the label of each of the study's axes.
Key = tuple[str, ...]

#: The judges of style and content. Nothing is optimised for the second, so it has no favourite among the backbones.
STYLE_MEASURES = ("style_vgg19", "style_efficientnet_lite0")
CONTENT_MEASURES = ("content_vgg19", "content_efficientnet_lite0")


class Missing(Exception):
    """Something that a claim needs and that there is not. Its text completes "Not judged: …"."""


def _nothing() -> Any:
    raise Missing("there is no picture")


@dataclass(frozen=True, eq=False)
class Finding:
    """One of our cells as it ended.

    Attributes:
        key: where it belongs.
        cell: its record.
        load_trace, load_picture, load_content: read what belongs to it; the pictures are uint8 (H, W, 3). Only a
            finished cell needs them.
    """

    key: Key
    cell: ReportCell
    load_trace: Callable[[], Trace] = _nothing
    load_picture: Callable[[], np.ndarray] = _nothing
    load_content: Callable[[], np.ndarray] = _nothing

    @property
    def name(self) -> str:
        """How people call it: "VGG19", or "VGG19, layers 12"."""
        return self.cell.series.label

    @property
    def series(self) -> Series:
        return self.cell.series

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

    @property
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
        return float(np.quantile(paces, 0.1))

    @property
    def final(self) -> Iterate:
        return self.trace[-1]

    @property
    def sharpness(self) -> float:
        """See `pixels.sharpness`; 1 is as sharp as the content picture."""
        return pixels.sharpness(self.picture) / max(pixels.sharpness(self.content), 1e-9)

    def _need_done(self) -> None:
        if not self.done:
            raise Missing(f"{self.name} {self.cell.status}{_because(self.cell.reason)}")


def _because(reason: str) -> str:
    return f" ({reason.rstrip('.')})" if reason else ""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All cells of a paper, by key."""

    findings: Mapping[Key, Finding]

    def __getitem__(self, key: Key) -> Finding:
        """The cell of a study, a backbone and labels.

        Raises:
            Missing: if it was not planned.
        """
        if key not in self.findings:
            study, *names = key
            raise Missing(f"{', '.join(names)} of the study {study} was not run")
        return self.findings[key]


def key_of(study: str, cell: ReportCell) -> Key:
    """Where a cell of a study belongs."""
    return (study, cell.backbone, *(label for _, label in cell.variant))
