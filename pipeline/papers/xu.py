"""Xu, Shi and Pei 2016: Gatys' method and its knobs, and a loss of patches beside it."""

from __future__ import annotations

from functools import partial

from pipeline.papers.evidence import View
from pipeline.papers.finding import Missing
from pipeline.papers.paper import Curves, Exhibit, LeftOut, Paper, PictureTable, Scale, Table
from pipeline.papers.quantity import short
from pipeline.papers.xu_claims import CLAIMS
from pipeline.papers.xu_studies import (
    CONTENT_LAYERS,
    GRAM,
    LAYER_RATIO,
    METHODS,
    MRF_RATIOS,
    PAIR_RATIOS,
    SETS,
    STUDIES,
    TABLE_RATIOS,
)

_IMAGES = tuple(f"Image {number}" for number in range(1, 6))
_RUNS = {
    "Gram matrices, L-BFGS": GRAM,
    "Gram matrices, RMSprop": ("rmsprop", "vgg19"),
    "Patches, L-BFGS": ("mrf", "vgg19"),
}


def _times(view: View, runs: tuple[str, ...]) -> Table:
    rows = []
    for name in runs:
        key = _RUNS[name]
        try:
            found = view[key]
            final, pace = found.final, found.seconds_an_evaluation
            numbers = (
                f"{pace * final.evaluations:.3g}",
                str(final.evaluations),
                f"{1000 * pace:.0f}",
                short(final.total),
            )
            rows.append((name, *numbers))
        except Missing as missing:
            rows.append((name, str(missing), "", "", ""))
    return Table(("Ours", "Seconds", "Evaluations", "Milliseconds an evaluation", "Final loss"), tuple(rows))


