"""What Gupta, Sadana and Moudgil 2019 claim, and how our cells answer."""

from __future__ import annotations

from nstcore.pictures.luminance import luminance
from pipeline.papers import pixels
from pipeline.papers.evidence import Evidence, Finding, Missing
from pipeline.papers.judging import BLURRED, FLAT, SCORES, best_by_both, by_both, order, scores, short, weights_of
from pipeline.papers.paper import Claim, Verdict

#: Evaluations in one of their iterations, and how many iterations they did.
ROUND, ROUNDS = 20, 10
_NETWORKS = ("inceptionv3", "resnet50", "vgg16", "vgg19")
_CLOSE = 0.15  # of scores, which differ by 1 between a picture that was left alone and an ideal one
_SMALL_FALL = 0.01


def _network(evidence: Evidence, backbone: str, study: str = "comparison") -> Finding:
    return evidence[study, backbone]


def _vgg19_is_best(evidence: Evidence) -> Verdict:
    found = [_network(evidence, name) for name in _NETWORKS]
    best = best_by_both(found)
    said = "; ".join(f"{each.name} {by_both(scores(each))}" for each in found)
    won = [each.cell.backbone for each in best] == ["vgg19"]
    return Verdict(
        "reproduced" if won else "not reproduced",
        f"{SCORES}: {said}.{_flat_ones(found)}{weights_of(*(each for each in found if each not in best))}",
        f"best: {' and '.join(each.name for each in best)}",
    )


def _vgg16_is_close(evidence: Evidence) -> Verdict:
    vgg16, vgg19 = _network(evidence, "vgg16"), _network(evidence, "vgg19")
    gaps = [one - other for one, other in zip(scores(vgg16), scores(vgg19), strict=True)]
    close = max(gaps) <= _CLOSE
    without = [scores(evidence["total_variation", name, "0"]) for name in ("vgg16", "vgg19")]
    return Verdict(
        "reproduced" if close else "not reproduced",
        f"{SCORES} of VGG16 less that of VGG19: {by_both((gaps[0], gaps[1]))}; within {_CLOSE} is "
        f"close. {_flatness(vgg16)} Without total variation VGG16 has {by_both(without[0])}, VGG19 "
        f"{by_both(without[1])}.{weights_of(vgg16)}",
        f"{max(gaps):+.2f}",
    )


def _spread(finding: Finding) -> float:
    return float(luminance(finding.picture).std())


def _flat_ones(found: list[Finding]) -> str:
    flat = [each.name for each in found if _spread(each) < FLAT]
    return f" Flat, with nothing of either picture: {', '.join(flat)}." if flat else ""


def _flatness(finding: Finding) -> str:
    spread = _spread(finding)
    if spread >= FLAT:
        return ""
    return (
        f"{finding.name}'s picture is flat (standard deviation of luma {spread:.1f}): with these weights its style "
        "loss is so small that the total variation decides alone."
    )


def _vgg16_is_faster(evidence: Evidence) -> Verdict:
    vgg16, vgg19 = (_network(evidence, name).seconds_an_evaluation for name in ("vgg16", "vgg19"))
    return Verdict(
        "reproduced" if vgg16 < vgg19 else "not reproduced",
        f"An iteration of {ROUND} evaluations takes {ROUND * vgg16:.2g} s with VGG16 and {ROUND * vgg19:.2g} s with "
        "VGG19; theirs 100 s and 115 s.",
        f"{vgg16 / vgg19:.2f} of VGG19's time (theirs 0.87)",
    )


def _times(evidence: Evidence) -> Verdict:
    found = sorted((_network(evidence, name) for name in _NETWORKS), key=lambda each: each.seconds_an_evaluation)
    same = tuple(each.cell.backbone for each in found) == _NETWORKS
    return Verdict(
        "reproduced" if same else "not reproduced",
        f"Ours: {order(found)}; the slowest takes {_ratio(found):.1f} times the fastest's time, theirs 2.4 times.",
        f"{_ratio(found):.1f}×",
    )


