"""Every claim that is tested can be reproduced and contradicted by cells; what is neither, or cannot tell, says so."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore.failures import DIVERGED
from pipeline.papers import PAPERS, Evidence, Sample, xu_patches
from pipeline.papers.judging import LOOKS
from pipeline.papers.verdict import verdicts
from tests.pipeline.papers.invented import (
    BLURRED,
    COARSE,
    FLAT,
    GOOD,
    LESS_BLURRED,
    NOISY,
    POOR,
    SOFT,
    STATIC,
    Changes,
    blocks,
    claim_of,
    evidence_for,
)

RATIOS = ("5e-9", "5e-8", "5e-7", "5e-6")


def outcome(paper: str, words: str, changes: Changes | None = None):
    (found,) = verdicts([claim_of(paper, words)], evidence_for(PAPERS[paper], changes))
    return found


def each(studies, backbone, change):
    return {(study, backbone): change for study in studies}


LOWER_IS_CLEARER = {
    ("comparison", name): {"final": 10.0**place, "style": (0.1, 0.4, 0.7, 0.9)[place]}
    for place, name in enumerate(("inceptionv3", "resnet50", "vgg16", "vgg19"))
}
HIGHER_IS_CLEARER = {key: {**change, "style": 1 - change["style"]} for key, change in LOWER_IS_CLEARER.items()}
VGG = ("comparison", "rescaled")


def with_rescaled(changes):
    """The VGG networks with rescaled filters likewise."""
    return changes | {("rescaled", key[1]): change for key, change in changes.items() if key[1].startswith("vgg")}


ALONE = {("mixing", "vgg19", "VGG19 alone"): {"style": 0.3, "content": 0.3}}
RATES = ("10", "50", "100", "150", "300")


def paces(*seconds):
    names = ("inceptionv3", "resnet50", "vgg16", "vgg19")
    return {("comparison", name): {"pace": pace} for name, pace in zip(names, seconds, strict=True)}


def first_losses(*losses):
    names = ("inceptionv3", "resnet50", "vgg16", "vgg19")
    return {("comparison", name): {"first": loss} for name, loss in zip(names, losses, strict=True)}


def rates(best, study="rates"):
    return {(study, "vgg19", rate): GOOD if rate == best else POOR for rate in RATES}


def layer_sets(d, others):
    return {("resnet50_layers", "resnet50"): others, ("resnet50_layers", "resnet50", "d"): d}


def rows(*pictures):
    return {
        ("layers_by_ratio", "vgg19", name, "1e-9"): {"picture": picture}
        for name, picture in zip("ABCDE", pictures, strict=True)
    }


def of_layers(*pictures):
    return {
        ("content_layers", "vgg19", "5e-8", f"block{block}_conv2"): {"picture": picture}
        for block, picture in zip((5, 4, 3, 2), pictures, strict=True)
    }


# Paper, some words of the claim, cells for which it is reproduced, and those for which the opposite comes out.
BOTH_WAYS = [
    ("gupta2019", "VGG19 gives the best", each(VGG, "vgg19", GOOD), each(VGG, "vgg19", POOR)),
    (
        "gupta2019",
        "do much better than others",
        each(VGG, "vgg16", GOOD) | each(VGG, "vgg19", GOOD),
        each(VGG, "vgg16", POOR) | each(VGG, "vgg19", POOR),
    ),
    ("gupta2019", "not much different", {}, each(VGG, "vgg16", POOR)),
    ("gupta2019", "VGG19 does better", each(VGG, "vgg19", GOOD), each(VGG, "vgg19", POOR)),
    ("gupta2019", "Both VGG networks", {}, each(VGG, "vgg16", POOR) | each(VGG, "vgg19", POOR)),
    (
        "gupta2019",
        "a higher loss goes",
        with_rescaled(HIGHER_IS_CLEARER),
        with_rescaled(LOWER_IS_CLEARER),
    ),
    (
        "gupta2019",
        "pictures get better",
        {("first_round",): POOR, ("first_round_rescaled",): POOR},
        {("first_round",): GOOD, ("first_round_rescaled",): GOOD},
    ),
    ("gupta2019", "ResNet50's pictures are blurred", {("comparison", "resnet50"): {"picture": BLURRED}}, {}),
    (
        "gupta2019",
        "its blur grows",
        {("comparison", "resnet50"): {"picture": BLURRED}},
        {("first_round", "resnet50"): {"picture": LESS_BLURRED}, ("comparison", "resnet50"): {"first": 5.0}},
    ),
    (
        "gupta2019",
        "Twelve layers",
        {("resnet50_layers", "resnet50", "12"): {"final": 5.0}},
        {("resnet50_layers", "resnet50", "12"): {"final": 20.0}},
    ),
    ("gupta2019", "with twelve layers too", {("resnet50_layers", "resnet50", "12"): {"picture": BLURRED}}, {}),
    (
        "gupta2019",
        "does not retain",
        {("comparison", "resnet50"): {"picture": STATIC, "content": 0.9}},
        {("comparison", "vgg19"): {"picture": STATIC, "content": 0.9}},
    ),
    ("gupta2019", "The black picture shows", {("range",): {"picture": FLAT, **POOR}}, {}),
    ("gupta2019", "InceptionV3 fails", {("comparison", "inceptionv3"): POOR}, {}),
    ("gupta2019", "ResNet50 is not suitable", {("comparison", "resnet50"): POOR}, {}),
    (
        "gupta2019",
        "are noisy",
        {("total_variation", "vgg19", "0"): {"picture": NOISY}},
        {("total_variation", "vgg19", "0"): {"picture": BLURRED}},
    ),
    (
        "gupta2019",
        "Total variation smooths",
        {("total_variation", "vgg19", "0.1"): {"picture": BLURRED}},
        {("total_variation", "vgg19", "0.1"): {"picture": NOISY}},
    ),
    ("gupta2019", "Average pooling", {("pooling",): POOR}, {("pooling",): GOOD}),
    (
        "gupta2019",
        "More layers get",
        {("resnet50_layers", "resnet50", "12"): {"style": 0.1, "pace": 1.5}},
        {("resnet50_layers", "resnet50", "12"): {"style": 0.9, "pace": 0.5}},
    ),
    (
        "gupta2019",
        "Low content layers",
        {("content_layer", "vgg19", "block5_conv2"): {"picture": BLURRED}},
        {("content_layer", "vgg19", "block2_conv2"): {"picture": BLURRED}},
    ),
    (
        "gupta2019",
        "come to be alike",
        each(VGG, "vgg16", {"first": 1e8}),
        each(VGG, "vgg16", {"final": 1e4, "rounds": 0.0}),
    ),
    (
        "gupta2019",
        "loss is very low",
        {("comparison", "resnet50"): {"final": 0.1}},
        {("comparison", "resnet50"): {"final": 1e4}},
    ),
    ("gupta2019", "no longer falls", {("comparison",): {"rounds": 0.005}}, {}),
    ("gupta2019", "a bit faster", paces(1, 1, 0.8, 1), paces(1, 1, 1.2, 1)),
    ("gupta2019", "InceptionV3 is the fastest", paces(1, 2, 3, 4), paces(4, 3, 2, 1)),
    (
        "gupta2019",
        "rank the same way",
        with_rescaled(first_losses(1e3, 1e4, 1e5, 1e6)),
        with_rescaled(first_losses(1e6, 1e5, 1e4, 1e3)),
    ),
    (
        "gupta2019",
        "luminance alone",
        {("color", "vgg19", "match-histogram"): {"told": {"colour_content": 0.6}}},
        {("color", "vgg19", "luminance"): {"told": {"colour_content": 0.6}}},
    ),
    (
        "lisciandrello",
        "most pleasing",
        each(("networks", "rescaled"), "vgg19", GOOD),
        each((*VGG[1:], "networks"), "vgg19", POOR),
    ),
    (
        "lisciandrello",
        "VGG19 and VGG16 give satisfying",
        {},
        each(("networks", "rescaled"), "vgg19", POOR) | each(("networks", "rescaled"), "vgg16", POOR),
    ),
    (
        "lisciandrello",
        "decides how much of either",
        {("ratio", "vgg19", "1e-2"): {"content": 0.1, "style": 0.9}},
        {("ratio", "vgg19", "1e-2"): {"content": 0.9, "style": 0.1}},
    ),
    (
        "lisciandrello",
        "fastest by far",
        {("normaliser", "resnet50", "none"): {"pace": 0.3}, ("networks", "vgg16"): {"pace": 0.8}},
        {("normaliser", "resnet50", "none"): {"pace": 3.0}, ("networks", "vgg16"): {"pace": 1.5}},
    ),
    ("lisciandrello", "merely blurs", {("normaliser", "resnet50", "gatys"): {"picture": BLURRED}}, None),
    (
        "lisciandrello",
        "is tiny",
        {("normaliser", "resnet50", "gatys"): {"start": 1e3}},
        {("normaliser", "resnet50", "gatys"): {"start": 1e9}},
    ),
    (
        "lisciandrello",
        "takes the style",
        {("normaliser", "resnet50", "none"): GOOD},
        {("normaliser", "resnet50", "none"): POOR},
    ),
    (
        "lisciandrello",
        "no visible difference",
        {("content_layer",): {"picture": NOISY}},
        {
            ("content_layer", "vgg19", "block4_conv2"): {"picture": NOISY},
            ("content_layer", "vgg19", "block5_conv2"): {"picture": STATIC},
        },
    ),
    (
        "lisciandrello",
        "layer sets",
        layer_sets(POOR, GOOD),
        layer_sets(GOOD, POOR) | {("resnet50_layers", "resnet50", "a"): {"style": 0.6, "content": 0.95}},
    ),
    (
        "lisciandrello",
        "is sharp, 1e-5 blurs",
        {("total_variation", "vgg19", "1e-05"): {"picture": BLURRED}},
        {("total_variation", "vgg19", "1e-06"): {"picture": LESS_BLURRED}},
    ),
    (
        "lisciandrello",
        "makes them sharper",
        {("no_total_variation",): {"picture": LESS_BLURRED}},
        {("networks", "vgg19"): {"picture": LESS_BLURRED}},
    ),
    (
        "lisciandrello",
        "takes noise away",
        {("no_total_variation",): {"picture": NOISY}, ("resnet50_no_total_variation",): {"picture": NOISY}},
        {("networks", "vgg19"): {"picture": NOISY}, ("normaliser", "resnet50", "none"): {"picture": NOISY}},
    ),
    (
        "lisciandrello",
        "1e-6 gives the best",
        {("total_variation", "vgg19", "1e-06"): GOOD},
        {("total_variation", "vgg19", "1e-06"): POOR},
    ),
    ("lisciandrello", "Of all ratios", {("ratio", "vgg19", "1e-4"): GOOD}, {("ratio", "vgg19", "1e-3"): GOOD}),
    ("lisciandrello", "Max pooling gives", {}, {("networks", "vgg19"): POOR}),
    (
        "lisciandrello",
        "falls from step to step",
        {},
        {(study,): {"rises": 1} for study in ("networks", "normaliser", "rates")},
    ),
    (
        "lisciandrello",
        "ends at a higher loss",
        {("rates", "vgg19", rate): {"final": float(rate)} for rate in RATES},
        {("rates", "vgg19", rate): {"final": 1 / float(rate)} for rate in RATES},
    ),
    (
        "lisciandrello",
        "Portraits need",
        rates("50") | rates("300", "portrait_rates"),
        rates("300") | rates("50", "portrait_rates"),
    ),
    (
        "lisciandrello",
        "More than 1000",
        {("steps",): {"picture": NOISY}},
        {("steps",): {"picture": NOISY}, ("steps", "vgg19", "twice"): {"picture": STATIC, **GOOD}},
    ),
    (
        "xu2016",
        "the more the picture is like",
        {("ratios", "vgg19", "5e-6"): {"content": 0.1}},
        {("ratios", "vgg19", "5e-6"): {"content": 0.5}},
    ),
    (
        "xu2016",
        "more it is like the artwork",
        {("ratios", "vgg19", "5e-6"): {"style": 0.9}},
        {("ratios", "vgg19", "5e-6"): {"style": 0.1}},
    ),
    (
        "xu2016",
        "Structures grow",
        rows(*map(blocks, (2, 4, 6, 12, 24))),
        rows(*map(blocks, (24, 12, 6, 4, 2))),
    ),
    (
        "xu2016",
        "Lower content layers",
        of_layers(STATIC, NOISY, BLURRED, SOFT),
        of_layers(SOFT, BLURRED, NOISY, STATIC),
    ),
    (
        "xu2016",
        "ahead of first-order",
        {("rmsprop",): {"final": 1e3}},
        {("rmsprop",): {"pace": 0.5}},
    ),
    ("xu2016", "model the style more accurately", {("mrf",): GOOD}, {("mrf",): POOR}),
    ("xu2016", "ten times as long", {("mrf",): {"pace": 9.0}}, {("mrf",): {"pace": 0.9}}),
    (
        "xu2016",
        "With patches too",
        {("mrf_ratios", "vgg19", "4"): {"content": 0.9}, ("mrf_ratios", "vgg19", "20"): {"style": 0.9}},
        {("mrf_ratios", "vgg19", "20"): {"content": 0.9}, ("mrf_ratios", "vgg19", "4"): {"style": 0.9}},
    ),
    ("xu2016", "In general the second", {("mrf",): GOOD}, {("mrf",): POOR}),
    (
        "bordag",
        "choice of alpha",
        {("alphas", "vgg19", "1e-2"): {"content": 0.1, "style": 0.9}},
        {("alphas", "vgg19", "1e-2"): {"content": 0.9, "style": 0.1}},
    ),
    ("bordag", "as one network sees it", {("mixing",): GOOD} | ALONE, {("mixing",): POOR} | ALONE),
    ("khan", "Rescaling the filters", {}, {("computed", "rescaling"): {"deviation": 0.5}}),
    ("khan", "Average pooling gives slightly", {("pooling",): POOR}, {("pooling",): GOOD}),
    ("khan", "like neither content nor style", {("layers",): POOR}, {}),
    ("khan", "With all layers", {("layers",): POOR}, {("layers",): GOOD}),
    (
        "khan",
        "taken out of its Variable",
        {("detached",): {"style": 1.0, "content": 0.1, "final": 100.0}},
        {("detached",): {"style": 0.3, "content": 0.95, "picture": STATIC, "final": 5.0, "start": 8.0}},
    ),
    ("khan", "less than a second", {("nearest",): {"pace": 1e-3}}, {}),
    ("khan", "much faster than optimisation", {("nearest",): {"pace": 1e-3}}, {("nearest",): {"pace": 50.0}}),
    ("khan", "as convincing as", {}, None),
    ("khan", "values of the losses", {}, None),
    ("khan", "much longer than", {}, {("nearest",): {"network": {"seconds": 1.0}}}),
    ("khan", "Stopping the training", {("stopped",): POOR}, {("stopped",): GOOD}),
]


@pytest.mark.parametrize(
    ("paper", "words", "favorable", "adverse"), BOTH_WAYS, ids=[f"{one[0]}: {one[1]}" for one in BOTH_WAYS]
)
def test_a_claim_is_reproduced_by_some_cells_and_contradicted_by_others(paper, words, favorable, adverse):
    assert outcome(paper, words, favorable).outcome == "reproduced"
    if adverse is not None:
        assert outcome(paper, words, adverse).outcome == "opposite"


def test_no_tested_claim_is_left_out_of_that_list():
    covered = {(paper, claim_of(paper, words).text) for paper, words, *_ in BOTH_WAYS}
    known = {(key, claim.text) for key, paper in PAPERS.items() for claim in paper.claims if claim.kind == "tested"}
    assert covered == known


def test_patches_hold_more_than_gram_matrices_by_the_engines_own_reckoning():
    """At the size of a page's pictures; of very small ones a Gram matrix is larger, which the claim would tell."""
    (quantity,) = claim_of("xu2016", "much more memory").quantities
    assert quantity.holds.met(xu_patches._held((107, 160)))
    assert not quantity.holds.met(xu_patches._held((48, 72)))
    assert outcome("xu2016", "much more memory").outcome == "not testable"


