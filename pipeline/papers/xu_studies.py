"""What is run for Xu, Shi and Pei 2016. Beta is 1 in the preset, so a ratio alpha/beta is a content weight."""

from __future__ import annotations

from pipeline.grid.study import Axis, Choice, Study

#: Figure 10's columns, figure 12's pictures, and those that take their place with weights that are not rescaled.
TABLE_RATIOS = ("1e-9", "1e-8", "1e-7", "1e-6")
PAIR_RATIOS = ("5e-9", "5e-8", "5e-7", "5e-6")
OUR_RATIOS = ("1e-4", "1e-3", "1e-2", "1e-1")
#: The ratio of figure 13, and ours in its place.
LAYER_RATIO, OUR_LAYER_RATIO = "5e-8", "1e-2"
SETS = ("A", "B", "C", "D", "E")
CONTENT_LAYERS = tuple(f"block{block}_conv2" for block in (5, 4, 3, 2))


# Keras' VGG19 as it was trained, and eq. 1 to 3 alone: that is what these weights are known for here.
_TRAINED = {"filters": "trained", "style_weight": 1.0, "total_variation_weight": 0.0, "iterations": 500}


def _ratios(texts: tuple[str, ...]) -> Axis:
    return Axis("alpha/beta", tuple(Choice(text, {"content_weight": float(text)}) for text in texts))


def _sets(names: tuple[str, ...]) -> Axis:
    layers = {name: tuple(f"block{block}_conv1" for block in range(1, 2 + SETS.index(name))) for name in names}
    return Axis("style layers", tuple(Choice(name, {"style_layers": layers[name]}) for name in names))


def _study(title: str, *axes: Axis) -> Study:
    return Study(title=f"Xu 2016: {title}", backbones=("vgg19",), preset="xu2016-gatys", settings=_TRAINED, axes=axes)


_CONTENT = Axis("content", tuple(Choice(layer, {"content_layers": (layer,)}) for layer in CONTENT_LAYERS))

STUDIES = {
    "layers_by_ratio": _study("style layers and content against style", _sets(SETS), _ratios(TABLE_RATIOS)),
    "ratios": _study("content against style", _ratios(PAIR_RATIOS)),
    "our_ratios": _study(
        "content against style, where these weights trade off", _sets(("A", "E")), _ratios(OUR_RATIOS)
    ),
    "content_layers": _study("content layer", _ratios((LAYER_RATIO, OUR_LAYER_RATIO)), _CONTENT),
}
