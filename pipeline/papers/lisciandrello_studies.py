"""What is run for Lisciandrello, Inzerillo and Monti."""

from __future__ import annotations

from pipeline.grid.study import Axis, Choice, Study, varied


def _case(letter: str, content: str, *style: str) -> Choice:
    return Choice(
        letter,
        {
            "content_layers": (f"conv{content}_conv",),
            "style_layers": tuple(f"conv{layer}_conv" for layer in style),
        },
    )


# The list in section 4. (e) and (g) are the same there.
_RESNET50_LAYERS = (
    _case("a", "2_block1_2", "2_block3_1", "3_block1_1", "4_block1_1", "5_block1_1"),
    _case("b", "2_block1_2", "2_block3_1", "3_block3_1", "4_block3_1", "5_block1_3"),
    _case("c", "5_block3_3", "2_block3_1", "3_block1_1", "4_block1_1", "5_block1_3"),
    _case("d", "4_block2_2", "2_block3_3", "3_block3_3", "4_block3_3", "5_block3_3"),
    _case("e", "5_block3_3", "2_block3_1", "3_block3_1", "4_block3_1", "5_block3_1"),
    _case("f", "5_block3_3", "2_block2_1", "3_block2_1", "4_block2_1", "5_block2_1"),
    _case("g", "5_block3_3", "2_block3_1", "3_block3_1", "4_block3_1", "5_block3_1"),
)

# Where their descent by gradients takes a thousand steps, these comparisons are at its end.
_LBFGS = {"optimizer": "lbfgs", "optimizer_settings": {}}

STUDIES = {
    "networks": Study(
        title="Lisciandrello: three networks",
        backbones=("vgg19", "vgg16", "resnet50"),
        preset="lisciandrello",
        settings=_LBFGS,
    ),
    # With weights of another scale than theirs a style loss may be so small that the total variation decides alone.
    "no_total_variation": Study(
        title="Lisciandrello: three networks without total variation",
        backbones=("vgg19", "vgg16", "resnet50"),
        preset="lisciandrello",
        settings={**_LBFGS, "total_variation_weight": 0.0},
    ),
    "normaliser": Study(
        title="Lisciandrello: ResNet50 with and without the denominator",
        backbones=("resnet50",),
        preset="lisciandrello",
        settings=_LBFGS,
        axes=(varied("style_normalization", ("gatys", "none")),),
    ),
    "content_layer": Study(
        title="Lisciandrello: content layer",
        backbones=("vgg19",),
        preset="lisciandrello",
        settings=_LBFGS,
        axes=(
            Axis(
                "content",
                tuple(Choice(layer, {"content_layers": (layer,)}) for layer in ("block4_conv2", "block5_conv2")),
            ),
        ),
    ),
    "resnet50_layers": Study(
        title="Lisciandrello: ResNet50 layer sets",
        backbones=("resnet50",),
        preset="lisciandrello",
        settings=_LBFGS,
        axes=(Axis("layers", _RESNET50_LAYERS),),
    ),
    "total_variation": Study(
        title="Lisciandrello: total variation",
        backbones=("vgg19",),
        preset="lisciandrello",
        settings=_LBFGS,
        axes=(varied("total_variation_weight", (1e-6, 1e-5)),),
    ),
    "ratio": Study(
        title="Lisciandrello: content against style",
        backbones=("vgg19",),
        preset="lisciandrello",
        settings=_LBFGS,
        # beta is 1e-6 in the preset
        axes=(
            Axis("alpha/beta", (Choice("1e-4", {"content_weight": 1e-10}), Choice("1e-3", {"content_weight": 1e-9}))),
        ),
    ),
}
