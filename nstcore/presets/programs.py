"""The settings of other programs, so that what they make can be compared."""

from __future__ import annotations

from nstcore.presets.papers import AS_PAPERS_DO, KERAS_DESCENT
from nstcore.presets.preset import Preset, without_gram

PROGRAMS: dict[str, Preset] = {
    "gatys-code": Preset(
        source="the code that Gatys, Ecker, Bethge released (NeuralImageSynthesis), with its rescaled network: 1e6 "
        "times the mean square of the content, 2e8 times that of G/M at each layer, 500 iterations from the content "
        "picture",
        ours="500 iterations of SciPy's L-BFGS, which searches along its steps and remembers 10, where theirs are 500 "
        "evaluations of torch's, without a search, that remembers 100; our rescaled filters, measured on other "
        "pictures; one size, where it goes on with 200 iterations at twice the size: a size of 1024 with coarse sizes "
        "of 512 does half the iterations first, then all of them",
        settings={
            **AS_PAPERS_DO,
            "pooling": "max",
            "filters": "normalized",
            "style_normalization": "gatys",
            "losses": {"content": {"mean": True}},
            "content_weight": 1e6,
            # 1/N² Σ Δ² is 4 times eq. 4, and the layers are summed, not averaged.
            "style_weight": 4.0 * 5.0 * 2e8,
            "total_variation_weight": 0.0,
            "init": "content",
            "iterations": 500,
        },
    ),
    "keras-example": Preset(
        source="the neural style transfer example of keras.io: content at block5_conv2 times 2.5e-8, style times 1e-6, "
        "total variation times 1e-6, SGD with a rate of 100 and a decay of 0.96 per 100 steps, spread evenly over "
        "them, 4000 iterations, from the content picture",
        ours="steps that leave the loss above that of the start are taken back, and the rate halved, as happens at "
        "small sizes; the best picture kept, where theirs is the last; a size as it is asked for, where theirs is "
        "400 px high; style pictures in their own proportions, where theirs are stretched to those of the content",
        settings={
            **AS_PAPERS_DO,
            "pooling": "max",
            "style_normalization": "keras-example",
            "content_weight": 5e-8,  # Σ (F − P)² is twice the half of it
            "style_weight": 1e-6,
            "total_variation_weight": 1e-6,
            "total_variation": "power",
            "init": "content",
            **KERAS_DESCENT,
            "optimizer_settings": {**KERAS_DESCENT["optimizer_settings"], "staircase": False, "halving": True},
            "iterations": 4000,
        },
        of_backbone={name: {"content_layers": ("block5_conv2",)} for name in ("vgg16", "vgg19")},
    ),
    "crowsonkb": Preset(
        source="style-transfer-pytorch (K. Crowson), of its versions the one with the squared Wasserstein-2 distance "
        "of Gaussians (another compares Gram matrices): layer weights 256, 64, 16, 4, 1, Adam with a rate of 0.02 of "
        "the range, coarse to fine from the content picture, 500 iterations a size",
        ours="balanced terms, content : style 1 : 40, where it has terms of its own scale, 0.015 : 1; total variation "
        "of 1e-10 with exponent 1.25, where it has the mean of squares times 2; sizes halved down to 256, where it "
        "divides by the root of 2 down to 128; half the iterations at the smaller ones, where it has 1000 first; "
        "Adam begins anew at each size, where it takes its moments along; the best picture in place of a running mean; "
        "zeros beyond the border, where its first convolution repeats the edge; VGG19 as Keras has it, not torchvision",
        settings={"optimizer": "adam", "optimizer_settings": {"learning_rate": 5.0}, "iterations": 500},
        from_layers=lambda backbone: without_gram(
            wasserstein={
                "layers": backbone.style_layers,
                "layer_weights": _falling(len(backbone.style_layers)),
            }
        ),
    ),
}


def _falling(layers: int) -> tuple[float, ...]:
    """Each a quarter of the one before, 1 in all."""
    weights = [4.0**-place for place in range(layers)]
    return tuple(weight / sum(weights) for weight in weights)
