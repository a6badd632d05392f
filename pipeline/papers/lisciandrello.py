"""Lisciandrello, Inzerillo and Monti: VGG19, VGG16, and what ResNet50 needs."""

from __future__ import annotations

from pipeline.papers.evidence import Evidence, Missing
from pipeline.papers.judging import short
from pipeline.papers.lisciandrello_claims import CLAIMS, NETWORKS, SETS
from pipeline.papers.lisciandrello_studies import STUDIES
from pipeline.papers.paper import Curves, Exhibit, Paper, PictureTable, Scale, Table

_NAMES = {"vgg19": "VGG19", "vgg16": "VGG16", "resnet50": "ResNet50"}


def _times(evidence: Evidence) -> Table:
    rows = []
    for backbone in NETWORKS:
        try:
            found = evidence["networks", backbone]
            seconds = f"{found.final.seconds:.0f}"
            row = (_NAMES[backbone], seconds, f"{1000 * found.seconds_an_evaluation:.0f}", short(found.final.total))
        except Missing as missing:
            row = (_NAMES[backbone], str(missing), "", "")
        rows.append(row)
    return Table(("Network", "Seconds", "Milliseconds an evaluation", "Final loss"), tuple(rows))


LISCIANDRELLO = Paper(
    key="lisciandrello",
    citation="Lisciandrello, Inzerillo, Monti: “Neural Style Transfer: Implementation and analysis of various "
    "techniques”, Polytechnic University of Turin.",
    summary="VGG19, VGG16 and ResNet50 in TensorFlow, max pooling kept, alpha/beta = 1e-4, total variation weight "
    "1e-6, 1000 steps of gradient descent with a learning rate of 100 and a decay. Preset lisciandrello, with L-BFGS. "
    "The paper does not give beta: 1e-6 is taken, from Keras' current example, whose total variation weight, learning "
    "rate and decay are theirs too.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "networks",
            "Figure 5",
            "the three networks",
            theirs="Three pictures after 1000 iterations; the text finds VGG19's the most pleasing.",
            note="The second row is ours: it shows what a network's style loss does where no total variation weighs "
            "against it. How large that loss is depends on the scale of the network's weights, named below.",
            pictures=PictureTable(
                {
                    (row, _NAMES[name]): (study, name)
                    for row, study in (("their settings", "networks"), ("no total variation", "no_total_variation"))
                    for name in NETWORKS
                }
            ),
        ),
        Exhibit(
            "normaliser",
            "Figure 6",
            "ResNet50 with and without the denominator of the style loss",
            theirs="With the denominator (before their change) the picture is too blurred to recognise figures.",
            pictures=PictureTable(
                {
                    ("ResNet50", "1/(4N²M²)"): ("normaliser", "resnet50", "gatys"),
                    ("ResNet50", "no denominator"): ("normaliser", "resnet50", "none"),
                }
            ),
        ),
        Exhibit(
            "loss",
            "Figure 7",
            "loss curves of the three networks",
            theirs="Three curves; the text says of losses that they fall strictly nearly every time.",
            curves=Curves(tuple(("networks", name) for name in NETWORKS)),
        ),
        Exhibit(
            "times",
            "Table 2",
            "time of the three networks",
            theirs="Not completely reliable, they say: Google Colab gave them different GPUs.",
            their_table=Table(("Network", "Seconds"), (("VGG19", "854"), ("VGG16", "714"), ("ResNet50", "269"))),
            our_table=_times,
            note="Seconds of the whole run at this scale, with compilation and whatever else the machine did; an "
            "evaluation is what the fastest tenth of the steps took.",
        ),
        Exhibit(
            "content",
            "Figure 10",
            "content layer",
            theirs="block4_conv2 and block5_conv2: “the outputs are basically the same”.",
            pictures=PictureTable(
                {("VGG19", layer): ("content_layer", "vgg19", layer) for layer in ("block4_conv2", "block5_conv2")},
                column_title="content layer",
            ),
        ),
        Exhibit(
            "layers",
            "Figure 12",
            "layer sets of ResNet50",
            theirs="All similar and good-looking, except (d).",
            pictures=PictureTable(
                {("ResNet50", f"({letter})"): ("resnet50_layers", "resnet50", letter) for letter in SETS},
                column_title="layer set of section 4",
            ),
            note="The paper lists the same layers for (e) and (g).",
        ),
        Exhibit(
            "smooth",
            "Figure 13",
            "total variation weight",
            theirs="1e-6 is sharp, 1e-5 is blurred.",
            pictures=PictureTable(
                {
                    ("VGG19", text): ("total_variation", "vgg19", label)
                    for text, label in (("1e-6", "1e-06"), ("1e-5", "1e-05"))
                },
                column_title="total variation weight",
            ),
        ),
        Exhibit(
            "ratio",
            "Figure 2",
            "content against style",
            theirs="Two ratios, 1e-4 and 1e-3; 1e-4 is found best (section 3.2).",
            pictures=PictureTable(
                {("VGG19", ratio): ("ratio", "vgg19", ratio) for ratio in ("1e-4", "1e-3")}, column_title="alpha/beta"
            ),
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(160, 100, "Small, for a processor; L-BFGS needs fewer iterations than gradient descent."),
    own=Scale(
        600,
        1000,
        "The paper does not give its size: that of Keras' example is taken, 400 rows, which is 600 pixels for the "
        "longest side of a 3:2 picture.",
    ),
)
