"""Gupta, Sadana and Moudgil 2019: four networks under the same conditions."""

from __future__ import annotations

from pipeline.grid.backbone_labels import display_name
from pipeline.papers.evidence import View
from pipeline.papers.finding import Missing
from pipeline.papers.gupta_claims import CLAIMS
from pipeline.papers.gupta_left_out import LEFT_OUT
from pipeline.papers.gupta_numbers import ROUND
from pipeline.papers.gupta_studies import BACKBONES, IN_RANGE, STUDIES
from pipeline.papers.paper import Curves, Exhibit, Paper, PictureTable, Scale, Table
from pipeline.papers.quantity import short

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


def _first_iteration(view: View) -> Table:
    rows = []
    for backbone in BACKBONES:
        name = display_name(backbone)
        try:
            found = view["comparison", backbone]
            after = found.after(ROUND)
            seconds = f"{ROUND * found.seconds_an_evaluation:.2g}"
            row = (name, short(after.total), seconds, str(after.evaluations), short(found.final.total))
        except Missing as missing:
            row = (name, str(missing), "", "", "")
        rows.append(row)
    head = ("Network", "Loss after iteration 0", "Seconds an iteration", "Evaluations by then", "Final loss")
    return Table(head, tuple(rows))


_ROWS = (
    ("their settings", "comparison", BACKBONES),
    ("filters rescaled", "rescaled", ("vgg16", "vgg19")),
    ("the notebook's settings", "notebook", BACKBONES),
    ("balanced, ours", "balanced", BACKBONES),
)

GUPTA = Paper(
    key="gupta2019",
    citation="Gupta, Sadana, Moudgil: “Image style transfer using convolutional neural networks based on transfer "
    "learning”, Int. J. Computational Systems Engineering 5(1), 53–60, 2019.",
    summary="VGG16, VGG19, ResNet50 and InceptionV3 in Keras on Theano, with five layers each, average pooling, "
    "content weight 0.025, style weight 5, "
    "total variation weight 0.1, L-BFGS from random pixels, ten iterations of up to 20 "
    "evaluations. Preset gupta2019. A second reading of the same words, the public notebook whose sentences the paper "
    "repeats (content at block2_conv2, style at the last convolutions of the blocks, max pooling), is preset "
    "gupta2019-notebook and stands in the pictures.",
    differs="Section 4 prints Gatys' normaliser; the losses of figures 6 to 9 point to that of the classic Keras "
    "example, which is taken. Content layer and 20 evaluations a round are not in the paper, and are that example's "
    "too. ResNet50 and InceptionV3 have no five pooling layers: five stages stand in. "
    "InceptionV3's weights are a stand-in, VGG16's another training (named below). The pictures are ours.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "first",
            "Figures 6 to 9",
            "loss and time of the first iteration",
            their_table=_THEIR_FIRST,
            our_table=_first_iteration,
            note="One of their iterations is a run of L-BFGS of up to 20 evaluations. Ours is the trace of one run "
            "that begins anew every 20, read at no more than 20; seconds are 20 times an evaluation's, as the fastest "
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
                    (row, display_name(backbone)): (study, backbone)
                    for row, study, backbones in _ROWS
                    for backbone in backbones
                }
            ),
            note="Final pictures. A flat grey is what the total variation leaves of the noise where the style loss is "
            "too small to matter; it is a failure, and is shown as one.",
        ),
        Exhibit(
            "rounds",
            "Figures 5 to 9",
            "after one round and after ten",
            theirs="The text says that VGG16's and VGG19's pictures get better with each iteration, and that "
            "ResNet50's blur grows.",
            pictures=PictureTable(
                {
                    (display_name(name), rounds): key
                    for name in ("resnet50", "vgg16", "vgg19")
                    for rounds, key in (("1", ("first_round", name, "1")), ("10", ("comparison", name)))
                }
                | {
                    ("VGG16, rescaled", "1"): ("first_round_rescaled", "vgg16", "1"),
                    ("VGG16, rescaled", "10"): ("rescaled", "vgg16"),
                },
                column_title="rounds of 20 evaluations",
            ),
        ),
        Exhibit(
            "black",
            "Figure 6",
            "InceptionV3's black picture",
            theirs="A black picture after the first iteration; in all cases, says the text.",
            note="The picture is optimised with the total variation of values from -1 to 1, InceptionV3's range. Left: "
            "as a file shows it that is written as if the range were 0 to 255: 0 and 1 of 255, black. Right: "
            "the same picture in RGB. So the black says how it was written, and nothing of the network.",
            pictures=PictureTable(
                {
                    ("InceptionV3", "written without de-processing"): ("range", "inceptionv3", IN_RANGE),
                    ("InceptionV3", "the same in RGB"): ("range", "inceptionv3", IN_RANGE),
                    ("InceptionV3", "total variation of RGB"): ("comparison", "inceptionv3"),
                },
                unprocessed=frozenset({("InceptionV3", "written without de-processing")}),
            ),
        ),
        Exhibit(
            "loss",
            "Figures 10 to 12",
            "loss over ten iterations",
            theirs="Of the curves the text says: the loss stops falling significantly at the tenth iteration, "
            "ResNet50's is very low beside the others, and those of VGG16 and VGG19 come to be alike.",
            curves=Curves(
                (*((("comparison", name)) for name in ("resnet50", "vgg16", "vgg19")), ("descent", "vgg19", "descent")),
                ROUND,
            ),
        ),
        Exhibit(
            "layers",
            "Section 5",
            "ResNet50 with 12 layers instead of 5",
            theirs="No figure: the loss falls, and the pictures are blurred all the same. Which twelve is not said; "
            "ours are the first activation and eleven blocks' outputs.",
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
                {("VGG19", weight): ("total_variation", "vgg19", weight) for weight in ("0", "0.1")}
                | {
                    ("VGG16, rescaled", "0"): ("rescaled_total_variation", "vgg16", "0"),
                    ("VGG16, rescaled", "0.1"): ("rescaled", "vgg16"),
                },
                column_title="total variation weight",
            ),
        ),
        Exhibit(
            "pooling",
            "Section 3.3",
            "average and max pooling",
            theirs="No figure.",
            pictures=PictureTable(
                {("VGG19", "average"): ("comparison", "vgg19"), ("VGG19", "max"): ("pooling", "vgg19", "max")}
            ),
        ),
        Exhibit(
            "content",
            "Section 5",
            "content layers",
            theirs="No figure.",
            pictures=PictureTable(
                {("VGG19", layer): ("content_layer", "vgg19", layer) for layer in ("block2_conv2", "block5_conv2")}
            ),
        ),
        Exhibit(
            "color",
            "Section 2",
            "keeping the content's colours",
            theirs="No figure: a review of Gatys, Bethge, Hertzmann and Shechtman.",
            pictures=PictureTable(
                {
                    ("VGG19", "style's colours"): ("comparison", "vgg19"),
                    ("VGG19", "luminance only"): ("color", "vgg19", "luminance"),
                    ("VGG19", "histograms matched"): ("color", "vgg19", "match-histogram"),
                }
            ),
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(160, 200, "Small, for a processor; ten rounds of 20 evaluations, as theirs."),
    large=Scale(256, 200, "The set of many pairs; ten rounds of 20 evaluations, as theirs."),
    own=Scale(
        600,
        200,
        "The paper does not give its size: that of the classic Keras example is taken, 400 rows, which is 600 pixels "
        "for the longest side of a 3:2 picture.",
    ),
    main=("comparison",),
    left_out=LEFT_OUT,
)