def test_patches_outgrow_gram_matrices_with_the_picture():
    """Four times the places, as many channels."""
    found = outcome("xu2016", "The larger the picture, the more memory")
    assert (found.outcome, found.numbers[0].says) == ("not testable", "as claimed")
    assert float(found.number) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_what_is_not_tested_says_why_and_measures_a_stand_in_or_names_the_place(paper):
    judged = verdicts(paper.claims, evidence_for(paper))
    for claim, verdict in zip(paper.claims, judged, strict=True):
        if claim.kind == "tested":
            continue
        assert verdict.outcome == claim.kind
        assert claim.reason in verdict.evidence
        assert claim.kind == "self-contradictory" or verdict.numbers
        assert claim.kind == "self-contradictory" or "stand" in claim.reason


# --- What passed before and may not. ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paper", "words", "key"),
    [
        ("gupta2019", "ResNet50's pictures are blurred", ("comparison", "resnet50")),
        ("gupta2019", "with twelve layers too", ("resnet50_layers", "resnet50", "12")),
        ("gupta2019", "Total variation smooths", ("total_variation", "vgg19", "0.1")),
        ("lisciandrello", "merely blurs", ("normaliser", "resnet50", "gatys")),
        ("lisciandrello", "takes noise away", ("networks", "vgg19")),
        ("lisciandrello", "makes them sharper", ("no_total_variation", "vgg19")),
        ("lisciandrello", "is sharp, 1e-5 blurs", ("total_variation", "vgg19", "1e-05")),
        ("bordag", "local differences", ("smoothing", "vgg19")),
        ("gupta2019", "its blur grows", ("comparison", "resnet50")),
        ("gupta2019", "does not retain the structure", ("comparison", "resnet50")),
        ("gupta2019", "Low content layers", ("content_layer", "vgg19", "block5_conv2")),
        ("xu2016", "Lower content layers", ("content_layers", "vgg19", "5e-8", "block2_conv2")),
        ("xu2016", "Structures grow", ("layers_by_ratio", "vgg19", "E", "1e-9")),
    ],
)
def test_a_flat_gray_picture_is_never_blurred_nor_smoothed_nor_retains_anything(paper, words, key):
    found = outcome(paper, words, {key: {"picture": FLAT}})
    assert found.outcome == "not testable"
    assert "Flat, with nothing of either picture" in found.evidence


