"""Bordag, Brandon and Lei: a course note, with pictures placed by their distances."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pipeline.papers.bordag_claims import CLAIMS
from pipeline.papers.bordag_studies import ALPHAS, MIXES, STUDIES, SUMS
from pipeline.papers.computed import BASELINES
from pipeline.papers.evidence import Measurable, View
from pipeline.papers.finding import Missing
from pipeline.papers.judging import LOOKS, content_lost, style_left
from pipeline.papers.paper import Curves, Exhibit, LeftOut, Paper, PictureTable, Scale, Table


def _axes(view: View) -> Table:
    """Figure 1's two axes: distances that are 1 at the other picture."""
    head = ("Picture", *(f"{axis}, {judge.title}" for judge in LOOKS[:3] for axis in ("Content", "Style")))
    rows: list[tuple[str, ...]] = [("style picture, stretched", *(("1", "0") * 3))]
    rows += [(name, *_placed(partial(view.computed, name))) for name in BASELINES]
    rows += [
        (f"content layers: {name}", *_placed(partial(view.__getitem__, ("content_layers", "vgg19", name))))
        for name in SUMS
    ]
    return Table(head, tuple(rows))


def _placed(find: Callable[[], Measurable]) -> list[str]:
    try:
        found = find()
        return [
            f"{value:.2f}" for judge in LOOKS[:3] for value in (content_lost(found, judge), style_left(found, judge))
        ]
    except Missing as missing:
        return [str(missing), *[""] * 5]


BORDAG = Paper(
    key="bordag",
    citation="Bordag, Brandon, Lei: “Neural Style Transfer”, course note, University of California, Berkeley.",
    summary="VGG19 in TensorFlow, w_l = 1/|L|, content summed over several layers, plain gradient descent from the "
    "content picture with the best picture kept. Preset bordag.",
    differs="Layers, alpha and beta, the learning rate and the number of steps are not given. The pictures are ours.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "axes",
            "Figure 1",
            "pictures on the axes of content and style",
            theirs="A sketch: the distance of two pictures in the space of style against that in the space of content.",
            our_table=_axes,
            note="Relative distances, 1 is as far as the other of the two pictures, by three judges; pictures above "
            "the cells take no transfer.",
        ),
        Exhibit(
            "pictures",
            "Equation 4",
            "content summed over layers",
            theirs="Figures 4 to 6 transfer Starry Night to a ball with its shadow, 7 and 8 a nebula to the ball, 9 "
            "to 11 a Rembrandt to Oski, which blurs and smooths, 12 and 13 the nebula to Oski, which is poor too, the "
            "text says.",
            note="The numbers in their text are off by two against their captions, which are meant here.",
            pictures=PictureTable(
                {("VGG19", ", ".join(layers)): ("content_layers", "vgg19", name) for name, layers in SUMS.items()}
                | {("balanced, ours", "block4_conv2"): ("balanced", "vgg19")},
                column_title="content layers",
            ),
            curves=Curves(tuple(("content_layers", "vgg19", name) for name in SUMS)),
        ),
        Exhibit(
            "alphas",
            "Equation 10",
            "content against style",
            theirs="No figure.",
            pictures=PictureTable(
                {("VGG19", text): ("alphas", "vgg19", text) for text in ALPHAS}, column_title="alpha (beta is 1)"
            ),
        ),
        Exhibit(
            "smoothing",
            "Section 3.3",
            "a loss of local differences",
            theirs="No figure: a suggestion.",
            pictures=PictureTable(
                {
                    ("VGG19", "without"): ("content_layers", "vgg19", "two"),
                    ("VGG19", "total variation"): ("smoothing", "vgg19", "0.1"),
                }
            ),
        ),
        Exhibit(
            "mixing",
            "Section 4.2",
            "two networks",
            theirs="No figure: a suggestion.",
            pictures=PictureTable(
                {("balanced, by descent", name): ("mixing", backbone, name) for name, (backbone, _) in MIXES.items()}
            ),
        ),
        Exhibit(
            "photographs",
            "Figures 9 to 13",
            "a subtle style",
            theirs="A Rembrandt on Oski: blurred and smoothed, without its light. A nebula on Oski: poor.",
            pictures=PictureTable({("VGG19", "a photograph as the style"): ("photographs", "vgg19")}),
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(160, 100, "Small, for a processor."),
    large=Scale(256, 100, "The set of many pairs."),
    own=Scale(
        512,
        500,
        "The note gives neither: 512 pixels are those of the TensorFlow tutorial it cites, 500 iterations ours.",
    ),
    main=("content_layers",),
    left_out=(
        LeftOut(
            "Without programs it takes years to analyse collections of art.",
            "section 1",
            "What the note is for, not what it finds.",
        ),
        LeftOut(
            "The VGG network recognises objects as people do, and is rather shallow.",
            "sections 3 and 3.1",
            "Of recognition.",
        ),
        LeftOut(
            "What low and high layers hold is much the same in all networks.",
            "section 3.1",
            "Of VGG19 and others that are not named, without layers or a measure; what they hold is told in two ways "
            "(among the claims).",
        ),
        LeftOut(
            "The style loss hardly depends on where in a picture something is.",
            "section 3.2",
            "So by construction: a Gram matrix is a sum over places.",
        ),
        LeftOut(
            "Networks are trained by descent, which takes backpropagation; convolutional ones see more and more of a "
            "picture; the loss is the smaller the nearer a picture is to the best.",
            "sections 3.1 and 3.2",
            "A lesson, not a finding.",
        ),
        LeftOut(
            "Networks differ in how well they learn the aspects of a picture.",
            "section 3.3",
            "The reason why mixtures of networks might help, which is judged.",
        ),
        LeftOut(
            "That the nebula's transfer is poor may be because Rembrandt's style is too subtle, or because content "
            "features do not part the subject from its background.",
            "section 4.2.2",
            "Two guesses about pictures that are not here, the first about another style than the section's.",
        ),
        LeftOut(
            "Videos, sound, more complex features and styles of many pictures and artists are worth trying.",
            "section 3.3",
            "A plan, without settings.",
        ),
        LeftOut(
            "A network that others trained keeps one's own computing small; other steps by the gradient can be taken.",
            "sections 2, 3.1 and 3.3",
            "Of the work that is saved, and of a choice. Trained weights are taken here as there.",
        ),
    ),
)
