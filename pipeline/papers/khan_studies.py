"""What is run for Khan, Naseh, Sumanth and Hazra: rescaled VGG19, average pooling, Adam; networks of those losses."""

from __future__ import annotations

from typing import Any

from pipeline.grid.feedforward import Training
from pipeline.grid.study import Axis, Choice, Study, varied
from pipeline.papers.balanced import balanced_study

#: Of optimisation, as Gatys et al. 2016 count, and of training, as Johnson et al. 2016 do: the paper gives neither.
ITERATIONS, STEPS = 500, 40_000

# The paper gives no weights. alpha/beta of 1e-3, which Gatys et al. write, leaves the content picture as it is with
# rescaled filters, for which it is no scale: one of figure 12 of Xu, Shi and Pei, of the same network, takes its place.
_WEIGHTS: dict[str, Any] = {"content_weight": 5e-7, "style_weight": 5.0, "total_variation_weight": 1e-8}
# Section I-D of the system design starts from a random picture, from which the way is longer than the preset's rate
# goes in so many steps.
_RATE = 10.0
_SETTINGS: dict[str, Any] = {**_WEIGHTS, "init": "noise", "optimizer_settings": {"learning_rate": _RATE}}

# Up to the eighth convolution, which is block3_conv4.
_EIGHT: dict[str, Any] = {
    "style_layers": ("block1_conv1", "block2_conv1", "block3_conv1"),
    "content_layers": ("block3_conv4",),
}
# A network for pictures in 0 to 1 that is given 0 to 255 has activations 255 times as large (but for its biases), and
# steps that suit the one range are 255 times too small for the other.
_FACTOR = 255.0
_UNNORMALIZED: dict[str, Any] = {
    "content_weight": _WEIGHTS["content_weight"] * _FACTOR**2,
    "style_weight": _WEIGHTS["style_weight"] * _FACTOR**4,
    "optimizer_settings": {"learning_rate": _RATE / _FACTOR},
}


def _study(title: str, *axes: Axis) -> Study:
    return Study(title=f"Khan: {title}", backbones=("vgg19",), preset="khan2019", settings=_SETTINGS, axes=axes)


def _trained(title: str, *, content: float = 1.0, **training: Any) -> Study:
    """A network of the losses above.

    Args:
        content: how many times as much the content weighs.
        training: in what it differs from the preset's, at the paper's own scale.
    """
    return Study(
        title=f"Khan: {title}",
        backbones=("vgg19",),
        preset="khan2019-feedforward",
        settings={**_WEIGHTS, "content_weight": content * _WEIGHTS["content_weight"]},
        methods=("feedforward",),
        training=Training.of(training),
    )


STUDIES = {
    "method": _study("their settings"),
    "pooling": _study("max pooling", varied("pooling", ("max",))),
    "layers": _study("up to the eighth convolution", Axis("layers", (Choice("eight", _EIGHT),))),
    "detached": _study(
        "a Gram matrix without a gradient",
        Axis("style", (Choice("detached", {"style_weight": 0.0}),)),
    ),
    "unnormalized": _study("pictures in 0 to 255", Axis("pixels", (Choice("0 to 255", _UNNORMALIZED),))),
    "start": _study("from the content picture", Axis("start", (Choice("content", {"init": "content"}),))),
    "nearest": _trained("a network, nearest neighbors"),
    "transposed": _trained("a network, transposed convolutions", upsampling="transposed"),
    "stopped": _trained("a network, stopped after a tenth of its training", steps=STEPS // 10),
    "realistic": _trained("a network, ten times the content weight", content=10.0),
    "balanced": balanced_study("vgg19"),
}
