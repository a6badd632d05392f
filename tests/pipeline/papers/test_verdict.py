"""From numbers of pairs to verdicts: observations, tests, their correction, and seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.papers import Evidence, Finding, Sample
from pipeline.papers.finding import Missing, Unfit
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import FEWEST_FOR_A_TEST, Quantity, at_least, at_most, measure
from pipeline.papers.verdict import verdicts
from pipeline.report.cell import ReportCell

CONTENTS, STYLES = [f"c{n}" for n in range(6)], [f"s{n}" for n in range(5)]
THIRTY = tuple(Sample(content, style) for content in CONTENTS for style in STYLES)


def evidence(samples=THIRTY):
    return Evidence({}, tuple(samples))


def gain(value, **others):
    """Claimed to be 0.1 and more, by a function of the sample."""
    return Quantity("Gain", lambda view: value(view.sample), at_least(0.1), at_most(-0.1), **others)


def judged(*quantities, samples=THIRTY, claims=()):
    first, *_ = verdicts([Claim("It is so.", "section 1", quantities=quantities), *claims], evidence(samples))
    return first


def noise(seed, center, spread=0.3):
    random = np.random.default_rng(seed)
    drawn = {sample: center + random.normal(0, spread) for sample in THIRTY}
    return lambda sample: drawn[sample]


def test_one_pair_is_an_observation_and_says_so():
    found = judged(gain(lambda sample: 0.2), samples=THIRTY[:1])
    assert (found.outcome, found.n) == ("reproduced", "n = 1 pair")
    assert found.evidence == "Seen on one pair: gain 0.2 (claimed\u00a0≥\u00a00.1)."
    assert (found.numbers[0].p, found.numbers[0].interval, found.numbers[0].effect) == ("", "", "")


def test_quantities_that_begin_with_a_name_keep_it_in_a_sentence():
    first, second = (Quantity(name, lambda view: 0.2, at_least(0.1)) for name in ("ResNet50's gain", "Gain of all"))
    evidence = judged(first, second, samples=THIRTY[:1]).evidence
    assert "ResNet50's gain 0.2" in evidence
    assert "gain of all 0.2" in evidence


@pytest.mark.parametrize(
    ("center", "spread", "expected"),
    [(0.4, 0.1, "reproduced"), (-0.4, 0.1, "opposite"), (0.05, 0.02, "not reproduced"), (0.0, 0.1, "not reproduced")],
)
def test_thirty_pairs_are_tested(center, spread, expected):
    found = judged(gain(noise(1, center, spread)))
    assert found.outcome == expected
    assert found.n == "n = 30 pairs"
    assert "Over 30 pairs" in found.evidence
    assert found.numbers[0].p


def test_a_median_beyond_the_threshold_does_not_do_where_one_content_alone_makes_it():
    """Half of the contents gain, half lose: the interval over contents reaches beyond nothing."""
    found = judged(gain(lambda sample: 0.5 if int(sample.content[1]) % 2 or sample.style == "s0" else -0.5))
    assert found.outcome == "not reproduced"


def test_p_values_are_corrected_for_the_number_of_claims():
    """Ten pairs that all gain have p = 0.002: enough alone, and no longer among forty claims."""
    ten = THIRTY[:FEWEST_FOR_A_TEST]
    small = gain(lambda sample: 0.2 + int(sample.style[1]) / 100)
    other = Claim("Another.", "section 2", quantities=(gain(noise(3, 0.0)),))
    assert judged(small, samples=ten).outcome == "reproduced"
    assert judged(small, samples=ten, claims=[other] * 40).outcome == "not reproduced"


def test_what_stands_in_is_tested_alone_and_corrects_no_claim():
    ten = THIRTY[:FEWEST_FOR_A_TEST]
    small = gain(lambda sample: 0.2 + int(sample.style[1]) / 100)
    aside = Claim("Another.", "section 2", quantities=(small,), kind="not testable", reason="Ours stands in.")
    found, *others = verdicts([Claim("It is so.", "section 1", quantities=(small,)), *[aside] * 40], evidence(ten))
    assert found.outcome == "reproduced"
    for other in others:
        assert other.outcome == "not testable"
        assert other.evidence.startswith("Ours stands in. What was measured says as claimed.")
        assert (other.numbers[0].says, other.numbers[0].p) == ("as claimed", found.numbers[0].p)


def test_no_difference_is_claimed_by_an_interval_within_the_bound():
    near = Quantity("Apart", lambda view: 0.02, at_most(0.1), at_least(0.3), null=None)
    assert judged(near).outcome == "reproduced"
    wide = Quantity(
        "Apart", lambda view: 0.02 if int(view.sample.content[1]) > 2 else 0.5, at_most(0.1), at_least(0.3), null=None
    )
    assert judged(wide).outcome == "not reproduced"


SEEDS = [Sample(content, "s0", seed) for content in ("c0", "c1") for seed in range(3)]


def test_seeds_are_replicates_and_no_pairs():
    def from_noise(sample):
        seed = (("seed", str(sample.seed)),)
        return Finding(("a", "vgg19"), ReportCell(sample.content, "s0", "vgg19", "done", {}, variant=seed))

    found = Evidence({(sample, ("a", "vgg19")): from_noise(sample) for sample in SEEDS})
    values = (0.0, 0.2, 9.0)
    of_seeds = Quantity("Gain", lambda view: values[int(view["a", "vgg19"].cell.variant[0][1])], at_least(0.1))
    (verdict,) = verdicts([Claim("It is so.", "section 1", quantities=(of_seeds,))], found)
    assert verdict.n == "n = 2 pairs × 3 seeds"
    assert verdict.numbers[0].value == "0.2"


def test_what_starts_from_no_noise_counts_once_beside_seeds_of_others():
    cells = (ReportCell(content, "s0", "vgg19", "done", {}) for content in ("c0", "c1"))
    findings = {(Sample(cell.content, "s0"), ("a", "vgg19")): Finding(("a", "vgg19"), cell) for cell in cells}
    of_cells = Quantity("Gain", lambda view: 0.2 if view["a", "vgg19"].done else 0.0, at_least(0.1))
    of_no_cell = gain(lambda sample: 0.2)
    for quantity in (of_cells, of_no_cell):
        claims = [Claim("It is so.", "section 1", quantities=(quantity,))]
        (verdict,) = verdicts(claims, Evidence(findings, tuple(SEEDS)))
        assert verdict.n == "n = 2 pairs"


def failing(error, for_pairs):
    def value(sample):
        if sample in for_pairs:
            raise error
        return 0.2

    return gain(value)


def test_cells_that_cannot_tell_cost_their_pairs_and_most_of_them_the_verdict():
    few, most = THIRTY[:3], THIRTY[:20]
    assert judged(failing(Unfit("flat"), few)).outcome == "reproduced"
    assert judged(failing(Unfit("flat"), few)).n == "n = 27 pairs"
    found = judged(failing(Unfit("flat"), most))
    assert found.outcome == "not testable"
    assert "Flat." in found.evidence


def test_what_is_missing_is_not_judged_unless_other_pairs_have_it():
    assert judged(failing(Missing("VGG19 failed"), THIRTY)).outcome == "not judged"
    found = judged(failing(Missing("VGG19 failed"), THIRTY[:2]))
    assert found.outcome == "reproduced"
    assert "Not judged: VGG19 failed." in found.evidence


def test_all_that_decide_have_to_agree():
    up, down = gain(lambda sample: 0.2), gain(lambda sample: -0.2)
    one = THIRTY[:1]
    assert judged(up, down, samples=one).outcome == "not reproduced"
    assert judged(up, gain(lambda sample: -0.2, decides=False), samples=one).outcome == "reproduced"


def test_a_claim_without_what_judges_it_cannot_be_built():
    with pytest.raises(ValueError, match="needs a quantity"):
        Claim("It is so.", "section 1")
    with pytest.raises(ValueError, match="reason"):
        Claim("It is so.", "section 1", kind="not testable")


def test_a_measurement_keeps_the_pairs_it_is_of():
    measured = measure(gain(lambda sample: 0.1), evidence(THIRTY[:2]))
    assert list(measured.values) == [THIRTY[0].pair, THIRTY[1].pair]
    assert measured.p is None


def test_a_verdict_names_the_weights_that_its_numbers_rest_on():
    cell = ReportCell("c0", "s0", "vgg16", "done", {"weights": {"source": "a package", "note": "8 bits"}})
    unused = replace(cell, backbone="resnet50")
    sample = Sample("c0", "s0")
    findings = {(sample, ("a", each.backbone)): Finding(("a", each.backbone), each) for each in (cell, unused)}
    quantity = Quantity("One", lambda view: float(len(view["a", "vgg16"].name)), at_least(1.0))
    (found,) = verdicts([Claim("It is so.", "here", quantities=(quantity,))], Evidence(findings, (sample,)))
    assert found.weights == ("VGG16: a package; 8 bits",)