def test_a_sharp_picture_after_noise_is_no_blur_and_noise_has_nothing_to_blur():
    """The fine structure falls from noise to the content's own; and of noise nothing is the content's."""
    from_noise = {("first_round", "resnet50"): {"picture": NOISY}}
    assert outcome("gupta2019", "its blur grows", from_noise).outcome == "not reproduced"
    static = {("first_round", "resnet50"): {"picture": STATIC}}
    assert outcome("gupta2019", "its blur grows", static).outcome == "not testable"


def test_total_variation_that_takes_noise_away_neither_blurs_nor_sharpens():
    """A noisy picture has more fine structure, of which none is the content's."""
    for noisy in ("no_total_variation", "networks"):
        found = outcome("lisciandrello", "makes them sharper", {(noisy, "vgg19"): {"picture": NOISY}})
        assert found.outcome == "not reproduced"
    noisy = {("total_variation", "vgg19", "1e-06"): {"picture": NOISY}}
    assert outcome("lisciandrello", "is sharp, 1e-5 blurs", noisy).outcome == "not reproduced"


def test_what_is_left_of_noise_is_no_small_structure():
    found = outcome("xu2016", "Structures grow", rows(STATIC, *map(blocks, (4, 6, 12, 24))))
    assert found.outcome == "not testable"
    assert "Noise" in found.evidence


