"""Khan, Naseh, Sumanth and Hazra: optimised pictures in PyTorch, and networks trained for one style."""

from __future__ import annotations

from pipeline.papers.khan_claims import CLAIMS
from pipeline.papers.khan_network_claims import NETWORK_CLAIMS
from pipeline.papers.khan_networks import NEAREST, REALISTIC, STOPPED, TRANSPOSED, network_table
from pipeline.papers.khan_studies import ITERATIONS, STEPS, STUDIES
from pipeline.papers.paper import Curves, Exhibit, LeftOut, Paper, PictureTable, Scale

_METHOD = ("method", "vgg19")

# What a network takes on two cores, a crop at a time (docs/feed-forward.md). The rate stays the preset's, an unchanging
# one, so that a training that is stopped earlier is the beginning of the whole.
_ON_A_PROCESSOR = {
    "network": "small",
    "batch": 1,
    "reuse": 8,
    "weighting": "relative",
    "optimizer": "muon",
    "learning_rate": 2e-3,
}

KHAN = Paper(
    key="khan",
    citation="Khan, Naseh, Sumanth, Hazra: “Neural Style Transfer in Images using Deep Learning”, SRMIST, Chennai.",
    summary="PyTorch: rescaled VGG19 with average pooling, Adam and total variation; then a feed-forward network "
    "trained with the perceptual loss. Presets khan2019 and khan2019-feedforward.",
    differs="Weights, layers, learning rate and iterations are not given. The weights are those that Xu, Shi and "
    "Pei have for the same rescaled network (alpha/beta of 5e-7), the layers Gatys', the rate 10. Filters are "
    "rescaled by other pictures than Gatys'. The pictures are ours. Nothing is said of the network nor of how it is "
    "trained: both are Johnson's at the paper's own size, and at a small one the small network, a crop a step, and the "
    "optimiser and the weighting that are ours.",
    studies=STUDIES,
    exhibits=(
        Exhibit(
            "method",
            "Section I-D (system design)",
            "pictures by their settings",
            theirs="No figure.",
            pictures=PictureTable(
                {
                    ("VGG19", "their settings"): _METHOD,
                    ("VGG19", "from the content picture"): ("start", "vgg19", "content"),
                    ("VGG19", "balanced, ours"): ("balanced", "vgg19"),
                }
            ),
            curves=Curves((_METHOD, ("start", "vgg19", "content"))),
        ),
        Exhibit(
            "pooling",
            "Section I (system design)",
            "average and max pooling",
            theirs="No figure.",
            pictures=PictureTable({("VGG19", "average"): _METHOD, ("VGG19", "max"): ("pooling", "vgg19", "max")}),
        ),
        Exhibit(
            "layers",
            "Section II (implementation)",
            "up to the eighth convolution",
            theirs="No figure: results like neither of the two pictures.",
            pictures=PictureTable({("VGG19", "all"): _METHOD, ("VGG19", "eight"): ("layers", "vgg19", "eight")}),
        ),
        Exhibit(
            "detached",
            "Section II (implementation)",
            "a Gram matrix without a gradient",
            theirs="No figure: an image almost identical to the content image.",
            pictures=PictureTable(
                {
                    ("VGG19", "with a gradient"): _METHOD,
                    ("VGG19", "without"): ("detached", "vgg19", "detached"),
                }
            ),
        ),
        Exhibit(
            "unnormalized",
            "Section II (implementation)",
            "pictures in 0 to 255",
            theirs="No figure: white noise or blank images.",
            pictures=PictureTable(
                {
                    ("VGG19", "as it should be"): _METHOD,
                    ("VGG19", "255 times as large"): ("unnormalized", "vgg19", "0 to 255"),
                }
            ),
        ),
        Exhibit(
            "networks",
            "Sections III and IV",
            "networks that are trained for the style",
            theirs="Figures 3 and 4 (there are two of that number): a content, a style and one result, of which way to "
            "enlarge is not said. Without numbers: less than a second a picture, a few hours of training, losses "
            "comparable to those of optimisation.",
            our_table=network_table,
            pictures=PictureTable(
                {
                    ("VGG19", "optimised"): _METHOD,
                    ("VGG19", "nearest"): NEAREST,
                    ("VGG19", "transposed"): TRANSPOSED,
                    ("VGG19", "stopped early"): STOPPED,
                    ("VGG19", "content × 10"): REALISTIC,
                }
            ),
            note="The loss of the last network has another weight, and compares with no other.",
        ),
    ),
    claims=(*CLAIMS, *NETWORK_CLAIMS),
    scaled=Scale(160, 100, "Small, for a processor.", 200, _ON_A_PROCESSOR),
    large=Scale(256, 100, "The set of many pairs.", 1000, _ON_A_PROCESSOR),
    own=Scale(512, ITERATIONS, "The paper gives neither: those of Gatys et al. 2016.", STEPS),
    main=("method", "nearest"),
    left_out=(
        LeftOut(
            "A style transfer makes a new picture, where filters change one.",
            "abstract",
            "A definition.",
        ),
        LeftOut(
            "Older methods of texture transfer use low-level features only.",
            "section I",
            "Gatys' introduction, retold.",
        ),
        LeftOut(
            "Activations are not proportional to colours, so that results are inconsistent; histogram losses are more "
            "stable and look outstanding; universal transfer by feature transforms takes any style, where others fail "
            "at some.",
            "section II-C and D",
            "A review of Risser's and Li's papers, without settings or figures. Both losses exist here.",
        ),
        LeftOut(
            "More layers make a network more powerful, and a transfer of photographs handles any content.",
            "section II-B and E",
            "A review of other papers, without settings or figures.",
        ),
        LeftOut(
            "Early layers hold the fine texture of a style, deep ones elements of a higher level.",
            "section I-C (system design)",
            "Gatys' finding, retold without a figure; how high a level is cannot be measured. Whether structures grow "
            "with layers is judged among the claims of Xu, Shi and Pei.",
        ),
        LeftOut(
            "Total variation makes neighbouring pixels alike, and a lower loss is nearer to the goal.",
            "section I-D (system design)",
            "What the two are for. No weight is given; papers that give one have smoothing among their claims.",
        ),
        LeftOut(
            "With their own Gram matrix the style loss falls for an iteration or two before it stays where it is.",
            "section II (implementation)",
            "A style loss without a gradient moves with what the content's does, first as the start has it, which is a "
            "random picture there and of no known kind. That it stays high is judged.",
        ),
        LeftOut(
            "Pictures have to be passed through all layers of VGG19, even where the losses read a few.",
            "section II (implementation)",
            "By construction it is not so: what no loss reads has no part in a loss or its gradient. The results that "
            "the paper tells of are judged by the layers that are read.",
        ),
        LeftOut("Audio can be transferred less well.", "section II", "A review, and not of pictures."),
        LeftOut(
            "A network takes any variety of pictures.",
            "section IV",
            "No number of pictures shows it. The network is judged on pictures that it was not trained on, unless "
            "there are no other photographs.",
        ),
        LeftOut(
            "A processor is too slow; PyTorch is easy to debug, and values that are overwritten spoil its graph.",
            "section II (implementation)",
            "Of their machine, their taste and the inside of a program.",
        ),
        LeftOut(
            "Pictures of equal features have one content, those of equal Gram matrices one style.",
            "section I-B and C (system design)",
            "Definitions, not findings.",
        ),
        LeftOut(
            "A small content loss should carry the contours over, as the layer has it.",
            "section I-B (system design)",
            "An expectation, without a figure. Content layers are judged among the claims of Gupta and of Xu.",
        ),
        LeftOut(
            "Content and style can be separated and joined anew, with high perceptual quality; a trained network holds "
            "them independently, which gives insight and can be used for synthesis.",
            "sections II-A, I and I-A (system design)",
            "Gatys' words, retold. Whether a picture has both is judged.",
        ),
        LeftOut(
            "A perceptual loss has the advantages of a network and of optimisation; others train by pixels.",
            "section II-F",
            "Johnson's words. No network that is trained by pixels is shown.",
        ),
        LeftOut(
            "Their function for the Gram matrix, tested alone, gives the same numbers as another's.",
            "section II (implementation)",
            "So by construction: a matrix that passes no gradient on has the same values.",
        ),
        LeftOut(
            "With all layers the results look like those that were published.",
            "section II (implementation)",
            "Which pictures is not said, and they are not ours. Whether pictures have the content and the style is "
            "judged, and whether they are better than with eight convolutions.",
        ),
    ),
)
