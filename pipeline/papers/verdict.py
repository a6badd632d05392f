"""From a paper's claims and our cells to verdicts, as plain data.

A claim is judged under the paper's own settings alone. Its thresholds stand in the code before anything is run, and are
shown with the verdict. Of one pair of pictures, or a few, a verdict is an observation; from
`pipeline.papers.quantity.FEWEST_FOR_A_TEST` pairs on it needs a paired test, corrected for the number of claims of the
paper, and an interval beyond what there would be if there were nothing to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.papers.evidence import Evidence
from pipeline.papers.finding import weights_line
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import FEWEST_FOR_A_TEST, Answer, Measurement, measure, short, together
from pipeline.papers.statistics import holm

#: "not judged" is no verdict: a cell that the claim needs failed or was not measured in this run, and another run may
#: judge it.
Outcome = Literal["reproduced", "not reproduced", "opposite", "not testable", "self-contradictory", "not judged"]
_OUTCOMES: dict[Answer, Outcome] = {
    "for": "reproduced",
    "against": "opposite",
    "neither": "not reproduced",
    "unfit": "not testable",
    "missing": "not judged",
}
_SAID: dict[Answer, str] = {
    "for": "as claimed",
    "against": "the opposite",
    "neither": "neither",
    "unfit": "cannot say",
    "missing": "not measured",
}


@dataclass(frozen=True)
class Number:
    """A line of a verdict's table.

    Attributes:
        name: of the quantity.
        value: the median over the pairs; "–" if there is none, which the evidence explains.
        interval: its bootstrap interval; "" where there is none.
        holds, against: the thresholds.
        n: of how many pairs, and seeds.
        p: of the paired test: of a number that decides the largest of its claim's, corrected where the claim is tested;
            of another its own; "" where nothing is tested.
        effect: matched-pairs rank biserial correlation; likewise.
        says: what it says of the claim.
        decides: whether the verdict hangs on it.
    """

    name: str
    value: str
    interval: str
    holds: str
    against: str
    n: str
    p: str
    effect: str
    says: str
    decides: bool


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        outcome: see `Outcome`.
        evidence: one or two sentences.
        number: the one number that it hangs on, for the overview; "" if there is none.
        n: "n = 1 pair".
        numbers: all that was measured under the paper's settings; of claims that are not tested the stand-ins.
        ours: in one line what our own settings say of the same question; "" where that makes no sense.
        our_numbers: likewise in numbers.
        weights: whose weights the numbers under the paper's settings rest on, and what has to be known of them.
    """

    outcome: Outcome
    evidence: str
    number: str = ""
    n: str = ""
    numbers: tuple[Number, ...] = ()
    ours: str = ""
    our_numbers: tuple[Number, ...] = ()
    weights: tuple[str, ...] = ()


def verdicts(claims: Sequence[Claim], evidence: Evidence) -> list[Verdict]:
    """Judge the claims of a paper; p-values are corrected over all that are tested together."""
    measured = [[measure(quantity, evidence) for quantity in claim.quantities] for claim in claims]
    ours = [[measure(quantity, evidence) for quantity in claim.ours] for claim in claims]
    # A claim whose quantities have all to agree is one test, with the largest of their p-values (Berger 1982).
    p_values = [_p_of(each) for each in measured]
    corrected = holm([p if claim.kind == "tested" else None for claim, p in zip(claims, p_values, strict=True)])
    # What stands in for a claim that cannot be tested gives no verdict, and so is none of those that are corrected.
    decisive = [p if claim.kind != "tested" else c for claim, p, c in zip(claims, p_values, corrected, strict=True)]
    return [_verdict(claim, each, p, our) for claim, each, p, our in zip(claims, measured, decisive, ours, strict=True)]


def _p_of(measured: Iterable[Measurement]) -> float | None:
    return max((each.p for each in measured if each.p is not None and each.quantity.decides), default=None)


def _verdict(claim: Claim, measured: Sequence[Measurement], p: float | None, ours: Sequence[Measurement]) -> Verdict:
    numbers = tuple(_number(each, p) for each in measured)
    our_numbers = tuple(_number(each, each.p) for each in ours)
    n = _n_of(measured)
    beside = _of_ours(ours)
    first = next((each for each in measured if each.quantity.decides and each.values), None)
    number = short(first.center) if first else ""
    if claim.kind != "tested":
        stand_in = f"What was measured says {_SAID[_answer(measured, p)]}. {_told(measured)}" if first else ""
        evidence = " ".join(filter(None, (claim.reason, stand_in, _gaps(measured), claim.note)))
        return Verdict(claim.kind, evidence, number, n, numbers, beside, our_numbers, _weights_of(measured))
    conditions = _by_condition(measured)
    answers = {name: _answer(each, p) for name, each in conditions.items()}
    outcome, why = _decided(answers)
    evidence = " ".join(filter(None, (_told(measured), why, _gaps(measured), claim.note)))
    return Verdict(outcome, evidence, number, n, numbers, beside, our_numbers, _weights_of(measured))


