"""What is known of a paper: what to run for it, what it shows and reports, and what it claims. Plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.grid.study import Study
from pipeline.papers.evidence import View
from pipeline.papers.finding import Key
from pipeline.papers.quantity import Quantity

#: How a claim is judged: by its quantities; not at all, because this project cannot, and then its quantities are
#: stand-ins; or not by us, since the paper says the contrary itself.
Kind = Literal["tested", "not testable", "self-contradictory"]


@dataclass(frozen=True)
class Claim:
    """Something that a paper says.

    Attributes:
        text: what it says, in our words.
        where: section, table or figure.
        exhibit: the key of the exhibit that shows it; "" if none does.
        quantities: the numbers that it hangs on, all under the paper's own settings. All that decide have to agree.
        kind: how it is judged.
        reason: why it cannot be tested here, or where the paper contradicts it.
        differs: in what our cells differ from the paper's, beyond what is said of all of them.
        ours: the same question asked of our own settings. It is shown beside the verdict and changes none.
        note: what has to be known to read the numbers.
    """

    text: str
    where: str
    exhibit: str = ""
    quantities: tuple[Quantity, ...] = ()
    kind: Kind = "tested"
    reason: str = ""
    differs: str = ""
    ours: tuple[Quantity, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if self.kind == "tested" and not any(quantity.decides for quantity in self.quantities):
            raise ValueError(f"a claim that is tested needs a quantity that decides. Received: text={self.text!r}")
        if (self.kind != "tested") != bool(self.reason):
            raise ValueError(f"a reason is for claims that are not tested, and needed there. Received: {self.text!r}")


@dataclass(frozen=True)
class LeftOut:
    """Something that a paper says and that is no claim of its own to judge here.

    Attributes:
        text: what it says, in our words.
        where: section, table or figure.
        reason: why it is left out.
    """

    text: str
    where: str
    reason: str


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
        unprocessed: the places whose picture is shown as a file of -1 to 1 shows it that is written as 0 to 255.
    """

    cells: Mapping[tuple[str, str], Key]
    row_title: str = ""
    column_title: str = ""
    unprocessed: frozenset[tuple[str, str]] = frozenset()

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
        our_table: ours, of the first pair; None if there are none.
        pictures, curves: our figures, of the first pair; None if there are none.
        note: what has to be known to compare them.
    """

    key: str
    where: str
    title: str
    theirs: str = ""
    their_table: Table | None = None
    our_table: Callable[[View], Table] | None = None
    pictures: PictureTable | None = None
    curves: Curves | None = None
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """How large a paper's runs are.

    Attributes:
        size: longest side, pixels.
        iterations: of the optimiser.
        why: where the numbers are from.
        steps: of the training of a network; 0 for papers that train none.
        training: how networks are trained unless a study says otherwise, as `Training.of` takes it.
    """

    size: int
    iterations: int
    why: str
    steps: int = 0
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Paper:
    """A paper, and what it takes to reproduce it.

    Attributes:
        key: its name in commands.
        citation: authors, title, where, year.
        summary: what it is about, and with what settings; one paragraph.
        differs: in what all of our cells differ from the paper's, one paragraph.
        studies: what to run, by name; pictures and scale are filled in by `pipeline.papers.setup.Setup`.
        exhibits: in the order of the paper.
        claims: in the order of the paper.
        main: the names of the studies that the large set makes of every pair and seed; the others vary one thing, and
            take fewer pairs, see `Setup.fewer_contents`.
        scaled: a scale for a processor.
        large: the same for many pairs of pictures; the size is 256 pixels for all.
        own: the paper's own.
        left_out: what else it says, and why it is not among the claims.
    """

    key: str
    citation: str
    summary: str
    differs: str
    studies: Mapping[str, Study]
    exhibits: Sequence[Exhibit]
    claims: Sequence[Claim]
    scaled: Scale
    large: Scale
    own: Scale
    main: tuple[str, ...]
    left_out: Sequence[LeftOut] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.main) - self.studies.keys():
            raise ValueError(f"main studies have to be studies of the paper. Received: {sorted(unknown)}")