def _ratio(found: list[Finding]) -> float:
    return found[-1].seconds_an_evaluation / found[0].seconds_an_evaluation


def _order_of_losses(evidence: Evidence) -> Verdict:
    found = sorted((_network(evidence, name) for name in _NETWORKS), key=lambda each: each.after(ROUND).total)
    same = tuple(each.cell.backbone for each in found) == _NETWORKS
    losses = ", ".join(f"{each.name} {short(each.after(ROUND).total)}" for each in found)
    return Verdict(
        "reproduced" if same else "not reproduced",
        f"After {ROUND} evaluations ours are {losses}. A loss depends on the scale of the weights and on the picture's "
        f"size, so only the order compares.{weights_of(*found[:-1])}",
        order(found),
    )


def _loss_and_quality(evidence: Evidence) -> Verdict:
    vgg19 = _network(evidence, "vgg19")
    rivals = [_network(evidence, name, "balanced") for name in _NETWORKS]
    better = [each for each in rivals if all(a < b for a, b in zip(scores(each), scores(vgg19), strict=True))]
    lower = [each for each in better if each.final.total < vgg19.final.total]
    if lower:
        best = min(lower, key=lambda each: scores(each)[1])
        said = (
            f"A counterexample: {best.name} with the balanced loss ends at a loss of {short(best.final.total)} with a "
            f"score of {by_both(scores(best))}, VGG19 with theirs at {short(vgg19.final.total)} with "
            f"{by_both(scores(vgg19))}. {SCORES}."
        )
        return Verdict("not reproduced", said, f"{len(lower)} of {len(rivals)} are counterexamples")
    return Verdict("reproduced", "No cell with a lower loss has a better score by both judges.", "0 counterexamples")


def _resnet50_blurs(evidence: Evidence) -> Verdict:
    sharpness = _network(evidence, "resnet50").sharpness
    vgg19 = _network(evidence, "vgg19").sharpness
    blurs = sharpness < BLURRED and sharpness < vgg19
    return Verdict(
        "reproduced" if blurs else "not reproduced",
        f"The picture has {sharpness:.2f} of the content picture's sharpness (mean absolute Laplacian), VGG19's "
        f"{vgg19:.2f}. {_flatness(_network(evidence, 'resnet50'))}",
        f"sharpness {sharpness:.2f}",
    )


def _twelve_layers(evidence: Evidence) -> Verdict:
    five, twelve = (evidence["resnet50_layers", "resnet50", count] for count in ("5", "12"))
    lower = twelve.final.total < five.final.total
    still = twelve.sharpness < BLURRED
    return Verdict(
        "reproduced" if lower and still else "not reproduced",
        f"The final loss is {short(twelve.final.total)} with 12 layers and {short(five.final.total)} with 5; the "
        f"sharpness {twelve.sharpness:.3f} and {five.sharpness:.3f} of the content picture's.",
        f"loss ×{twelve.final.total / five.final.total:.2f}",
    )


def _inception_is_black(evidence: Evidence) -> Verdict:
    found = [_network(evidence, "inceptionv3", study) for study in ("comparison", "balanced")]
    brightness = [pixels.brightness(each.picture) for each in found]
    black = max(brightness) < 2 * FLAT
    return Verdict(
        "reproduced" if black else "not reproduced",
        f"Mean luma {brightness[0]:.0f} of 255 with their settings and {brightness[1]:.0f} with the balanced loss. "
        f"{_flatness(found[0])} A picture in InceptionV3's input range, -1 to 1, is black when it is written as if it "
        f"were 0 to 255, which may be what they saw; here the picture is RGB throughout.{weights_of(found[0])}",
        f"luma {brightness[0]:.0f} and {brightness[1]:.0f}",
    )


