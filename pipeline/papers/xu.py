"""Xu, Shi and Pei 2016: Gatys' method and its knobs, and a loss of patches beside it."""

from __future__ import annotations

from pipeline.papers.evidence import Evidence
from pipeline.papers.paper import Exhibit, Paper, PictureTable, Scale, Table
from pipeline.papers.xu_claims import CLAIMS
from pipeline.papers.xu_studies import (
    CONTENT_LAYERS,
    LAYER_RATIO,
    OUR_LAYER_RATIO,
    OUR_RATIOS,
    PAIR_RATIOS,
    SETS,
    STUDIES,
    TABLE_RATIOS,
)

_IMAGES = tuple(f"Image {number}" for number in range(1, 6))


def _times(evidence: Evidence) -> Table:
    rows = []
    for ratio in PAIR_RATIOS:
        final = evidence["ratios", "vgg19", ratio].final
        rows.append((f"alpha/beta {ratio}", f"{final.seconds:.1f}", str(final.iteration), str(final.evaluations)))
    return Table(("L-BFGS", "Seconds", "Iterations", "Evaluations"), tuple(rows))


XU = Paper(
    key="xu2016",
    citation="Xu, Shi, Pei: “Artistic Style Transfer Using Neural Network”, report E4040.2016Fall.NASS, Columbia "
    "University, 2016.",
    summary="Gatys' method on Theano, VGG19 with average pooling, from noise, SciPy's L-BFGS against their own "
    "RMSprop; then the loss of patches of Li and Wand. Preset xu2016-gatys, with Keras' VGG19 as it was trained, which "
    "is not Gatys' rescaled one, and without total variation.",
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
                {("E", ratio): ("ratios", "vgg19", ratio) for ratio in PAIR_RATIOS},
                row_title="style layers",
                column_title="alpha/beta",
            ),
        ),
        Exhibit(
            "ours",
            "Figures 10 and 12",
            "the same, at ratios where these weights trade off",
            theirs="As above: their ratios are for rescaled weights.",
            pictures=PictureTable(
                {(name, ratio): ("our_ratios", "vgg19", name, ratio) for name in ("A", "E") for ratio in OUR_RATIOS},
                row_title="style layers",
                column_title="alpha/beta",
            ),
        ),
        Exhibit(
            "content",
            "Figure 13",
            "content layer",
            theirs="conv5_2, conv4_2, conv3_2, conv2_2 at 5e-8: lower layers keep the photograph's pixels, higher ones "
            "only its arrangement.",
            pictures=PictureTable(
                {
                    (ratio, layer): ("content_layers", "vgg19", ratio, layer)
                    for ratio in (LAYER_RATIO, OUR_LAYER_RATIO)
                    for layer in CONTENT_LAYERS
                },
                row_title="alpha/beta",
                column_title="content layer",
            ),
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
            our_table=_times,
            note="RMSprop is open. They do not give their number of iterations.",
        ),
        Exhibit(
            "mrf",
            "Table II",
            "Gram matrices against patches, seconds",
            their_table=Table(
                ("", *_IMAGES),
                (
                    ("Gram matrices", "163.5", "166.2", "163.6", "167.2", "162.4"),
                    ("Patches (MRF)", "1826.1", "1799.2", "1847.6", "1810.1", "1885.6"),
                ),
            ),
            note="The loss of patches is open; figures 15 to 21 with it.",
        ),
    ),
    claims=CLAIMS,
    scaled=Scale(160, 100, "Small, for a processor."),
    own=Scale(
        600,
        500,
        "The paper gives neither: 600 pixels are the Lasagne recipe's that it acknowledges, 500 iterations ours.",
    ),
)
