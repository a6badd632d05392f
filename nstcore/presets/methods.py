"""Methods beside Gram matrices, balanced so that one setting serves every backbone."""

from __future__ import annotations

from typing import Any

from nstcore.networks.backbones import Backbone
from nstcore.presets.balanced import BALANCED, is_vgg
from nstcore.presets.papers import FIVE_STAGES
from nstcore.presets.preset import Preset, without_gram

# Measured at 256 px: with 1 VGG19 paints the style picture anew, with 0.1 the content stays; the others keep it with 1.
_PATCHES = {"vgg16": 0.1, "vgg19": 0.1}

_QUARTER_TURNS = (90.0, 180.0, -90.0)
_OURS = "through networks other than VGG: frequencies for pixels, layers and style weight as in `balanced`"
_SIZES = "sizes halved down to 256 with half the iterations at the smaller ones, where theirs begin at a smaller one"


def _middle(backbone: Backbone) -> tuple[str, ...]:
    """The style layers at half and at three quarters of a network's depth: VGG's block3_conv1 and block4_conv1.

    One, if they are the same.
    """
    last = len(backbone.style_layers) - 1
    return tuple(dict.fromkeys((backbone.style_layers[last // 2], backbone.style_layers[round(0.75 * last)])))


def _patches(backbone: Backbone) -> dict[str, Any]:
    return without_gram(patches={"weight": _PATCHES.get(backbone.name, 1.0), "layers": _middle(backbone)})


def _patches_without_noise(backbone: Backbone) -> dict[str, Any]:
    """With a hundred times as much total variation for networks that leave a grid of noise otherwise."""
    return _patches(backbone) | ({} if is_vgg(backbone) else {"total_variation_weight": 1e-8})


METHODS: dict[str, Preset] = {
    "cnnmrf": Preset(
        source="Li and Wand 2016 and their code: 3 x 3 patches at relu3_1 and relu4_1, squared total variation, from "
        "the content picture, coarse to fine",
        ours="balanced terms; stride 1 where the code takes 2; no turned and enlarged copies of the style, which "
        "cost as much as the style each (`rotations`, `scales` of the loss); Adam where the code takes L-BFGS; total "
        "variation of 1e-10, through networks other than VGG of 1e-8, where it has 1e-3 beside terms that are not "
        f"balanced; through ResNet50 ends of blocks; {_SIZES}",
        # A patch's match is the nearest by correlation and is compared by distance, so that the loss jumps where a
        # match changes, and line searches find no step: of 24 runs of L-BFGS (four networks, 256 px) 11 ended early,
        # the six through VGG16 at the content picture. At 160 px Adam leaves 0.82 of VGG16's loss (L-BFGS 0.99), 0.78
        # of VGG19's (0.79) and, at layers inside its blocks, 0.52 of ResNet50's (0.50).
        settings={
            "total_variation": "squared",
            "iterations": 100,
            "optimizer": "adam",
            "optimizer_settings": {"learning_rate": 5.0},
        },
        # Ends of blocks make strokes of what was a grain, at a quarter and an eighth of the size as VGG's two layers.
        of_backbone={
            "resnet50": {
                "style_layers": ("conv2_block3_out", "conv3_block4_out"),
                "content_layers": ("conv3_block4_out",),
            }
        },
        from_layers=_patches_without_noise,
    ),
    "xu2016-mrf": Preset(
        source="Xu, Shi, Pei 2016: patches of Li and Wand and total variation, average pooling, noise, "
        "and SciPy's L-BFGS alone (IV-A 3)",
        ours="balanced terms, where figure 17 has alpha/beta of 20, 6.6 and 4; filters as trained, where theirs are "
        "rescaled (footnote 1); the range of pixels is kept; layers relu3_1 and relu4_1 and patches of 3 x 3, which "
        "are Li and Wand's, stride 1, one size, total variation of 1e-10 with exponent 1.25 and 400 iterations, none "
        "of which is given. The loss jumps where the match of a patch changes, so that L-BFGS may find no step and end "
        "early: of 24 runs of this loss from the content picture 11 did (cnnmrf has Adam)",
        settings={"pooling": "avg", "init": "noise", "coarse_sizes": (), "optimizer": "lbfgs", "iterations": 400},
        from_layers=_patches,
    ),
    "nnst": Preset(
        source="Kolkin et al. 2022 (neural neighbor style transfer) and their code: cosine distance of each position's "
        "features from the nearest of the style and of its quarter turns, layers joined, coarse to fine, matches "
        "found once a size for the content with a quarter of what came of the size before; a last pass layer by layer, "
        "matches found anew",
        ours="balanced terms, the content's among them; L-BFGS; our style layers; the last pass is the second half of "
        "the iterations at full size; hues are left as they come (`color` style-hues is what their code does at last); "
        f"{_SIZES}; {_OURS}",
        like=BALANCED,
        settings={"iterations": 200},
        from_layers=lambda backbone: without_gram(
            nearest_neighbors={"layers": backbone.style_layers, "rotations": _QUARTER_TURNS, "ends": 0.5},
            layer_neighbors={"layers": backbone.style_layers, "rotations": _QUARTER_TURNS, "begins": 0.5},
        ),
    ),
    "strotss": Preset(
        source="Kolkin, Salavon, Shakhnarovich 2019 and their code: relaxed earth mover's distance with moments, that "
        "of colors beside it, content by self-similarity, coarse to fine",
        ours="balanced terms, where the code weighs the content by 16 at the first size and by half as much at each "
        "further one; colors with a quarter of the weight (in the code 1/16 to 1/2 of an unbalanced one, growing from "
        "size to size); positions drawn once, where theirs are drawn anew at each step; L-BFGS, where "
        "theirs is RMSprop of a Laplacian pyramid; our style layers, and all but the first of them for the content, "
        "where theirs are nine of VGG16 and the colors for both; moments of features that are divided by their root "
        f"mean square in the style; {_SIZES}; {_OURS}",
        like=BALANCED,
        settings={"iterations": 200},
        from_layers=lambda backbone: without_gram(
            content={"weight": 0.0},
            earth_movers={"layers": backbone.style_layers},
            palette={"weight": 0.25},
            self_similarity={"layers": backbone.style_layers[1:] or backbone.style_layers},
        ),
    ),
    "swag": Preset(
        source="Wang et al. 2021 (SWAG): softmax over every layer before both losses; for ResNet50 style at the first "
        "convolution and the ends of its stages, content at the end of the third",
        ours="balanced terms, which cancel the constants of its published code",
        settings={"losses": {"gram": {"softmax": True}, "content": {"softmax": True}}},
        of_backbone={"resnet50": FIVE_STAGES["resnet50"]},
    ),
    "risser": Preset(
        source="Risser, Wilmot, Barnes 2017: histograms at relu1_1 and relu4_1 beside Gram matrices",
        ours=f"balanced terms of equal weight; {_OURS}",
        like=BALANCED,
        from_layers=lambda backbone: {
            "losses": {
                "gram": {"weight": 0.5},
                "histogram": {
                    "weight": 0.5,
                    "layers": tuple(dict.fromkeys((backbone.style_layers[0], _middle(backbone)[-1]))),
                },
            }
        },
    ),
}
