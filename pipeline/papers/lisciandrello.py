"""Lisciandrello, Inzerillo and Monti: VGG19, VGG16, and what ResNet50 needs."""

from __future__ import annotations

from pipeline.grid.backbone_labels import display_name
from pipeline.papers.evidence import View
from pipeline.papers.finding import Missing
from pipeline.papers.lisciandrello_claims import CLAIMS
from pipeline.papers.lisciandrello_studies import NETWORKS, RATES, RATIOS, SETS, STUDIES, cell
from pipeline.papers.paper import Curves, Exhibit, LeftOut, Paper, PictureTable, Scale, Table
from pipeline.papers.quantity import short


def _times(view: View) -> Table:
    rows = []
    for backbone in NETWORKS:
        name = display_name(backbone)
        try:
            found = view[cell(backbone)]
            seconds = f"{found.final.seconds:.0f}"
            row = (name, seconds, f"{1000 * found.seconds_an_evaluation:.0f}", short(found.final.total))
        except Missing as missing:
            row = (name, str(missing), "", "")
        rows.append(row)
    return Table(("Network", "Seconds", "Milliseconds an evaluation", "Final loss"), tuple(rows))


LISCIANDRELLO = Paper(
    key="lisciandrello",
    citation="Lisciandrello, Inzerillo, Monti: “Neural Style Transfer: Implementation and analysis of various "
    "techniques”, Polytechnic University of Turin.",
    summary="VGG19, VGG16 and ResNet50 in TensorFlow, max pooling kept, alpha/beta = 1e-4, total variation weight "
    "1e-6, 1000 steps of gradient descent with a learning rate of 100 and a decay. Preset lisciandrello.",
    differs="The paper does not give beta: 1e-6 is taken, from Keras' current example, whose total variation weight, "
    "learning rate and decay are theirs too. A rate of 100 belongs to pictures of its size, and gradients grow as "
    "pictures shrink. VGG16's weights are another training (named below). Section 3.3 has every setting tried with "
    "all three networks; weights, rates and steps are varied for VGG19 alone here, for which section 4 has them "
    "chosen. The pictures are ours.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "networks",
            "Figure 5",
            "the three networks",
            theirs="Three pictures after 1000 iterations; the text finds VGG19's the most pleasing.",
            note="The second row has filters rescaled for both VGG networks, because VGG16's file has another scale; "
            "the third no total variation, which shows what the style loss does alone; the last our own settings.",
            pictures=PictureTable(
                {("their settings", display_name(name)): cell(name) for name in NETWORKS}
                | {("filters rescaled", display_name(name)): ("rescaled", name) for name in ("vgg19", "vgg16")}
                | {
                    ("no total variation", "VGG19"): ("no_total_variation", "vgg19"),
                    ("no total variation", "ResNet50"): ("resnet50_no_total_variation", "resnet50"),
                }
                | {("balanced, ours", display_name(name)): ("balanced", name) for name in NETWORKS}
                | {("Gatys' settings", "VGG19"): ("original", "vgg19")}
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
            curves=Curves(tuple(map(cell, NETWORKS))),
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
            theirs="block4_conv2 and block5_conv2: no difference.",
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
            theirs="Two pictures, of 1e-6 and of 1e-5. The text asks for a very small weight to stay sharp.",
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
                {("VGG19", ratio): ("ratio", "vgg19", ratio) for ratio in RATIOS}, column_title="alpha/beta"
            ),
        ),
        Exhibit(
            "rates",
            "Figures 8 and 9",
            "learning rates",
            theirs="Five rates on one picture; and a portrait beside a landscape. Portraits needed a higher rate, says "
            "the text.",
            pictures=PictureTable(
                {("no portrait", rate): ("rates", "vgg19", rate) for rate in RATES}
                | {("portrait", rate): ("portrait_rates", "vgg19", rate) for rate in RATES},
                column_title="learning rate",
            ),
            curves=Curves(tuple(("rates", "vgg19", rate) for rate in RATES)),
        ),
        Exhibit(
            "steps",
            "Section 3.3",
            "as many steps again",
            theirs="No figure.",
            pictures=PictureTable({("VGG19", label): ("steps", "vgg19", label) for label in ("once", "twice")}),
        ),
        Exhibit(
            "pooling",
            "Section 3.1",
            "max and average pooling",
            theirs="No figure.",
            pictures=PictureTable(
                {("VGG19", "max"): ("networks", "vgg19"), ("VGG19", "average"): ("pooling", "vgg19", "avg")}
            ),
        ),
        Exhibit(
            "further",
            "Section 5",
            "further losses, ours",
            theirs="No figure: a plan.",
            pictures=PictureTable(
                {("VGG19", "Gram, balanced"): ("balanced", "vgg19")}
                | {("VGG19", name): ("further_losses", "vgg19", name) for name in ("strotss", "nnst")}
            ),
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(128, 200, "Small, for a processor: descent takes a step an evaluation."),
    large=Scale(256, 200, "The set of many pairs."),
    own=Scale(
        600,
        1000,
        "The paper does not give its size: that of Keras' example is taken, 400 rows, which is 600 pixels for the "
        "longest side of a 3:2 picture.",
    ),
    main=("networks", "normaliser"),
    left_out=(
        LeftOut(
            "Deep layers hold the content and low ones the style, and the two are independent: a picture can have the "
            "structure of the one and the colours and texture of the other.",
            "section 1",
            "Gatys' finding, told as background; what layers hold is judged among the claims of Xu, Shi and Pei, "
            "whether pictures satisfy among these. Independence has no measure.",
        ),
        LeftOut(
            "Optimising a picture takes long, a network that is trained for a style is faster, and the two should be "
            "compared.",
            "sections 1, 2 and 5",
            "Told as background of Jing's review; judged among the claims of Khan and others.",
        ),
        LeftOut(
            "A few pictures are enough, and they have to be brought to one size.",
            "section 2",
            "Nothing is trained on them. Sizes are of their program: here contents and styles have any.",
        ),
        LeftOut(
            "Evaluation is difficult and has to be by eye: how pleasing a picture is counts, not how low its loss "
            "ends.",
            "sections 3.5 and 4",
            "No finding. What is said of looks here is by proxy, which this page's judges are.",
        ),
        LeftOut(
            "Their results fall short because of their resources, Colab's memory among them.",
            "sections 4 and 5",
            "An explanation by machines that are not here. Whether they fall short is among the claims.",
        ),
        LeftOut(
            "Styles of three-dimensional objects, new styles out of old ones, pictures from a few concepts, films, "
            "games.",
            "section 5",
            "A hope, without a method.",
        ),
        LeftOut(
            "ResNet50's style loss is tiny because the network does not read the style, which blurs the picture.",
            "section 3.2.1",
            "An explanation. That a constant factor mends it, as the same section finds and is judged, speaks for the "
            "scale of the loss instead.",
        ),
        LeftOut(
            "With the denominator ResNet50's results were too blurry for figures to be recognised.",
            "section 4, figure 6",
            "Figure 6 is one of the first, by settings that are not told. That pictures are blurred is judged.",
        ),
        LeftOut(
            "What a loss comes to depends on the settings and on the pictures.",
            "section 4",
            "So by construction.",
        ),
        LeftOut(
            "Augmented and divided sets are of no use; losses and ResNet50 took most of the work, and no paper says "
            "which of its layers to take.",
            "sections 2, 3.4 and 4",
            "Of their work and of the literature.",
        ),
        LeftOut(
            "Styles of several pictures, by region.",
            "section 5",
            "A plan, without settings. Regions and mixtures exist here (docs/styles.md); nothing is claimed of them.",
        ),
    ),
)
