"""What is run for Bordag, Brandon and Lei: descent by gradients from the content picture, the best one kept."""

from __future__ import annotations

from typing import Any

from pipeline.grid.study import Axis, Choice, Study, varied
from pipeline.papers.balanced import balanced_study
from pipeline.papers.setup import PHOTOGRAPHS

#: Content layers by how many they are.
SUMS = {
    "one": ("block4_conv2",),
    "two": ("block4_conv2", "block5_conv2"),
    "three": ("block3_conv2", "block4_conv2", "block5_conv2"),
}
#: Alpha; beta is 1.
ALPHAS = ("1e-4", "1e-3", "1e-2")
#: Style, and content where that is another, as a network sees it: two mixtures, and one network alone beside them.
ALONE = "VGG19 alone"
MIXES: dict[str, tuple[str, dict[str, Any]]] = {
    ALONE: ("vgg19", {"content_layers": SUMS["two"]}),
    "content by ResNet50": ("vgg19", {"content_backbone": "resnet50", "content_layers": ("conv4_block1_1_relu",)}),
    "style by ResNet50": ("resnet50", {"content_backbone": "vgg19", "content_layers": SUMS["two"]}),
}


def _study(title: str, *axes: Axis, styles: tuple[str, ...] = (), preset: str = "bordag", **settings: Any) -> Study:
    return Study(
        title=f"Bordag: {title}", backbones=("vgg19",), preset=preset, settings=settings, axes=axes, styles=styles
    )


STUDIES = {
    "content_layers": _study(
        "content summed over layers",
        Axis("content layers", tuple(Choice(name, {"content_layers": SUMS[name]}) for name in SUMS)),
    ),
    "alphas": _study(
        "content against style", Axis("alpha", tuple(Choice(text, {"content_weight": float(text)}) for text in ALPHAS))
    ),
    "smoothing": _study("local differences", varied("total_variation_weight", (0.1,))),
    "photographs": _study("a photograph as the style", styles=PHOTOGRAPHS),
    # Losses of two networks have two scales, and no weights are given: terms are balanced, and all else is as above.
    "mixing": _study(
        "two networks",
        Axis("networks", tuple(Choice(name, {"backbone": backbone, **of}) for name, (backbone, of) in MIXES.items())),
        style_normalization="balanced",
        content_weight=1.0,
        style_weight=40.0,
    ),
    "balanced": balanced_study("vgg19"),
}
