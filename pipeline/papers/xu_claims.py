"""What Xu, Shi and Pei 2016 claim, and how our cells answer."""

from __future__ import annotations

from itertools import pairwise

from pipeline.papers import pixels
from pipeline.papers.evidence import Evidence, Finding
from pipeline.papers.judging import JUDGES, by_both, content_lost, style_left
from pipeline.papers.paper import Claim, Verdict
from pipeline.papers.xu_studies import (
    CONTENT_LAYERS,
    LAYER_RATIO,
    OUR_LAYER_RATIO,
    OUR_RATIOS,
    PAIR_RATIOS,
    SETS,
    TABLE_RATIOS,
)

# A change of a relative distance, or of a correlation, that counts as a trade-off at all.
_NOTICEABLE = 0.1
# Levels of 255 that noise alone may make.
_TIE = 2.0


def _steps_down(values: list[float]) -> bool:
    """Whether levels fall from step to step, but for ties."""
    return all(later <= one + _TIE for one, later in pairwise(values))


def _trade_off(found: list[Finding]) -> tuple[bool, str, float]:
    """Whether content is lost less and style more as alpha/beta grows; a text with the numbers; the gain of content."""
    first, last = found[0], found[-1]
    gains = [a - b for a, b in zip(content_lost(first), content_lost(last), strict=True)]
    losses = [b - a for a, b in zip(style_left(first), style_left(last), strict=True)]
    text = (
        f"content lost {by_both(content_lost(first))} → {by_both(content_lost(last))}, "
        f"style left {by_both(style_left(first))} → {by_both(style_left(last))}"
    )
    return min(gains) > _NOTICEABLE and min(losses) > 0, text, min(gains)


def _ratio(evidence: Evidence) -> Verdict:
    theirs = [evidence["ratios", "vgg19", ratio] for ratio in PAIR_RATIOS]
    ours = [evidence["our_ratios", "vgg19", "E", ratio] for ratio in OUR_RATIOS]
    lowest = [evidence["layers_by_ratio", "vgg19", "A", ratio] for ratio in TABLE_RATIOS]
    (there, said, gain), (here, ours_said, our_gain) = _trade_off(theirs), _trade_off(ours)
    sentence = (
        f"Relative distances {JUDGES}. With all five style layers, {PAIR_RATIOS[0]} to {PAIR_RATIOS[-1]}: {said}. "
        f"From {OUR_RATIOS[0]} to {OUR_RATIOS[-1]}: {ours_said}. "
        f"With conv1_1 alone, {TABLE_RATIOS[0]} to {TABLE_RATIOS[-1]}: {_trade_off(lowest)[1]}. "
    )
    if there:
        return Verdict("reproduced", sentence, f"{gain:.2f} less content lost")
    sentence += (
        "Their numbers are for Gatys' rescaled VGG19, whose mean activation is 1; with larger activations the style "
        "term grows with their fourth power and the content term with their square, so the same trade-off lies at "
        "larger ratios."
    )
    return Verdict("reproduced" if here else "not reproduced", sentence, f"{our_gain:.2f} less content lost, at ours")


def _layers(evidence: Evidence) -> Verdict:
    ratio = TABLE_RATIOS[0]
    found = [evidence["layers_by_ratio", "vgg19", name, ratio] for name in SETS]
    lefts = [style_left(each) for each in found]
    said = "; ".join(f"{name} {by_both(each)}" for name, each in zip(SETS, lefts, strict=True))
    first, last = lefts[0], lefts[-1]
    more = all(b < a - _NOTICEABLE for a, b in zip(first, last, strict=True))
    return Verdict(
        "reproduced" if more else "not reproduced",
        f"Style left {JUDGES} at {ratio}, from conv1_1 alone (A) to all five (E): {said}. That "
        "structures grow is to be seen in the figure.",
        f"{first[1]:.2f} → {last[1]:.2f}",
    )


def _content_layers(evidence: Evidence) -> Verdict:
    sentences, kept = [], {}
    for ratio in (LAYER_RATIO, OUR_LAYER_RATIO):
        found = [evidence["content_layers", "vgg19", ratio, layer] for layer in CONTENT_LAYERS]
        away = [pixels.difference(each.picture, each.content) for each in found]
        kept[ratio] = away
        said = ", ".join(f"{layer} {levels:.0f}" for layer, levels in zip(CONTENT_LAYERS, away, strict=True))
        sentences.append(f"At {ratio}: {said}.")
    holds = {ratio: _steps_down(away) and away[0] - away[-1] > 5 for ratio, away in kept.items()}
    outcome = any(holds.values())
    where = " and ".join(ratio for ratio, held in holds.items() if held) or "neither"
    return Verdict(
        "reproduced" if outcome else "not reproduced",
        "Levels (root mean square, of 255) from the content picture, by content layer. "
        + " ".join(sentences)
        + f" Falling with each lower layer (but for ties within {_TIE:.0f} levels), by more than 5 in all: {where}.",
        f"{kept[OUR_LAYER_RATIO][0]:.0f} → {kept[OUR_LAYER_RATIO][-1]:.0f} levels",
    )


def _optimizers(evidence: Evidence) -> Verdict:
    found = evidence["ratios", "vgg19", PAIR_RATIOS[0]]
    return Verdict(
        "open",
        f"RMSprop does not exist here yet. L-BFGS takes {found.final.seconds:.0f} s for {found.final.iteration} "
        "iterations at this scale.",
    )


def _mrf(evidence: Evidence) -> Verdict:
    return Verdict("open", "The loss of patches (CNNMRF) does not exist here yet.")


CLAIMS = (
    Claim(
        "The larger alpha/beta, the more the picture resembles the photograph.", "figures 10 and 12", "ratios", _ratio
    ),
    Claim(
        "More style layers, up to conv5_1, match more of the style, in larger and more complex structures.",
        "figure 10",
        "layers",
        _layers,
    ),
    Claim(
        "Lower content layers keep the pixels, higher ones the arrangement.", "figure 13", "content", _content_layers
    ),
    Claim("L-BFGS takes a fifth of the time of RMSprop.", "table I", "times", _optimizers),
    Claim("The patch loss takes ten times longer than Gram matrices.", "table II", "mrf", _mrf),
    Claim(
        "The patch loss is better for photographs, Gram matrices for other structure.", "figures 15 to 21", "mrf", _mrf
    ),
)
