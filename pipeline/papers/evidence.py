"""What is known of our cells when a claim is judged: look a cell up, and take its numbers, its trace, its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from pipeline.grid.series import USUAL
from pipeline.papers.finding import SEED_AXIS, Finding, Key, Missing, without_seed
from pipeline.report.page import ReportCell


class NotPlanned(Missing):
    """A cell that is not made of this pair of pictures, or from this seed."""


@dataclass(frozen=True, order=True)
class Sample:
    """A pair of pictures, and the seed where cells start from noise."""

    content: str
    style: str
    seed: int = 0

    @property
    def pair(self) -> tuple[str, str]:
        return self.content, self.style


class Measurable(Protocol):
    """A cell or a computed picture: what has measures."""

    def measure(self, name: str) -> float: ...


@dataclass(frozen=True)
class Computed:
    """A picture that no cell made, such as a cross-fade.

    Attributes:
        name: what it is.
        measures: by their names.
    """

    name: str
    measures: Mapping[str, float]

    def measure(self, name: str) -> float:
        if name not in self.measures:
            raise Missing(f"{self.name} was not measured")
        return float(self.measures[name])


@dataclass(frozen=True, eq=False)
class Evidence:
    """All cells of a paper, by pair of pictures and key.

    Attributes:
        findings: the cells.
        shown: the pairs that were asked for, the first of which figures show; () takes those that there are.
        computed: pictures that no cell made, by pair and name; and what was told of the pair's pictures themselves.
        portraits: names of the content pictures that are portraits.
    """

    findings: Mapping[tuple[Sample, Key], Finding]
    shown: tuple[Sample, ...] = ()
    computed: Mapping[tuple[str, str], Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    portraits: tuple[str, ...] = ()

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """Every pair and seed that there are cells of, those that were asked for first."""
        return tuple(dict.fromkeys((*self.shown, *(sample for sample, _ in self.findings))))

    def view(self, sample: Sample) -> View:
        """What there is of one pair."""
        return View(self, sample)

    def first(self, key: Key) -> Finding:
        """The cell of the first pair that has one.

        Raises:
            Missing: if none has.
        """
        found = next((each for (_, name), each in self.findings.items() if name == key), None)
        if found is None:
            raise NotPlanned(_not_run(key))
        for sample in self.samples:
            if (sample, key) in self.findings:
                return self.findings[sample, key]
        return found

    def each(self) -> list[Finding]:
        return list(self.findings.values())


@dataclass(frozen=True, eq=False)
class View:
    """The cells of one pair of pictures, from one seed where they start from noise.

    Attributes:
        evidence, sample: of what.
        looked_up: the cells that were asked for, which is what a number rests on.
    """

    evidence: Evidence
    sample: Sample
    looked_up: dict[Key, Finding] = field(default_factory=dict)

    def __getitem__(self, key: Key) -> Finding:
        """The cell of a study, a backbone and labels.

        Raises:
            NotPlanned: if it was not planned.
        """
        findings = self.evidence.findings
        found = findings.get((self.sample, key))
        if found is None:
            # A cell that starts from no noise is the same for all seeds.
            found = findings.get((Sample(*self.sample.pair), key))
            if found is None or found.seeded:
                raise NotPlanned(_not_run(key))
        self.looked_up[key] = found
        return found

    def computed(self, name: str) -> Computed:
        """A picture that no cell made, see `pipeline.papers.computed`.

        Raises:
            NotPlanned: for a pair that was taken for one study alone.
            Missing: if it was not measured.
        """
        if self.sample.pair not in {sample.pair for sample in self.evidence.shown}:
            raise NotPlanned(f"{name} is of the pairs that were asked for")
        found = self.evidence.computed.get(self.sample.pair, {})
        if name not in found:
            raise Missing(f"{name} was not measured")
        return Computed(name, found[name])

    def of(self, content: str) -> View:
        """The same style and seed with another content picture."""
        return View(self.evidence, Sample(content, self.sample.style, self.sample.seed), self.looked_up)


def _not_run(key: Key) -> str:
    study, *names = key
    return f"{', '.join(names)} of the study {study} was not run"


def key_of(study: str, cell: ReportCell) -> Key:
    """Where a cell of a study belongs."""
    method = () if cell.method == USUAL else (cell.method,)
    return (study, cell.backbone, *method, *(label for _, label in without_seed(cell.variant)))


def sample_of(cell: ReportCell) -> Sample:
    """Which pictures and seed it is of."""
    seed = dict(cell.variant).get(SEED_AXIS, "0")
    return Sample(cell.content, cell.style, int(seed))