def test_a_rough_style_makes_no_noisy_picture():
    """The picture is rougher than the content, and as rough as the style."""
    changes = {("total_variation", "vgg19", "0"): {"picture": NOISY, "style_picture": NOISY}}
    assert outcome("gupta2019", "are noisy", changes).outcome != "reproduced"


@pytest.mark.parametrize(
    ("paper", "words", "keys"),
    [
        ("gupta2019", "not much different", [(study, name) for study in VGG for name in ("vgg16", "vgg19")]),
        ("khan", "as convincing as", [("nearest",), ("method",)]),
    ],
)
def test_two_pictures_that_are_no_transfers_are_not_alike(paper, words, keys):
    for nothing in ({"style": 1.0, "content": 0.0}, {"style": 1.1, "content": 1.1}):
        found = outcome(paper, words, dict.fromkeys(keys, nothing))
        assert found.outcome == "not testable"
        assert "gained no more of the style than they lost of the content" in found.evidence


def test_pictures_that_the_transfer_left_as_they_were_do_not_show_that_further_steps_change_nothing():
    assert outcome("lisciandrello", "More than 1000").outcome == "not testable"  # made of nothing but the content
    assert outcome("lisciandrello", "no visible difference").outcome == "not testable"
    untouched = {("networks", "vgg19"): {"style": 1.0, "content": 0.0}}
    assert outcome("lisciandrello", "Max pooling gives", untouched).outcome != "reproduced"


