"""Gupta, Sadana and Moudgil 2019: four networks under the same conditions."""

from __future__ import annotations

from pipeline.papers.evidence import Evidence, Missing
from pipeline.papers.gupta_claims import CLAIMS, ROUND
from pipeline.papers.gupta_studies import STUDIES
from pipeline.papers.judging import short
from pipeline.papers.paper import Curves, Exhibit, Paper, PictureTable, Scale, Table

_NETWORKS = {"inceptionv3": "InceptionV3", "resnet50": "ResNet50", "vgg16": "VGG16", "vgg19": "VGG19"}

# The console output in figures 6 to 9.
_THEIR_FIRST = Table(
    ("Network", "Loss after iteration 0", "Seconds"),
    (
        ("InceptionV3", "369.4", "47"),
        ("ResNet50", "43,073,176", "64"),
        ("VGG16", "2,885,143,808", "100"),
        ("VGG19", "8,079,787,520", "115"),
    ),
)


def _first_iteration(evidence: Evidence) -> Table:
    rows = []
    for backbone, name in _NETWORKS.items():
        try:
            found = evidence["comparison", backbone]
            after = found.after(ROUND)
            seconds = f"{ROUND * found.seconds_an_evaluation:.2g}"
            row = (name, short(after.total), seconds, str(after.evaluations), short(found.final.total))
        except Missing as missing:
            row = (name, str(missing), "", "", "")
        rows.append(row)
    head = ("Network", "Loss after iteration 0", "Seconds an iteration", "Evaluations by then", "Final loss")
    return Table(head, tuple(rows))


GUPTA = Paper(
    key="gupta2019",
    citation="Gupta, Sadana, Moudgil: “Image style transfer using convolutional neural networks based on transfer "
    "learning”, Int. J. Computational Systems Engineering 5(1), 53–60, 2019.",
    summary="VGG16, VGG19, ResNet50 and InceptionV3 in Keras on Theano, with five layers each, average pooling, "
    "content weight 0.025, style weight 5, "
    "total variation weight 0.1, L-BFGS from random pixels, ten iterations of up to 20 "
    "evaluations. Preset gupta2019, in one run.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "first",
            "Figures 6 to 9",
            "loss and time of the first iteration",
            their_table=_THEIR_FIRST,
            our_table=_first_iteration,
            note="One of their iterations is a run of L-BFGS of up to 20 evaluations. Ours is the trace of one longer "
            "run, read at no more than 20 evaluations; seconds are 20 times an evaluation's, as the fastest "
            "tenth of the steps took it, without the compilation of the graph.",
        ),
        Exhibit(
            "pictures",
            "Figures 5 to 9",
            "pictures of the four networks",
            theirs="Pictures after the first iteration, and VGG19's final one (figure 5). Of them the text says: "
            "InceptionV3 gives a black screen, ResNet50's are blurred, VGG16's and VGG19's get better and better.",
            pictures=PictureTable(
                {
                    (row, name): (study, backbone)
                    for row, study in (("their settings", "comparison"), ("balanced, ours", "balanced"))
                    for backbone, name in _NETWORKS.items()
                }
            ),
            note="Final pictures: those after the first iteration are not kept. A flat grey is what the total "
            "variation leaves of the noise where the style loss is too small to matter.",
        ),
        Exhibit(
            "loss",
            "Figures 10 to 12",
            "loss over ten iterations",
            theirs="Of the curves the text says: the loss stops falling significantly at the tenth iteration, "
            "ResNet50's is very low beside the others, and those of VGG16 and VGG19 come to be alike.",
            curves=Curves(tuple(("comparison", name) for name in ("resnet50", "vgg16", "vgg19")), ROUND),
        ),
        Exhibit(
            "layers",
            "Section 5",
            "ResNet50 with 12 layers instead of 5",
            theirs="No figure: “there is a decrease in the loss value. But the downside of this model is that the "
            "images produced are blurred”. Which twelve layers is not said; ours are the first activation and eleven "
            "blocks' outputs.",
            pictures=PictureTable(
                {("ResNet50", f"{count} layers"): ("resnet50_layers", "resnet50", count) for count in ("5", "12")}
            ),
            curves=Curves(tuple(("resnet50_layers", "resnet50", count) for count in ("5", "12")), ROUND),
        ),
        Exhibit(
            "smooth",
            "Section 5",
            "with and without total variation",
            theirs="No figure: results with content and style weight alone were noisy, total variation smooths them.",
            pictures=PictureTable(
                {
                    (_NETWORKS[name], weight): ("total_variation", name, weight)
                    for name in ("vgg19", "vgg16")
                    for weight in ("0", "0.1")
                },
                column_title="total variation weight",
            ),
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(160, 200, "Small, for a processor; ten rounds of 20 evaluations, as theirs."),
    own=Scale(
        600,
        200,
        "The paper does not give its size: that of the classic Keras example is taken, 400 rows, which is 600 pixels "
        "for the longest side of a 3:2 picture.",
    ),
)
