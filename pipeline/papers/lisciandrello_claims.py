"""What Lisciandrello, Inzerillo and Monti claim, and how our cells answer."""

from __future__ import annotations

from itertools import pairwise

from pipeline.papers import pixels
from pipeline.papers.evidence import Evidence
from pipeline.papers.judging import (
    BLURRED,
    JUDGES,
    SCORES,
    best_by_both,
    by_both,
    order,
    scores,
    short,
    style_left,
    weights_of,
)
from pipeline.papers.paper import Claim, Verdict

NETWORKS = ("vgg19", "vgg16", "resnet50")
SETS = ("a", "b", "c", "d", "e", "f", "g")
_THEIR_SECONDS = {"vgg19": 854, "vgg16": 714, "resnet50": 269}
# Of 255 levels: what two pictures side by side do not show.
_INVISIBLE = 10.0


def _vgg19_is_best(evidence: Evidence) -> Verdict:
    found = [evidence["networks", name] for name in NETWORKS]
    best = best_by_both(found)
    said = "; ".join(f"{each.name} {by_both(scores(each))}" for each in found)
    return Verdict(
        "reproduced" if [each.cell.backbone for each in best] == ["vgg19"] else "not reproduced",
        f"They judged by eye. {SCORES}: {said}. The style loss begins at "
        + ", ".join(f"{short(each.trace[0].style)} ({each.name})" for each in found)
        + f".{weights_of(*(each for each in found if each not in best))}",
        f"best: {' and '.join(each.name for each in best)}",
    )


def _times(evidence: Evidence) -> Verdict:
    found = sorted((evidence["networks", name] for name in NETWORKS), key=lambda each: each.seconds_an_evaluation)
    same = [each.cell.backbone for each in found] == ["resnet50", "vgg16", "vgg19"]
    slowest = evidence["networks", "vgg19"].seconds_an_evaluation
    ratios = ", ".join(
        f"{each.name} {each.seconds_an_evaluation / slowest:.2f} "
        f"(theirs {_THEIR_SECONDS[each.cell.backbone] / _THEIR_SECONDS['vgg19']:.2f})"
        for each in found
    )
    return Verdict(
        "reproduced" if same else "not reproduced",
        f"Time of an evaluation as a share of VGG19's: {ratios}.",
        order(found),
    )


def _normalizer(evidence: Evidence) -> Verdict:
    gatys, none = (evidence["normaliser", "resnet50", name] for name in ("gatys", "none"))
    repaired = gatys.sharpness < BLURRED < none.sharpness
    return Verdict(
        "reproduced" if repaired else "not reproduced",
        f"With the denominator the style loss begins at {short(gatys.trace[0].style)}, without at "
        f"{short(none.trace[0].style)}; the picture has {gatys.sharpness:.2f} and {none.sharpness:.2f} of the content "
        "picture's sharpness. What blurs is the total variation, which such a small style loss does not hold up to.",
        f"sharpness {gatys.sharpness:.2f} → {none.sharpness:.2f}",
    )


def _normalizer_measured(evidence: Evidence) -> Verdict:
    gatys, none = (evidence["normaliser", "resnet50", name] for name in ("gatys", "none"))
    better = all(a < b for a, b in zip(style_left(none), style_left(gatys), strict=True))
    return Verdict(
        "reproduced" if better else "not reproduced",
        f"Style left ({JUDGES}; 1 is none gained) with the denominator "
        f"{by_both(style_left(gatys))}; without {by_both(style_left(none))}.",
        f"{style_left(gatys)[1]:.2f} → {style_left(none)[1]:.2f}",
    )


def _content_layer(evidence: Evidence) -> Verdict:
    four, five = (evidence["content_layer", "vgg19", f"block{block}_conv2"].picture for block in (4, 5))
    distance = pixels.difference(four, five)
    same = distance < _INVISIBLE
    return Verdict(
        "reproduced" if same else "not reproduced",
        f"The two pictures differ by {distance:.1f} of 255 levels (root mean square) and correlate by "
        f"{pixels.likeness(four, five):.3f}; less than {_INVISIBLE:.0f} levels is called invisible. With alpha/beta = "
        "1e-4 the content term is too small to matter; the content comes from the start.",
        f"{distance:.1f} levels",
    )