def test_a_loss_that_stands_still_does_not_fall():
    still = {"start": 10.0, "first": 10.0, "final": 10.0, "rounds": 0.0}
    found = outcome(
        "lisciandrello", "falls from step to step", dict.fromkeys([("networks",), ("normaliser",), ("rates",)], still)
    )
    assert found.outcome == "opposite"


def test_the_loss_of_one_run_of_seven_may_rise_and_those_of_two_may_not():
    one = {("rates", "vgg19", "300"): {"rises": 1}}
    assert outcome("lisciandrello", "falls from step to step", one).outcome == "reproduced"
    two = one | {("rates", "vgg19", "150"): {"rises": 1}}
    assert outcome("lisciandrello", "falls from step to step", two).outcome == "not reproduced"


def test_a_run_that_diverges_is_one_whose_loss_does_not_fall():
    failed = {"status": "failed", "reason": "the style loss became inf", "nature": DIVERGED.name}
    one, several = ({("rates", "vgg19", rate): failed for rate in rates} for rates in (RATES[-1:], RATES[1:]))
    assert outcome("lisciandrello", "falls from step to step", one).outcome == "reproduced"
    assert outcome("lisciandrello", "falls from step to step", several).outcome == "opposite"


def test_patches_have_to_trade_both_content_and_style():
    content, style = {("mrf_ratios", "vgg19", "4"): {"content": 0.9}}, {("mrf_ratios", "vgg19", "20"): {"style": 0.9}}
    for one in (content, style):
        assert outcome("xu2016", "With patches too", one).outcome == "not reproduced"


