"""What Lisciandrello, Inzerillo and Monti claim of layers, weights, rates and steps, and how our cells answer."""

from __future__ import annotations

import statistics
from functools import partial
from itertools import pairwise

from pipeline.papers import pixels
from pipeline.papers.evidence import NotPlanned, View
from pipeline.papers.finding import Diverged, Finding, Missing, Unfit
from pipeline.papers.fitness import require_changed, require_structure
from pipeline.papers.judging import LooksJudge, ahead_of_all, ahead_of_computed, by_looks, score, works
from pipeline.papers.lisciandrello_studies import NETWORKS, RATES, RATIOS, SETS, cell
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import decades, ratio
from pipeline.papers.statistics import rank_correlation
from pipeline.papers.thresholds import BLURRED, CLEAR, CLOSE, HARDLY_ANY, INVISIBLE, LESS, MORE, SHARP, TREND, VISIBLE


def _set_behind(view: View, judge: LooksJudge) -> float:
    scores = {letter: score(view["resnet50_layers", "resnet50", letter], judge) for letter in SETS}
    return scores["d"] - max(value for letter, value in scores.items() if letter != "d")


def _sets_apart(view: View, judge: LooksJudge) -> float:
    scores = [score(view["resnet50_layers", "resnet50", letter], judge) for letter in SETS if letter != "d"]
    return max(scores) - min(scores)


def _worst_of_good(view: View, judge: LooksJudge) -> float:
    keys = [("resnet50_layers", "resnet50", letter) for letter in SETS if letter != "d"]
    return min(ahead_of_computed(view, key, judge) for key in keys)


def _content_layers(view: View) -> tuple[Finding, Finding]:
    one, other = (view["content_layer", "vgg19", f"block{block}_conv2"] for block in (4, 5))
    require_changed(one)
    return one, other


def _share_of_the_change(view: View) -> float:
    one, other = _content_layers(view)
    changed = pixels.difference(one.picture, one.content)
    return ratio(pixels.difference(one.picture, other.picture), changed)


def _kept_by_weight(view: View) -> float:
    small, large = (view["total_variation", "vgg19", weight] for weight in ("1e-06", "1e-05"))
    return _kept_over(large, small)


def _kept_over(one: Finding, other: Finding) -> float:
    """What one picture keeps of the content's fine structure over what another does.

    Raises:
        Unfit: if one is flat, or the other keeps none.
    """
    require_structure(one, other)
    if other.detail.kept < HARDLY_ANY:
        raise Unfit(f"{other.name} has none of the content's fine structure, of which another could keep more or less")
    return ratio(one.detail.kept, other.detail.kept)


def _not_falling(view: View) -> float:
    """The share of runs whose loss did not fall at some step, or diverged."""
    # VGG19's own run is among the rates.
    runs = [*(view[cell(name)] for name in NETWORKS if name != "vgg19"), *_rates(view)]
    return sum(not _falls(run) for run in runs) / len(runs)


def _falls(run: Finding) -> bool:
    try:
        return all(later.total < one.total for one, later in pairwise(run.trace))
    except Diverged:
        return False


def _rates(view: View, study: str = "rates") -> list[Finding]:
    return [view[study, "vgg19", rate] for rate in RATES]


def _rate_and_loss(view: View) -> float:
    found = _rates(view)
    return rank_correlation([float(rate) for rate in RATES], [each.final.total for each in found])


def _best_rate(found: list[Finding], judge: LooksJudge) -> float:
    return float(min(zip(RATES, found, strict=True), key=lambda pair: score(pair[1], judge))[0])


def _portraits_rate(view: View, judge: LooksJudge) -> float:
    """How many times a portrait's best rate is that of this picture, which is none; the median in decades."""
    portraits = view.evidence.portraits
    if view.sample.content in portraits:
        raise NotPlanned("a portrait is compared with what is none")
    own = _best_rate(_rates(view), judge)
    above = []
    for portrait in portraits:
        try:
            above.append(decades(_best_rate(_rates(view.of(portrait), "portrait_rates"), judge), own))
        except NotPlanned:
            continue
    if not above:
        raise Missing("there is no portrait")
    return statistics.median(above)


def _twice_the_steps(view: View) -> float:
    once, twice = (view["steps", "vgg19", label] for label in ("once", "twice"))
    require_changed(once)
    return pixels.difference(once.picture, twice.picture)


def _smoothed(view: View, name: str, study: str) -> float:
    require_structure(view[cell(name)], view[study, name])
    return ratio(pixels.roughness(view[cell(name)].picture), pixels.roughness(view[study, name].picture))


def _sharpened(view: View) -> float:
    return _kept_over(view[cell("vgg19")], view["no_total_variation", "vgg19"])


_APART = "What is kept of the content's fine structure is counted apart from noise and strokes."
_RATE = "A rate belongs to a size of picture, because gradients grow as pictures shrink."

