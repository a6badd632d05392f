"""The settings of the papers that this project reproduces, and of those that they follow."""

from __future__ import annotations

from typing import Any

from nstcore.presets.preset import Preset

#: The picture is optimised as it is, at its own size, and cut off at the end.
AS_PAPERS_DO: dict[str, Any] = {
    "pixel_range": "free",
    "coarse_sizes": (),
    "optimizer": "lbfgs",
}

#: How Keras' example descends.
KERAS_DESCENT: dict[str, Any] = {
    "optimizer": "sgd",
    "optimizer_settings": {"learning_rate": 100.0, "decay_rate": 0.96, "decay_steps": 100, "momentum": 0.0},
}

_GATYS: dict[str, Any] = {
    **AS_PAPERS_DO,
    "pooling": "avg",
    "style_normalization": "gatys",
    "content_weight": 1e-3,
    "style_weight": 1.0,
    "total_variation_weight": 0.0,
    "init": "noise",
    "iterations": 500,
}

_VGG_POOLS = {"style_layers": tuple(f"block{block}_pool" for block in range(1, 6))}

# Neither network has five pooling layers: five stages instead, each at half the size of the last, and a content layer
# at a sixteenth of the picture's size, as VGG's is.
FIVE_STAGES = {
    "resnet50": {
        "style_layers": ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
        "content_layers": ("conv4_block6_out",),
    },
    "inceptionv3": {
        "style_layers": ("activation", "max_pooling2d", "max_pooling2d_1", "mixed3", "mixed8"),
        "content_layers": ("mixed7",),
    },
}

_GUPTA: dict[str, Any] = {
    **AS_PAPERS_DO,
    "pooling": "avg",
    "style_normalization": "keras-example",
    "content_weight": 0.025,
    "style_weight": 5.0,
    "total_variation_weight": 0.1,
    "total_variation": "power",
    "init": "noise",
    "optimizer_settings": {"restart_every": 20},
    "iterations": 200,
}

# An iteration of L-BFGS is one evaluation or a few.
_ROUNDS = "200 iterations, begun anew every 20 evaluations, which are a few rounds more than ten"

_XU: dict[str, Any] = {
    **_GATYS,
    "filters": "normalized",
    "content_weight": 5e-9,
    "style_weight": 5.0,
    "total_variation_weight": 5e-14,
    "total_variation": "power",
    "iterations": 400,
}

_AS_XU = (
    "its noise is around the mean color, ours around the middle of the range; our rescaled filters, measured on other "
    "pictures; VGG19's weights of the terms for every network"
)

_BALANCED: dict[str, Any] = {"style_normalization": "balanced", "content_weight": 1.0, "style_weight": 40.0}

