"""What is run for Lisciandrello, Inzerillo and Monti: all of it by their descent, with their rate and decay."""

from __future__ import annotations

from nstcore.presets.papers import KERAS_DESCENT, PAPERS
from pipeline.grid.study import Axis, Choice, Study, varied
from pipeline.papers.balanced import balanced_study
from pipeline.papers.rescaled import as_trained
from pipeline.papers.setup import PORTRAITS, rounds

NETWORKS = ("vgg19", "vgg16", "resnet50")
VGG = ("vgg19", "vgg16")
SETS = ("a", "b", "c", "d", "e", "f", "g")
#: Alpha over beta; beta is 1e-6 in the preset.
RATIOS = ("1e-5", "1e-4", "1e-3", "1e-2")
RATES = ("10", "50", "100", "150", "300")


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

_RESCALED = as_trained(
    PAPERS["lisciandrello"].settings["content_weight"],
    "block4_conv2",
    tuple(f"block{block}_conv1" for block in range(1, 6)),
    pooling="max",
)


def _rate(text: str) -> Choice:
    settings = {**KERAS_DESCENT["optimizer_settings"], "learning_rate": float(text)}
    return Choice(text, {"optimizer_settings": settings})


def _study(
    title: str, backbones: tuple[str, ...], *axes: Axis, contents: tuple[str, ...] = (), **settings: object
) -> Study:
    return Study(
        title=f"Lisciandrello: {title}",
        backbones=backbones,
        preset="lisciandrello",
        settings=settings,
        axes=axes,
        contents=contents,
    )


# L-BFGS needs fewer steps than descent by gradients: this share of them.
_FEWER = {"iterations": 0.25}

_CONTENT = Axis(
    "content", tuple(Choice(layer, {"content_layers": (layer,)}) for layer in ("block4_conv2", "block5_conv2"))
)


def cell(backbone: str) -> tuple[str, ...]:
    """Where a network's cell by their settings is."""
    return ("normaliser", "resnet50", "none") if backbone == "resnet50" else ("networks", backbone)


STUDIES = {
    "networks": _study("VGG19 and VGG16", VGG),
    "rescaled": _study("VGG19 and VGG16 with rescaled filters", VGG, **_RESCALED),
    # With weights of another scale than theirs a style loss may be so small that the total variation decides alone.
    "no_total_variation": _study("VGG19 without total variation", ("vgg19",), total_variation_weight=0.0),
    "resnet50_no_total_variation": _study(
        "ResNet50 without total variation", ("resnet50",), total_variation_weight=0.0
    ),
    "normaliser": _study(
        "ResNet50 with and without the denominator", ("resnet50",), varied("style_normalization", ("gatys", "none"))
    ),
    "content_layer": _study("content layer", ("vgg19",), _CONTENT),
    "resnet50_layers": _study("ResNet50 layer sets", ("resnet50",), Axis("layers", _RESNET50_LAYERS)),
    "total_variation": _study("total variation", ("vgg19",), varied("total_variation_weight", (1e-6, 1e-5))),
    "ratio": _study(
        "content against style",
        ("vgg19",),
        Axis("alpha/beta", tuple(Choice(text, {"content_weight": float(text) * 1e-6}) for text in RATIOS)),
    ),
    "rates": _study("learning rates", ("vgg19",), Axis("rate", tuple(map(_rate, RATES)))),
    "portrait_rates": _study(
        "learning rates, portraits", ("vgg19",), Axis("rate", tuple(map(_rate, RATES))), contents=PORTRAITS
    ),
    "steps": _study("twice the steps", ("vgg19",), Axis("steps", rounds(once=1.0, twice=2.0))),
    "pooling": _study("average pooling", ("vgg19",), varied("pooling", ("avg",))),
    "balanced": balanced_study(*NETWORKS, **_FEWER),
    "original": Study(
        title="Lisciandrello: beside Gatys' own settings", backbones=("vgg19",), preset="gatys2016", settings=_FEWER
    ),
    "further_losses": Study(
        title="Lisciandrello: further losses, ours",
        backbones=("vgg19",),
        settings=_FEWER,
        axes=(Axis("loss", tuple(Choice(name, {"preset": name}) for name in ("strotss", "nnst"))),),
    ),
}
