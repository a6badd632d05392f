"""Bordag, Brandon and Lei: a course note, with pictures placed by their distances."""

from __future__ import annotations

from pipeline.papers.bordag_studies import STUDIES, SUMS
from pipeline.papers.evidence import Evidence
from pipeline.papers.judging import JUDGES, by_both, content_lost, style_left
from pipeline.papers.paper import Claim, Curves, Exhibit, Paper, PictureTable, Scale, Table, Verdict


def _axes(evidence: Evidence) -> Table:
    """Figure 1's two axes: distances that are 1 at the other picture."""
    head = ("Picture", "Content, VGG19", "Style, VGG19", "Content, Lite0", "Style, Lite0")
    rows: list[tuple[str, ...]] = [("content picture", "0", "1", "0", "1"), ("style picture", "1", "0", "1", "0")]
    for name in SUMS:
        found = evidence["content_layers", "vgg19", name]
        content, style = content_lost(found), style_left(found)
        rows.append(
            (
                f"content layers: {name}",
                *(f"{value:.2f}" for value in (content[0], style[0], content[1], style[1])),
            )
        )
    return Table(head, tuple(rows))


def _between(evidence: Evidence) -> Verdict:
    found = evidence["content_layers", "vgg19", "two"]
    content, style = content_lost(found), style_left(found)
    return Verdict(
        "reproduced" if max(content) < 1 and max(style) < 1 else "not reproduced",
        f"Relative distances {JUDGES}: content {by_both(content)} (1 is the style picture's); style {by_both(style)} "
        "(1 is the content picture's).",
        f"content {content[1]:.2f}, style {style[1]:.2f}",
    )


def _descent(evidence: Evidence) -> Verdict:
    found = evidence["content_layers", "vgg19", "two"]
    best = min(found.trace, key=lambda iterate: iterate.total)
    return Verdict(
        "open",
        "Plain gradient descent with the best picture kept does not exist here yet. With L-BFGS the last picture is "
        f"the best one: iteration {best.iteration} of {found.final.iteration}.",
    )


def _subtle(evidence: Evidence) -> Verdict:
    return Verdict("open", "It takes their pictures (Oski, a Rembrandt), which are not among the samples.")


def _mixing(evidence: Evidence) -> Verdict:
    return Verdict("open", "Content from one network and style from another does not exist here yet.")


BORDAG = Paper(
    key="bordag",
    citation="Bordag, Brandon, Lei: “Neural Style Transfer”, course note, University of California, Berkeley.",
    summary="VGG19 in TensorFlow, w_l = 1/|L|, content summed over several layers, plain gradient descent from the "
    "content picture with the best picture kept. Preset bordag, with L-BFGS. Layers and weights are not given.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "axes",
            "Figure 1",
            "pictures on the axes of content and style",
            theirs="A sketch: the distance of two pictures in the space of style against that in the space of content.",
            our_table=_axes,
            note="Our measures: relative distances, by a network that made the pictures and one that did not.",
        ),
        Exhibit(
            "pictures",
            "Equation 4",
            "content summed over layers",
            theirs="Figures 4 to 6 transfer Starry Night to a ball with its shadow. Figures 7 to 13 transfer a "
            "Rembrandt and a nebula to Oski: the first blurs and smooths, the second is “still poor”, the text says.",
            pictures=PictureTable(
                {("VGG19", ", ".join(layers)): ("content_layers", "vgg19", name) for name, layers in SUMS.items()},
                column_title="content layers",
            ),
            curves=Curves(tuple(("content_layers", "vgg19", name) for name in SUMS)),
        ),
    ),
    claims=(
        Claim(
            "A transfer gives a picture near the content picture's content and the style picture's style.",
            "figures 1 and 2",
            "axes",
            _between,
        ),
        Claim("Gradient descent, keeping the best picture so far, does it.", "algorithm 1", "", _descent),
        Claim("With a subtle style the picture is merely blurred and smoothed.", "section 4.2", "", _subtle),
        Claim(
            "Style features of one network with content features of another may be better.", "section 4.2", "", _mixing
        ),
    ),
    scaled=Scale(160, 100, "Small, for a processor."),
    own=Scale(
        512,
        500,
        "The note gives neither: 512 pixels are those of the TensorFlow tutorial it cites, 500 iterations ours.",
    ),
)
