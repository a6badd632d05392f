"""What judges of claims share: scores that both judging networks must agree on, and how numbers are written."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.grid.backbone_labels import display_name
from pipeline.papers.evidence import CONTENT_MEASURES, STYLE_MEASURES, Finding

#: Less than this share of the content picture's sharpness is called a blur, and a spread of luma below this flat.
BLURRED, FLAT = 0.5, 8.0

JUDGES = "by VGG19 / EfficientNet-Lite0"
#: How a sentence introduces `scores`.
SCORES = f"Style left plus content lost ({JUDGES}; 1 is either picture left alone, lower is better)"


def scores(finding: Finding) -> tuple[float, float]:
    """Style left plus content lost, by each judge; lower is better.

    Both are relative: the untouched content picture has 1 + 0, the style picture 0 + 1. Below 1 a picture has gained
    more of the style than it lost of the content.
    """
    first, second = (
        finding.measure(style) + finding.measure(content)
        for style, content in zip(STYLE_MEASURES, CONTENT_MEASURES, strict=True)
    )
    return first, second


def style_left(finding: Finding) -> tuple[float, float]:
    """How much of the style is lacking, by each judge; 0 is the style itself."""
    first, second = (finding.measure(name) for name in STYLE_MEASURES)
    return first, second


def content_lost(finding: Finding) -> tuple[float, float]:
    """How much of the content is lost, by each judge; 0 is the content picture."""
    first, second = (finding.measure(name) for name in CONTENT_MEASURES)
    return first, second


def best_by_both(findings: Iterable[Finding]) -> list[Finding]:
    """The finding with the lowest score by each judge; one alone if they agree."""
    members = list(findings)
    first = min(members, key=lambda each: scores(each)[0])
    second = min(members, key=lambda each: scores(each)[1])
    return list(dict.fromkeys((first, second)))


def by_both(values: tuple[float, float]) -> str:
    """Two judges' numbers as a text, in the order of `JUDGES`."""
    return f"{values[0]:.2f} / {values[1]:.2f}"


def short(value: float) -> str:
    """Three digits; powers of ten as people write losses."""
    return f"{value:,.3g}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.2e}"


def order(findings: Iterable[Finding]) -> str:
    return " < ".join(each.name for each in findings)


def weights_of(*findings: Finding) -> str:
    """What has to be known of their weights, as a sentence; "" where there is nothing to know."""
    notes = {}
    for finding in findings:
        note = str(((finding.cell.manifest or {}).get("weights") or {}).get("note") or "")
        if note:
            notes[display_name(finding.cell.backbone)] = note
    said = "; ".join(f"{network}: {note}" for network, note in notes.items())
    return f" (Weights: {said}.)" if said else ""