def _unfit_networks(evidence: Evidence) -> Verdict:
    best = scores(_network(evidence, "vgg19"))
    sentences, fit = [], []
    for name in ("resnet50", "inceptionv3"):
        theirs, ours = _network(evidence, name), _network(evidence, name, "balanced")
        sentences.append(f"{ours.name}: {by_both(scores(theirs))} with theirs, {by_both(scores(ours))} with balanced")
        fit.append(all(a < b for a, b in zip(scores(ours), best, strict=True)))
    said = f"{SCORES}: " + "; ".join(sentences)
    found = [_network(evidence, name, "balanced") for name in ("resnet50", "inceptionv3")]
    return Verdict(
        "improved upon" if all(fit) else "reproduced",
        f"{said}. The best of theirs, VGG19, has {by_both(best)}.{weights_of(*found)}",
        " and ".join(f"{scores(each)[1]:.2f}" for each in found) + f" against {best[1]:.2f}",
    )


def _smoothing(evidence: Evidence) -> Verdict:
    without, with_it = (
        pixels.roughness(evidence["total_variation", "vgg19", weight].picture) for weight in ("0", "0.1")
    )
    return Verdict(
        "reproduced" if with_it < without else "not reproduced",
        f"Neighbouring pixels differ by {with_it:.1f} levels on average with a weight of 0.1,"
        f" by {without:.1f} without.",
        f"{with_it / without:.2f} of the roughness",
    )


def _ten_iterations(evidence: Evidence) -> Verdict:
    falls, left = {}, {}
    for name in ("resnet50", "vgg16", "vgg19"):
        found = _network(evidence, name)
        if found.final.evaluations < ROUND * ROUNDS * 0.9:
            raise Missing(f"{found.name} stopped after {found.final.evaluations} evaluations, ten rounds are 200")
        first, before, after = (found.after(ROUND * count).total for count in (1, ROUNDS - 1, ROUNDS))
        falls[found.name], left[found.name] = (before - after) / first, (before - after) / before
    said = ", ".join(f"{name} {100 * fall:.2g} % ({100 * left[name]:.1f} %)" for name, fall in falls.items())
    return Verdict(
        "reproduced" if max(falls.values()) < _SMALL_FALL else "not reproduced",
        "In the tenth round the loss falls by this share of the loss after the first, the scale of their figures (in "
        f"brackets: of the loss after the ninth): {said}. Under {100 * _SMALL_FALL:.0f} % of the first counts as no "
        "longer. One run of L-BFGS here, where theirs starts anew each round.",
        f"at most {100 * max(falls.values()):.2g} %",
    )


CLAIMS = (
    Claim("VGG19 gives the best style transfer of the four networks.", "section 5", "pictures", _vgg19_is_best),
    Claim("VGG16 is close to VGG19.", "sections 5 and 6", "pictures", _vgg16_is_close),
    Claim("VGG16 is faster than VGG19.", "section 5", "first", _vgg16_is_faster),
    Claim("InceptionV3 is the fastest, then ResNet50, VGG16, VGG19.", "figures 6 to 9", "first", _times),
    Claim("The loss after iteration 0 is ordered the same way.", "figures 6 to 9", "first", _order_of_losses),
    Claim("The higher the loss, the clearer and better the picture.", "section 5", "pictures", _loss_and_quality),
    Claim("ResNet50's pictures are blurred.", "section 5", "pictures", _resnet50_blurs),
    Claim("12 layers instead of 5 lower ResNet50's loss, but not its blur.", "section 5", "layers", _twelve_layers),
    Claim("InceptionV3 gives a black picture in all cases.", "section 5, figure 6", "pictures", _inception_is_black),
    Claim("InceptionV3 fails and ResNet50 is not suitable.", "section 6", "pictures", _unfit_networks),
    Claim("Total variation smooths the noise.", "section 5", "smooth", _smoothing),
    Claim("After ten iterations the loss no longer falls significantly.", "figures 10 to 12", "loss", _ten_iterations),
)