def _weights_of(measured: Iterable[Measurement]) -> tuple[str, ...]:
    lines = (weights_line(weights, name) for each in measured for cell in each.cells for weights, name in cell.weights)
    return tuple(sorted(set(lines)))


def _by_condition(measured: Iterable[Measurement]) -> dict[str, list[Measurement]]:
    conditions: dict[str, list[Measurement]] = {}
    for each in measured:
        if each.quantity.decides:
            conditions.setdefault(each.quantity.condition, []).append(each)
    return conditions


def _answer(measured: Iterable[Measurement], p: float | None) -> Answer:
    deciding = [each.answer(p) for each in measured if each.quantity.decides]
    return together(deciding) if deciding else "missing"


def _decided(answers: dict[str, Answer]) -> tuple[Outcome, str]:
    """The outcome, and how several conditions came to it."""
    if len(answers) == 1:
        (answer,) = answers.values()
        return _OUTCOMES[answer], ""
    said = "; ".join(f"{name}: {_SAID[answer]}" for name, answer in answers.items())
    said = f"{said[:1].upper()}{said[1:]}"
    found = set(answers.values())
    if "missing" in found:
        return "not judged", f"{said}."
    if len(found) == 1:
        return _OUTCOMES[found.pop()], f"{said}."
    return "not testable", f"{said}: the scale of a file of weights decides, and not what is claimed."


def _told(measured: Sequence[Measurement]) -> str:
    """The numbers that decide, as a sentence; those of several judges side by side."""
    known = [each for each in measured if each.quantity.decides and each.values]
    if not known:
        return ""
    pairs = min(each.n for each in known)
    if pairs >= FEWEST_FOR_A_TEST:
        begun = f"Over {pairs} pairs"
    else:
        begun = "Seen on one pair" if pairs == 1 else f"Seen on {pairs} pairs"
    return f"{begun}: {'; '.join(_side_by_side(known))}."


def _side_by_side(measured: Iterable[Measurement]) -> list[str]:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in measured:
        quantity = each.quantity
        is_a_name = not quantity.name.split(" ")[0][1:].islower()  # such as VGG19's or ResNet50's
        named = quantity.name if is_a_name else f"{quantity.name[:1].lower()}{quantity.name[1:]}"
        key = (quantity.condition, named, str(quantity.holds))
        groups.setdefault(key, []).append(short(each.center))
    return [
        f"{f'{condition}, ' if condition else ''}{name} {_TOGETHER.join(values)} (claimed\u00a0{holds})"
        for (condition, name, holds), values in groups.items()
    ]


# Between the numbers of several judges. A line may end after a slash, so that none has to end within a number.
_TOGETHER = "\u00a0/ "


def _gaps(measured: Sequence[Measurement]) -> str:
    """Why numbers are lacking, each reason once."""
    unfit = dict.fromkeys(itertools.chain.from_iterable(each.unfit for each in measured if each.quantity.decides))
    missing = dict.fromkeys(itertools.chain.from_iterable(each.missing for each in measured if each.quantity.decides))
    said = [f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in unfit]
    if not (unfit or missing) and not any(each.values for each in measured if each.quantity.decides):
        missing = {_NO_CELL: None} if measured else {}
    return " ".join([*said, *(f"Not judged: {reason.rstrip('.')}." for reason in missing)])


_NO_CELL = "there is no cell of these pictures for it"


def _n_of(measured: Iterable[Measurement]) -> str:
    known = [each for each in measured if each.values and each.quantity.decides]
    if not known:
        return ""
    return _pairs(min(known, key=lambda each: each.n))


def _pairs(measured: Measurement) -> str:
    text = f"n = {measured.n} pair{'s' if measured.n > 1 else ''}"
    return f"{text} × {measured.seeds} seeds" if measured.seeds > 1 else text


def _number(measured: Measurement, p: float | None) -> Number:
    quantity = measured.quantity
    name = quantity.label
    p = p if quantity.decides else measured.p
    answer = measured.answer(p)
    bounds = str(quantity.holds), str(quantity.against or "")
    if not measured.values:
        return Number(name, "–", "", *bounds, "0", "", "", _SAID[answer], quantity.decides)
    low, high = measured.interval
    interval = f"{short(low)} to {short(high)}" if low == low else ""
    tested = "" if p is None or measured.p is None else f"{p:.2g}"
    effect = "" if measured.effect is None else f"{measured.effect:+.2f}"
    n = f"{measured.n}" if measured.seeds == 1 else f"{measured.n} × {measured.seeds}"
    return Number(name, short(measured.center), interval, *bounds, n, tested, effect, _SAID[answer], quantity.decides)


def _of_ours(measured: Sequence[Measurement]) -> str:
    known = [each for each in measured if each.quantity.decides and each.values]
    if not known:
        return ""
    said = _SAID[_answer(measured, max((each.p for each in known if each.p is not None), default=None))]
    return f"{said}: {'; '.join(_side_by_side(known))}"
