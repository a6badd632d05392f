"""What is run for Gupta, Sadana and Moudgil 2019."""

from __future__ import annotations

from nstcore.presets.papers import PAPERS
from pipeline.grid.study import Axis, Choice, Study, varied
from pipeline.papers.balanced import balanced_study
from pipeline.papers.rescaled import as_trained
from pipeline.papers.setup import rounds

BACKBONES = ("inceptionv3", "resnet50", "vgg16", "vgg19")
VGG = ("vgg16", "vgg19")

# Section 5 goes from five layers of ResNet50 to twelve and does not say which: the preset's five, and seven more
# outputs of blocks between them.
_TWELVE = (
    "conv1_relu",
    "conv2_block1_out",
    "conv2_block3_out",
    "conv3_block1_out",
    "conv3_block2_out",
    "conv3_block4_out",
    "conv4_block1_out",
    "conv4_block3_out",
    "conv4_block5_out",
    "conv4_block6_out",
    "conv5_block1_out",
    "conv5_block3_out",
)
_FIVE = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out")

_OF_VGG = PAPERS["gupta2019"].of_backbone["vgg19"]
_RESCALED = as_trained(
    PAPERS["gupta2019"].settings["content_weight"],
    _OF_VGG["content_layers"][0],
    _OF_VGG["style_layers"],
    pooling="avg",
)

#: A label.
IN_RANGE = "-1 to 1"
# In a network's range of -1 to 1 total variation, of differences to the power of 2.5, is this much smaller than in RGB.
_IN_RANGE = 127.5**2.5


def _study(title: str, backbones: tuple[str, ...], *axes: Axis, preset: str = "gupta2019", **settings: object) -> Study:
    return Study(title=f"Gupta 2019: {title}", backbones=backbones, preset=preset, settings=settings, axes=axes)


STUDIES = {
    "comparison": _study("four networks", BACKBONES),
    "rescaled": _study("VGG16 and VGG19 with rescaled filters", VGG, **_RESCALED),
    "first_round": _study("pictures after the first round", BACKBONES, Axis("rounds", rounds(_1=0.1))),
    "first_round_rescaled": _study(
        "VGG16 and VGG19 with rescaled filters, after the first round",
        VGG,
        Axis("rounds", rounds(_1=0.1)),
        **_RESCALED,
    ),
    "notebook": _study("by the settings of the notebook", BACKBONES, preset="gupta2019-notebook"),
    "range": _study(
        "InceptionV3 in its own range",
        ("inceptionv3",),
        Axis("range", (Choice(IN_RANGE, {"total_variation_weight": 0.1 / _IN_RANGE}),)),
    ),
    "resnet50_layers": _study(
        "ResNet50 with 5 and 12 layers",
        ("resnet50",),
        Axis("layers", (Choice("5", {"style_layers": _FIVE}), Choice("12", {"style_layers": _TWELVE}))),
    ),
    "total_variation": _study("total variation", ("vgg19",), varied("total_variation_weight", (0.0, 0.1))),
    "rescaled_total_variation": _study(
        "VGG16 with rescaled filters, without total variation",
        ("vgg16",),
        varied("total_variation_weight", (0.0,)),
        **_RESCALED,
    ),
    "pooling": _study("max pooling", ("vgg19",), varied("pooling", ("max",))),
    "content_layer": _study(
        "content layer",
        ("vgg19",),
        Axis("content", tuple(Choice(f"block{n}_conv2", {"content_layers": (f"block{n}_conv2",)}) for n in (2, 5))),
    ),
    "descent": _study(
        "descent by gradients",
        ("vgg19",),
        Axis("method", (Choice("descent", {"optimizer": "gradient-descent", "optimizer_settings": {}}),)),
    ),
    "color": _study("keeping the content's colours", ("vgg19",), varied("color", ("luminance", "match-histogram"))),
    "balanced": balanced_study(*BACKBONES),
}


def cell(backbone: str) -> tuple[str, str]:
    """Where a network's cell by their settings is."""
    return "comparison", backbone


def rescaled(backbone: str) -> tuple[str, str]:
    """The same with rescaled filters of the VGG networks, whose two files have not one scale."""
    return ("rescaled", backbone) if backbone in VGG else cell(backbone)


def ours(backbone: str) -> tuple[str, str]:
    """Where its cell by our settings is."""
    return "balanced", backbone