PAPERS: dict[str, Preset] = {
    "gatys2015": Preset(
        source="Gatys, Ecker, Bethge 2015 (arXiv:1508.06576): eq. 1 to 7, alpha/beta = 1e-3 (figure 2), noise, average "
        "pooling",
        ours="L-BFGS where they descend by gradients; 500 iterations",
        settings=_GATYS,
    ),
    "gatys2016": Preset(
        source="Gatys, Ecker, Bethge 2016: eq. 1 to 7, layers of section 3, alpha/beta = 1e-3, noise, average pooling, "
        "filters rescaled to a mean activation of one (section 2), L-BFGS",
        ours="500 iterations",
        settings={**_GATYS, "filters": "normalized"},
    ),
    "gupta2019": Preset(
        source="Gupta, Sadana, Moudgil 2019: five pooling layers (section 4), average pooling (3.3), weights 0.025, 5 "
        "and 0.1, a start from noise and ten rounds of L-BFGS (5)",
        ours="the normaliser is that of the classic Keras example, which their losses point to, where section 4 prints "
        "Gatys'; content layer and 20 evaluations a round, which they do not give, are that example's too; "
        f"{_ROUNDS}; stages in place of pooling layers for ResNet50 and InceptionV3",
        settings=_GUPTA,
        of_backbone={
            "vgg16": {**_VGG_POOLS, "content_layers": ("block5_conv2",)},
            "vgg19": {**_VGG_POOLS, "content_layers": ("block5_conv2",)},
            **FIVE_STAGES,
        },
    ),
    "gupta2019-notebook": Preset(
        source="the public Keras notebook whose sentences Gupta, Sadana, Moudgil 2019 repeat: 512 px, content at "
        "block2_conv2 without the half, style at the last convolutions of the blocks, weights 0.025, 5 and 0.1, ten "
        "calls of L-BFGS of at most 20 evaluations",
        ours=f"{_ROUNDS}; noise around the middle of the range where theirs is around the mean color; max pooling, as "
        "Keras has it; stages for ResNet50 and InceptionV3",
        # Σ (F − P)² is twice the half of it.
        settings={**_GUPTA, "pooling": "max", "content_weight": 0.05},
        of_backbone={
            **{
                name: {
                    "content_layers": ("block2_conv2",),
                    "style_layers": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"),
                }
                for name in ("vgg16", "vgg19")
            },
            **FIVE_STAGES,
        },
    ),
    "lisciandrello": Preset(
        source="Lisciandrello, Inzerillo, Monti: layers and max pooling of section 3.1, eq. 1 to 5, alpha/beta = 1e-4, "
        "total variation 1e-6, 1000 iterations and a learning rate of 100 with a decay every 100 steps (3.3), no "
        "denominator for ResNet50 (3.2.1)",
        ours="beta = 1e-6, the start from the content picture and a decay of 0.96, as in Keras' example, which their "
        "total variation and learning rate are from; the best picture kept",
        settings={
            **AS_PAPERS_DO,
            "pooling": "max",
            "style_normalization": "gatys",
            "content_weight": 1e-10,
            "style_weight": 1e-6,
            "total_variation_weight": 1e-6,
            "total_variation": "power",
            "init": "content",
            **KERAS_DESCENT,
            "iterations": 1000,
        },
        of_backbone={
            "resnet50": {
                "style_normalization": "none",
                "style_layers": (
                    "conv2_block3_1_conv",
                    "conv3_block1_1_conv",
                    "conv4_block1_1_conv",
                    "conv5_block1_1_conv",
                ),
                "content_layers": ("conv5_block1_1_conv",),
            }
        },
    ),
    "xu2016-gatys": Preset(
        source="Xu, Shi, Pei 2016: rescaled VGG19 (footnote 1), average pooling (section IV-A), noise, eq. 1 to 3, "
        "layers of figure 12 and its smallest alpha/beta, 5e-9, beta for each layer",
        ours=f"gamma of eq. 5 and 400, from code of the family that the report belongs to, which counts evaluations of "
        f"L-BFGS where these are iterations; {_AS_XU}",
        settings=_XU,
    ),
    "xu2016-rmsprop": Preset(
        source="Xu, Shi, Pei 2016: as xu2016-gatys, by their RMSprop",
        ours="gamma of eq. 5, rate 0.8, rho 0.95, epsilon 1e-6 and 3000 steps, from code of the family that the report "
        f"belongs to; the best picture kept; {_AS_XU}",
        settings={
            **_XU,
            "optimizer": "rmsprop",
            "optimizer_settings": {"learning_rate": 0.8, "rho": 0.95, "epsilon": 1e-6},
            "iterations": 3000,
        },
    ),
    "bordag": Preset(
        source="Bordag, Brandon, Lei: content summed over several layers (eq. 4), w_l = 1/|L| (eq. 8), start from the "
        "content picture, descent by gradients (eq. 11), the best picture kept (algorithm 1)",
        ours="layers, weights, learning rate and iterations, which are not given (the tutorial that they name has "
        "1e3 : 1e-2 of means, and 1000 steps of Adam with a rate of 5); balanced terms for other networks than their "
        "VGG19, whose raw losses no one weight suits; steps that leave the loss above that of the start are taken "
        "back, and the rate halved",
        settings={
            **AS_PAPERS_DO,
            "pooling": "max",
            "style_normalization": "gatys",
            "content_weight": 1e-3,
            "style_weight": 1.0,
            "total_variation_weight": 0.0,
            "init": "content",
            "optimizer": "gradient-descent",
            "iterations": 500,
        },
        of_backbone={name: {"content_layers": ("block4_conv2", "block5_conv2")} for name in ("vgg16", "vgg19")},
        from_layers=lambda backbone: {} if backbone.name == "vgg19" else _BALANCED,
    ),
    "khan2019": Preset(
        source="Khan, Naseh, Sumanth, Hazra: average pooling, filters rescaled to a mean activation of one (section "
        "I, system design), eq. 3 with the half, Adam, total variation",
        ours="weights, layers and iterations, which are not given: those of gatys2016; a rate of 1 and squared total "
        "variation with 1e-6, not given either; from the content picture, where theirs begins with a random one "
        "(section I-D, system design); the best picture kept; our rescaled filters, measured on other pictures",
        settings={
            **_GATYS,
            "filters": "normalized",
            "style_weight": 2.0,
            "total_variation_weight": 1e-6,
            "total_variation": "squared",
            "init": "content",
            "optimizer": "adam",
            # Of the loss at the start 60 steps at 128 px leave 0.64 (VGG16), 0.50 (VGG19) and 0.37 (InceptionV3). With
            # 10, which suits balanced losses, it is 1.8, 1.2 and 1.8.
            "optimizer_settings": {"learning_rate": 1.0},
        },
    ),
}
