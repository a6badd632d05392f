"""Which pictures can say anything: flat ones, noise and untouched ones would pass for what they are not."""

from __future__ import annotations

from pipeline.papers import pixels
from pipeline.papers.finding import Finding, Unfit
from pipeline.papers.ratios import ratio
from pipeline.papers.thresholds import FLAT, ROUGH, SOME_LIKENESS, VISIBLE


def require_structure(*findings: Finding) -> None:
    """See that pictures are not flat.

    Raises:
        Unfit: naming those that are.
    """
    flat = [each.name for each in findings if each.spread < FLAT]
    if flat:
        raise Unfit(f"flat, with nothing of either picture (spread of luma below {FLAT:g}): {', '.join(flat)}")


def require_no_noise(*findings: Finding) -> None:
    """See that pictures are not rougher than both pictures they are made of.

    Raises:
        Unfit: naming those that are.
    """
    noisy = [each.name for each in findings if noise(each) > ROUGH]
    if noisy:
        raise Unfit(f"noise (more than {ROUGH:g} times as rough as content and style): {', '.join(noisy)}")


def noise(finding: Finding) -> float:
    """The roughness of a picture over that of its content or style, whichever is rougher."""
    return ratio(
        pixels.roughness(finding.picture), max(pixels.roughness(finding.content), pixels.roughness(finding.style))
    )


def require_changed(finding: Finding) -> None:
    """See that a transfer did something to be seen.

    Raises:
        Unfit: if the picture is the content picture still.
    """
    changed = pixels.difference(finding.picture, finding.content)
    if changed < VISIBLE:
        raise Unfit(f"{finding.name} changed the content picture by {changed:.1f} of 255 levels, which hardly shows")


def blur(finding: Finding) -> float:
    """How much fine structure a picture has beside its content, if it is like the content and not flat.

    Raises:
        Unfit: if it is flat, or unlike its content: such a picture is no blurred one, whatever it lacks.
    """
    require_structure(finding)
    if finding.detail.likeness < SOME_LIKENESS:
        what = f"correlates with the content by {finding.detail.likeness:.2f} only, and a blur of it would by more"
        raise Unfit(f"{finding.name}'s picture {what} than {SOME_LIKENESS:g}")
    return finding.detail.fine