KNOBS = (
    Claim(
        "It makes no visible difference whether the content is read at block4_conv2 or block5_conv2.",
        "sections 3.1 and 4, figure 10",
        "content",
        quantities=(
            Quantity(
                "Difference of the two pictures, levels of 255 (root mean square)",
                lambda view: pixels.difference(*(each.picture for each in _content_layers(view))),
                at_most(INVISIBLE),
                at_least(VISIBLE),
                null=None,
            ),
            Quantity(
                "The same as a share of what the transfer changed at all",
                _share_of_the_change,
                at_most(0.1),
                at_least(0.5),
                null=None,
            ),
        ),
        note="Both start from the content picture, so that likeness is cheap: hence the second number.",
    ),
    Claim(
        "ResNet50's layer sets all look alike and good but for (d).",
        "section 4, figure 12",
        "layers",
        quantities=(
            *by_looks("Score of (d) above the worst other set", _set_behind, at_least(CLEAR), at_most(-CLEAR)),
            *by_looks("Scores of the others apart", _sets_apart, at_most(CLOSE), at_least(2 * CLOSE), null=None),
            *by_looks(
                "The worst other one ahead of pictures without a transfer",
                _worst_of_good,
                at_least(CLEAR),
                at_most(0.0),
            ),
        ),
        note="The paper lists the same layers for (e) and (g); they are one picture here.",
    ),
    Claim(
        "Without total variation pictures are blurry, and it makes them sharper.",
        "section 3.2",
        "smooth",
        quantities=(
            Quantity(
                "Fine structure of the content kept without total variation (VGG19)",
                lambda view: view["no_total_variation", "vgg19"].detail.kept,
                at_most(BLURRED),
                at_least(SHARP),
                null=None,
            ),
            Quantity(
                "What is kept with it over what is kept without",
                _sharpened,
                at_least(MORE),
                at_most(LESS),
                null=1.0,
            ),
        ),
        note=f"{_APART} Section 3.2.3 has total variation smooth the picture, which is judged too, and section 4 asks "
        "for a very small weight to stay sharp.",
    ),
    Claim(
        "A total variation weight of 1e-6 is sharp, 1e-5 blurs.",
        "section 4, figure 13",
        "smooth",
        quantities=(
            Quantity(
                "What is kept of it with 1e-5 over what is kept with 1e-6",
                _kept_by_weight,
                at_most(SHARP),
                at_least(1.0),
                null=1.0,
            ),
            Quantity(
                "Fine structure of the content kept with 1e-6",
                lambda view: view["total_variation", "vgg19", "1e-06"].detail.kept,
                at_least(BLURRED),
                at_most(0.2),
                null=None,
            ),
        ),
        note=f"{_APART} That 1e-5 blurs is read from the pair of pictures and from the text, which calls the weight "
        "crucial and asks for a very small one.",
    ),
    Claim(
        "A total variation weight of 1e-6 gives the best pictures.",
        "sections 3.3 and 4",
        "smooth",
        quantities=ahead_of_all(
            ("total_variation", "vgg19", "1e-06"),
            (("total_variation", "vgg19", "1e-05"), ("no_total_variation", "vgg19")),
            "1e-6 ahead of the better of 1e-5 and none",
        ),
        note="Up to what a person prefers, they say. Which other weights they tried is not said, but for 1e-5.",
    ),
    Claim(
        "Total variation takes noise away.",
        "section 3.2.3",
        "smooth",
        quantities=tuple(
            Quantity(
                f"{title}'s roughness with it over that without",
                partial(_smoothed, name=name, study=study),
                at_most(LESS),
                at_least(MORE),
                null=1.0,
            )
            for name, title, study in (
                ("vgg19", "VGG19", "no_total_variation"),
                ("resnet50", "ResNet50", "resnet50_no_total_variation"),
            )
        ),
    ),
    Claim(
        "Of all ratios alpha/beta = 1e-4 gives the best pictures.",
        "section 3.2, figure 2",
        "ratio",
        quantities=ahead_of_all(
            ("ratio", "vgg19", "1e-4"),
            (("ratio", "vgg19", each) for each in RATIOS if each != "1e-4"),
            "1e-4 ahead of the best of 1e-5, 1e-3 and 1e-2",
        ),
        differs="Their other ratios are not told, but for 1e-3.",
    ),
    Claim(
        "Max pooling gives satisfying pictures.",
        "section 3.1",
        "pooling",
        quantities=works("With max pooling", cell("vgg19")),
        note="VGG19's picture by their settings, as judged of Gatys' denominator. Average pooling, which they "
        "decided against, is shown beside.",
    ),
    Claim(
        "The loss falls from step to step in nearly every run.",
        "section 4, figures 7 and 9",
        "loss",
        quantities=(
            Quantity(
                "Share of runs in which it did not fall at some step",
                _not_falling,
                at_most(0.15),
                at_least(0.5),
                null=None,
            ),
        ),
        differs=_RATE,
        note="Seven runs: VGG16, ResNet50, and VGG19 at five rates. One may rise. By their descent: L-BFGS takes no "
        "step that raises the loss, and could not test it.",
    ),
    Claim(
        "A higher learning rate ends at a higher loss.",
        "section 4, figure 9",
        "rates",
        quantities=(
            Quantity("Rank correlation of rate and last loss", _rate_and_loss, at_least(TREND), at_most(-TREND)),
        ),
        differs=_RATE,
        note="The paper has it of rates from 10 to more than 300. We read it as: the last loss rises with the rate.",
    ),
    Claim(
        "Portraits need a higher learning rate than landscapes.",
        "sections 3.3 and 4, figure 8",
        "rates",
        quantities=by_looks(
            "Decades of a portrait's best rate above that of a picture which is none",
            _portraits_rate,
            at_least(0.1),
            at_most(-0.1),
        ),
        differs="The best of five rates, by score; their portraits are not ours.",
    ),
    Claim(
        "More than 1000 steps make too little difference to be worth their time.",
        "section 3.3",
        "steps",
        quantities=(
            Quantity(
                "Difference of the pictures after as many and twice as many steps, levels of 255",
                _twice_the_steps,
                at_most(INVISIBLE),
                at_least(VISIBLE),
                null=None,
            ),
            *by_looks(
                "Score gained by as many steps again",
                lambda view, judge: (
                    score(view["steps", "vgg19", "once"], judge) - score(view["steps", "vgg19", "twice"], judge)
                ),
                at_most(CLEAR),
                at_least(CLOSE),
                null=None,
            ),
        ),
        differs="As many steps as the page's scale has stand for 1000.",
    ),
)