def _layer_sets(evidence: Evidence) -> Verdict:
    found = {letter: evidence["resnet50_layers", "resnet50", letter] for letter in SETS}
    worst = min(found, key=lambda letter: found[letter].sharpness)
    said = ", ".join(f"({letter}) {found[letter].sharpness:.2f}" for letter in SETS)
    rest = [found[letter].sharpness for letter in SETS if letter != worst]
    apart = found[worst].sharpness < BLURRED * min(rest)
    return Verdict(
        "reproduced" if worst == "d" and apart else "not reproduced",
        f"Sharpness as a share of the content picture's: {said}. (e) and (g) are the same layers in the paper, and one "
        "and the same picture here.",
        f"worst: ({worst}), {found[worst].sharpness:.2f}; others from {min(rest):.2f}",
    )


def _total_variation(evidence: Evidence) -> Verdict:
    small, large = (evidence["total_variation", "vgg19", weight] for weight in ("1e-06", "1e-05"))
    return Verdict(
        "reproduced" if large.sharpness < 0.8 * small.sharpness else "not reproduced",
        f"Sharpness {small.sharpness:.2f} of the content picture's with 1e-6, {large.sharpness:.2f} with 1e-5.",
        f"{large.sharpness / small.sharpness:.2f} of the sharpness",
    )


def _ratio(evidence: Evidence) -> Verdict:
    low, high = (evidence["ratio", "vgg19", ratio] for ratio in ("1e-4", "1e-3"))
    distance = pixels.difference(low.picture, high.picture)
    better = all(a < b for a, b in zip(scores(low), scores(high), strict=True))
    return Verdict(
        "reproduced" if better and distance >= _INVISIBLE else "not reproduced",
        f"The two pictures differ by {distance:.1f} of 255 levels; less than {_INVISIBLE:.0f} is called invisible. "
        f"{SCORES}: {by_both(scores(low))} with 1e-4, {by_both(scores(high))} with 1e-3.",
        f"{distance:.1f} levels",
    )


def _falling(evidence: Evidence) -> Verdict:
    rises = {}
    for name in NETWORKS:
        found = evidence["networks", name]
        rises[found.name] = sum(later.total > one.total for one, later in pairwise(found.trace))
    said = ", ".join(f"{name} {count}" for name, count in rises.items())
    return Verdict(
        "reproduced" if not any(rises.values()) else "not reproduced",
        f"Steps at which the loss rose: {said}. L-BFGS accepts no step that raises the loss; their descent may.",
        f"{sum(rises.values())} rises",
    )


def _no_decay(evidence: Evidence) -> Verdict:
    return Verdict(
        "open",
        "Gradient descent with a learning rate and its decay does not exist here yet; all runs above use L-BFGS, which "
        "chooses its own steps.",
    )


def _portraits(evidence: Evidence) -> Verdict:
    return Verdict("open", "It takes learning rates, which do not exist here yet, and portraits.")


def _extensions(evidence: Evidence) -> Verdict:
    return Verdict("open", "Feed-forward networks, other losses and styles by region do not exist here yet.")


CLAIMS = (
    Claim("VGG19's pictures are the most pleasing of the three.", "section 4, figure 5", "networks", _vgg19_is_best),
    Claim("ResNet50 is the fastest by far, VGG19 the slowest.", "table 2", "times", _times),
    Claim(
        "With Gatys' normaliser ResNet50 merely blurs the content; without the denominator it works.",
        "section 3.2.1, figure 6",
        "normaliser",
        _normalizer,
    ),
    Claim("Without the denominator ResNet50 gets the style.", "section 3.2.1", "normaliser", _normalizer_measured),
    Claim(
        "The content layer, block4_conv2 or block5_conv2, makes no difference.", "figure 10", "content", _content_layer
    ),
    Claim("ResNet50's layer sets are all similar and good except (d).", "figure 12", "layers", _layer_sets),
    Claim("A total variation weight of 1e-6 is sharp, 1e-5 blurs.", "figure 13", "smooth", _total_variation),
    Claim(
        "alpha/beta = 1e-4 gives better pictures than other ratios, such as 1e-3.",
        "section 3.2, figure 2",
        "ratio",
        _ratio,
    ),
    Claim("The loss falls strictly nearly every time.", "section 4, figure 7", "loss", _falling),
    Claim("Learning rates from 10 to 300 change the picture, with a decay every 100 steps.", "figure 9", "", _no_decay),
    Claim("Portraits need a higher learning rate than landscapes.", "section 4, figure 8", "", _portraits),
    Claim("Feed-forward networks, more losses, and styles by region are worth trying.", "section 5", "", _extensions),
)