XU = Paper(
    key="xu2016",
    citation="Xu, Shi, Pei: “Artistic Style Transfer Using Neural Network”, report E4040.2016Fall.NASS, Columbia "
    "University, 2016.",
    summary="Gatys' method on Theano, VGG19 with rescaled filters and average pooling, from noise, SciPy's L-BFGS "
    "against their own RMSprop; then the loss of patches of Li and Wand. Presets xu2016-gatys, "
    "xu2016-rmsprop and xu2016-mrf.",
    differs="Beta is for each layer and total variation has a weight of 5e-14 of it, from code of the family that the "
    "report belongs to, where steps of both methods are from too. Filters are rescaled by other pictures than Gatys'. "
    "The pictures are ours.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "layers",
            "Figure 10",
            "style layers against alpha/beta",
            theirs="Four columns, 1e-9 to 1e-6, and five rows, conv1_1 alone (A) to conv1_1 … conv5_1 (E). It "
            "reproduces a figure of Gatys', where structures grow from row to row and the photograph shows "
            "from column to column.",
            pictures=PictureTable(
                {(name, ratio): ("layers_by_ratio", "vgg19", name, ratio) for name in SETS for ratio in TABLE_RATIOS},
                row_title="style layers",
                column_title="alpha/beta",
            ),
        ),
        Exhibit(
            "ratios",
            "Figure 12",
            "content against style",
            theirs="Four pictures, 5e-9 to 5e-6: the larger the ratio, the more of the photograph.",
            pictures=PictureTable(
                {("their settings", ratio): ("ratios", "vgg19", ratio) for ratio in PAIR_RATIOS},
                column_title="alpha/beta",
            ),
        ),
        Exhibit(
            "ours",
            "Figure 12",
            "content against style with our settings",
            theirs="The same figure; these are no part of a verdict.",
            pictures=PictureTable(
                {("balanced, ours", weight): ("our_ratios", "vgg19", weight) for weight in ("0.1", "1", "10")}
                | {("Gatys' own settings", "1"): ("original", "vgg19")},
                column_title="content weight",
            ),
        ),
        Exhibit(
            "content",
            "Figure 13",
            "content layer",
            theirs="conv5_2, conv4_2, conv3_2, conv2_2 at 5e-8: lower layers keep the photograph's pixels, higher ones "
            "only its arrangement.",
            pictures=PictureTable(
                {(LAYER_RATIO, layer): ("content_layers", "vgg19", LAYER_RATIO, layer) for layer in CONTENT_LAYERS},
                row_title="alpha/beta",
                column_title="content layer",
            ),
        ),
        Exhibit(
            "optimizers",
            "Figure 14",
            "L-BFGS against RMSprop",
            theirs="Pictures by each. The text says of them and of table I that L-BFGS takes less time.",
            pictures=PictureTable({("VGG19", "L-BFGS"): GRAM, ("VGG19", "RMSprop"): ("rmsprop", "vgg19")}),
            curves=Curves((GRAM, ("rmsprop", "vgg19"))),
        ),
        Exhibit(
            "times",
            "Table I",
            "L-BFGS against RMSprop, seconds",
            their_table=Table(
                ("", *_IMAGES[:4]),
                (
                    ("SciPy's L-BFGS", "163.5", "166.2", "163.6", "167.2"),
                    ("RMSprop", "799.2", "797.1", "794.6", "796.2"),
                ),
            ),
            our_table=partial(_times, runs=tuple(_RUNS)[:2]),
            note="They do not give their numbers of steps. Seconds are evaluations times what the fastest tenth of the "
            "steps took for one.",
        ),
        Exhibit(
            "mrf",
            "Table II, figures 18 to 21",
            "Gram matrices against patches",
            theirs="Figures 15 to 20 have portraits and photographs, where patches do better, says the text; figure "
            "21 a pair of different structure, where they do worse.",
            their_table=Table(
                ("", *_IMAGES),
                (
                    ("Gram matrices", "163.5", "166.2", "163.6", "167.2", "162.4"),
                    ("Patches (MRF)", "1826.1", "1799.2", "1847.6", "1810.1", "1885.6"),
                ),
            ),
            our_table=partial(_times, runs=tuple(_RUNS)[::2]),
            pictures=PictureTable({("VGG19", METHODS[0]): GRAM, ("VGG19", METHODS[1]): ("mrf", "vgg19")}),
            note="Their times of Gram matrices are those of table I, whose pictures are others by its caption.",
        ),
        Exhibit(
            "photographs",
            "Figures 1, 16 and 19",
            "a photograph as the style",
            theirs="A photograph as the style in figure 1, and in one direction of 16 (patches) and 19 (Gram "
            "matrices).",
            pictures=PictureTable({("VGG19", name): ("photographs", "vgg19", name) for name in METHODS}),
        ),
        Exhibit(
            "mrf_ratios",
            "Figure 17",
            "content against patches",
            theirs="alpha/beta of 20 against 6.6, and of 20 against 4.",
            pictures=PictureTable(
                {("VGG19", ratio): ("mrf_ratios", "vgg19", ratio) for ratio in MRF_RATIOS}, column_title="alpha/beta"
            ),
        ),
        Exhibit(
            "pooling",
            "Section IV-A",
            "average and max pooling",
            theirs="No figure.",
            pictures=PictureTable({("VGG19", "average"): GRAM, ("VGG19", "max"): ("pooling", "vgg19", "max")}),
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(160, 60, "Small, for a processor."),
    large=Scale(256, 60, "The set of many pairs."),
    own=Scale(600, 400, "600 pixels and 400 iterations are those of the code of its family; the paper gives neither."),
    main=("ratios",),
    left_out=(
        LeftOut(
            "Content and style can be separated, and changed one without the other into new pictures that make sense; "
            "the picture comes to have both.",
            "sections I, II-A and II-B1",
            "Of the original papers. That the two can be traded is judged; independence and sense have no measure.",
        ),
        LeftOut(
            "A random picture can be changed until its features are those of the content picture.",
            "sections II-A and III, figure 2",
            "A way to see what a layer holds, of which no result of their own is shown; content layers are judged.",
        ),
        LeftOut(
            "Matching the style alone gives pictures without the arrangement of the scene.",
            "figure 2",
            "So by construction: a Gram matrix is a sum over places.",
        ),
        LeftOut(
            "Patches work for paintings and photographs as styles, Gram matrices for paintings alone.",
            "section II-B2",
            "Claimed of the original papers. How the two compare with each kind of style is among the claims.",
        ),
        LeftOut(
            "The search of patches is a convolution, and not as efficient as its authors say.",
            "section IV-A2",
            "Of their program; what it costs is judged in time and memory.",
        ),
        LeftOut(
            "RMSprop is faster than plain stochastic descent.",
            "section IV-B",
            "Said in passing, without a comparison; L-BFGS is compared with RMSprop.",
        ),
        LeftOut(
            "The network recognises objects as well as people do, and training it takes more storage than there is.",
            "sections III and IV-A4",
            "Of recognition, and of their machine; trained weights are taken here as there.",
        ),
        LeftOut(
            "Patches keep eyes and noses of a painted face.",
            "figure 5",
            "Said of a picture of Li and Wand's. Patches of photographs are judged.",
        ),
        LeftOut(
            "Layers of the network are like those of human sight.",
            "section V-A",
            "A comparison, without a measurement.",
        ),
        LeftOut(
            "Recurrent networks are worth exploring, and so is the best point between cost and quality.",
            "sections V-B and VI",
            "A plan.",
        ),
        LeftOut(
            "More and more of the style's layers are matched from row to row.",
            "section II-B, figure 10",
            "So by construction. That structures grow with them is judged.",
        ),
        LeftOut(
            "Structures grow because receptive fields do; patches are slow because the best match of each is searched.",
            "sections II-B and V-B",
            "Explanations. Sizes and times are judged.",
        ),
        LeftOut(
            "Nobody had compared the two methods.",
            "section V-B",
            "Of the literature of its time.",
        ),
    ),
)