def test_curves_that_end_decades_apart_are_not_alike():
    apart = each(VGG, "vgg16", {"first": 1e12, "final": 1e6})
    assert outcome("gupta2019", "come to be alike", apart).outcome != "reproduced"


def test_one_flat_vgg_network_does_not_make_the_others_better():
    changes = each(VGG, "vgg16", POOR) | each(VGG, "vgg19", GOOD)
    assert outcome("gupta2019", "do much better than others", changes).outcome == "not reproduced"


def test_networks_that_lose_the_structure_alike_do_not_tell_resnet50_apart():
    changes = {("comparison",): {"picture": STATIC}, ("rescaled", "vgg16"): {"picture": STATIC}}
    assert outcome("gupta2019", "does not retain", changes).outcome == "not reproduced"


def test_noise_is_no_picture_that_suits_the_weights():
    """It is not flat, and no transfer either."""
    changes = {("range",): {"picture": STATIC, **POOR}}
    assert outcome("gupta2019", "The black picture shows", changes).outcome == "not reproduced"


def test_noise_is_no_sharpness_and_an_unlike_picture_no_blur():
    noisy = {
        ("total_variation", "vgg19", "1e-06"): {"picture": STATIC},
        ("total_variation", "vgg19", "1e-05"): {"picture": BLURRED},
    }
    assert outcome("lisciandrello", "is sharp, 1e-5 blurs", noisy).outcome == "not testable"
    found = outcome("gupta2019", "ResNet50's pictures are blurred", {("comparison", "resnet50"): {"picture": COARSE}})
    assert found.outcome == "not testable"
    assert "correlates with the content" in found.evidence


def test_a_cross_fade_never_passes_for_a_transfer():
    """Nor does what lies between two of those that were computed, nor the content in the style's colours."""

    def said(style, content, others=()):
        changes = {("content_layers",): {"style": style, "content": content}} | dict(others)
        numbers = outcome("bordag", "near the content picture", changes).numbers
        return {line.says for line in numbers if line.decides}

    for share in (0.0, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0):
        assert said(1 - share, share + 1e-9) == {"the opposite"}
    assert said(0.8, 0.2) != {"as claimed"}
    # Half of it faded into the content, which is better in one of the two than the whole and than a fade as strong.
    recoloured = {("computed", "recoloured"): {judge.style: 0.4 for judge in LOOKS}}
    assert said(0.7, 0.1, recoloured) != {"as claimed"}
    assert said(0.5, 0.47) == {"neither"}
    assert said(0.3, 0.3) == {"as claimed"}


