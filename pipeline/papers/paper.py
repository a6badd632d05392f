"""What is known of a paper: what to run for it, what it shows and reports, and what it claims. Plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.grid.study import Study
from pipeline.papers.evidence import Evidence, Key, Missing

Outcome = Literal["reproduced", "not reproduced", "improved upon", "open", "not judged"]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        outcome: "open" for what cannot be run yet, "not judged" for what could but did not finish here.
        evidence: one sentence with the numbers.
        number: the one number that it hangs on, for the overview; "" if there is none.
    """

    outcome: Outcome
    evidence: str
    number: str = ""


@dataclass(frozen=True)
class Claim:
    """Something that a paper says.

    Attributes:
        text: what it says, in our words.
        where: section, table or figure.
        exhibit: the key of the exhibit that shows it; "" if none does.
        judge: the verdict that the evidence gives. It may raise `Missing`.
    """

    text: str
    where: str
    exhibit: str
    judge: Callable[[Evidence], Verdict]

    def verdict(self, evidence: Evidence) -> Verdict:
        """The verdict; "not judged" if a cell that it needs is missing."""
        try:
            return self.judge(evidence)
        except Missing as missing:
            return Verdict("not judged", f"Not judged: {missing}.")


@dataclass(frozen=True)
class Table:
    """Numbers as people read them: a head, and rows as long as it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class PictureTable:
    """Our pictures, laid out as the paper's figure is.

    Attributes:
        cells: which picture stands in which (row, column).
        row_title, column_title: what the names of rows and columns are.
    """

    cells: Mapping[tuple[str, str], Key]
    row_title: str = ""
    column_title: str = ""

    @property
    def rows(self) -> list[str]:
        return list(dict.fromkeys(row for row, _ in self.cells))

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for _, column in self.cells))


@dataclass(frozen=True)
class Curves:
    """Our loss curves.

    Attributes:
        cells: whose.
        evaluations_a_round: the step of the horizontal axis, for papers whose iteration is a round of several
            evaluations; 0 for the optimiser's own iterations.
    """

    cells: tuple[Key, ...]
    evaluations_a_round: int = 0


@dataclass(frozen=True)
class Exhibit:
    """One table or figure of a paper, and ours.

    Attributes:
        key: its name in links and files.
        where: "Table 2", "Figures 10 to 12".
        title: what it shows.
        theirs: what their figure shows, in words.
        their_table: their numbers; None if they give none.
        our_table: ours, from the evidence; None if there are none.
        pictures, curves: our figures; None if there are none.
        note: what has to be known to compare them.
    """

    key: str
    where: str
    title: str
    theirs: str = ""
    their_table: Table | None = None
    our_table: Callable[[Evidence], Table] | None = None
    pictures: PictureTable | None = None
    curves: Curves | None = None
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """How large a paper's runs are.

    Attributes:
        size: longest side, pixels.
        iterations: of the optimiser.
        why: where the two numbers are from.
    """

    size: int
    iterations: int
    why: str


@dataclass(frozen=True)
class Paper:
    """A paper, and what it takes to reproduce it.

    Attributes:
        key: its name in commands.
        citation: authors, title, where, year.
        summary: what it is about, and with what settings; one paragraph.
        studies: what to run, by name; pictures and scale are filled in by `pipeline.papers.setup.Setup`.
        exhibits: in the order of the paper.
        claims: in the order of the paper.
        scaled: a scale for a processor.
        own: the paper's own.
    """

    key: str
    citation: str
    summary: str
    studies: Mapping[str, Study]
    exhibits: Sequence[Exhibit]
    claims: Sequence[Claim]
    scaled: Scale
    own: Scale