def test_two_files_of_weights_that_disagree_make_a_claim_not_testable():
    found = outcome("gupta2019", "VGG19 does better", {("comparison", "vgg19"): GOOD, ("rescaled", "vgg19"): POOR})
    assert found.outcome == "not testable"
    assert "File as it is: as claimed; filters rescaled: the opposite" in found.evidence
    flat = {("comparison", "vgg16"): {"picture": FLAT}}
    found = outcome("gupta2019", "not much different", flat)
    assert found.outcome == "not testable"  # the rescaled ones alone are not the paper's
    assert "File as it is: cannot say; filters rescaled: as claimed" in found.evidence


def test_judges_that_disagree_reproduce_nothing():
    (network,) = [each.style for each in LOOKS if each.title.startswith("MobileNetV2")]
    changes = {("mrf",): {**GOOD, "told": {network: 0.9, "content_mobilenet_v2": 0.9}}}
    assert outcome("xu2016", "In general the second", changes).outcome == "not reproduced"
    # VGG19 sees what it was optimised by: it is shown, and decides nothing.
    changes = {("mrf",): {**GOOD, "told": {"style_vgg19": 2.0}}}
    found = outcome("xu2016", "In general the second", changes)
    assert found.outcome == "reproduced"
    assert [line.says for line in found.numbers if not line.decides] == ["the opposite"]


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_our_settings_never_rescue_a_verdict(paper):
    """Whatever the cells of ours are, verdicts stay."""
    ours = {("balanced", "vgg19"): GOOD, ("our_ratios", "vgg19", "10"): POOR}
    ours = {key: change for key, change in ours.items() if key[0] in paper.studies}
    if not ours:
        pytest.skip("no settings of ours")
    stand_ins = [claim.kind == "not testable" for claim in paper.claims]
    plain, better = (verdicts(paper.claims, evidence_for(paper, changes)) for changes in (None, ours))
    for one, other, stands_in in zip(plain, better, stand_ins, strict=True):
        assert one.outcome == other.outcome
        assert stands_in or one.numbers == other.numbers
    assert any(one.ours != other.ours for one, other in zip(plain, better, strict=True))


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_without_cells_nothing_is_judged_and_a_failure_is_named(paper):
    empty = verdicts(paper.claims, Evidence({}, (Sample("china", "brushwork"),)))
    failed = {(name,): {"status": "failed", "reason": "out of <memory>"} for name in paper.studies}
    named = verdicts(paper.claims, evidence_for(paper, failed))
    for claim, nothing, failure in zip(paper.claims, empty, named, strict=True):
        if claim.kind != "tested":
            continue
        assert nothing.outcome == "not judged"
        assert "Not judged: " in nothing.evidence
        if "Rescaling the filters" not in claim.text:
            assert failure.outcome == "not judged"
            assert "out of <memory>" in failure.evidence


def test_a_flat_picture_of_a_network_has_no_loss_that_compares_and_one_that_was_stopped_is_weaker():
    for words in ("as convincing as", "values of the losses", "Stopping the training"):
        assert outcome("khan", words, {("nearest",): {"picture": FLAT}}).outcome == "not testable"
    assert outcome("khan", "Stopping the training", {("stopped",): {"picture": FLAT, **POOR}}).outcome == "reproduced"


def test_a_grid_of_transposed_convolutions_is_told_from_none():
    """Every second column brighter by 20 levels. Of period 4, which decides nothing, the picture is too small."""
    grid = np.clip(SOFT + 20.0 * (np.arange(SOFT.shape[1]) % 2)[None, :, None], 0, 255).astype(np.uint8)
    found = outcome("khan", "transposed convolutions", {("transposed",): {"picture": grid}})
    assert [line.says for line in found.numbers] == ["as claimed", "cannot say"]
    assert "What was measured says as claimed" in found.evidence
    assert [line.says for line in outcome("khan", "transposed convolutions").numbers] == ["neither", "cannot say"]


def test_what_a_training_takes_is_reckoned_by_its_steps():
    """40,000 of half a second each."""
    (hours,) = outcome("khan", "a few hours").numbers
    assert float(hours.value) == pytest.approx(40_000 * 0.5 / 3600, rel=5e-3)
    (cost,) = outcome("khan", "limited to the styles", {("nearest",): {"network": {"seconds": 800.0}}}).numbers
    assert float(cost.value) == pytest.approx(800 / 200)
