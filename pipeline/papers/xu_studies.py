"""What is run for Xu, Shi and Pei 2016.

Beta is 1 a layer in the preset, so a ratio alpha/beta is a content weight.
"""

from __future__ import annotations

from typing import Any

from nstcore.presets.preset import without_gram
from pipeline.grid.study import Axis, Choice, Study, varied
from pipeline.papers.setup import PHOTOGRAPHS

#: Figure 10's columns, figure 12's pictures, and figure 17's.
TABLE_RATIOS = ("1e-9", "1e-8", "1e-7", "1e-6")
PAIR_RATIOS = ("5e-9", "5e-8", "5e-7", "5e-6")
MRF_RATIOS = ("4", "6.6", "20")
#: The ratio of figure 13.
LAYER_RATIO = "5e-8"
SETS = ("A", "B", "C", "D", "E")
CONTENT_LAYERS = tuple(f"block{block}_conv2" for block in (5, 4, 3, 2))
METHODS = ("Gram matrices", "patches")
#: A change of a relative distance that counts as a trade.
NOTICEABLE = 0.1
#: The cell of Gram matrices that others are compared with.
GRAM = ("ratios", "vgg19", PAIR_RATIOS[0])


def _ratios(texts: tuple[str, ...], unit: float = 1.0) -> Axis:
    return Axis("alpha/beta", tuple(Choice(text, {"content_weight": unit * float(text)}) for text in texts))


def _sets(names: tuple[str, ...]) -> Axis:
    layers = {name: tuple(f"block{block}_conv1" for block in range(1, 2 + SETS.index(name))) for name in names}
    # Beta is for each layer: what `style_weight` weighs is their mean.
    return Axis(
        "style layers",
        tuple(Choice(name, {"style_layers": layers[name], "style_weight": float(len(layers[name]))}) for name in names),
    )


def _study(title: str, *axes: Axis, preset: str = "xu2016-gatys", **settings: Any) -> Study:
    return Study(title=f"Xu 2016: {title}", backbones=("vgg19",), preset=preset, settings=settings, axes=axes)


_CONTENT = Axis("content", tuple(Choice(layer, {"content_layers": (layer,)}) for layer in CONTENT_LAYERS))

#: 3000 steps of RMSprop against up to 400 evaluations of L-BFGS, in shares of the iterations of a scale.
RMSPROP_STEPS = 3000 / 400

# Eq. 1 and 4 have sums: half of one over the positions and the 512 channels of relu4_2, and one over the patches of
# relu3_1 and of relu4_1. A mean over those of relu4_1 stands for as many as relu4_2 has positions, one over those of
# relu3_1 for four times as many: so much weigh the means that the losses here have, and the content's 512 / 2.
_MRF: dict[str, Any] = {
    "style_normalization": "none",
    "style_weight": 1.0,
    "losses": {
        "content": {"mean": True},
        **without_gram(
            patches={"layers": ("block3_conv1", "block4_conv1"), "layer_weights": (4.0, 1.0), "balanced": False}
        )["losses"],
    },
}
_MRF_CONTENT = 512 / 2

STUDIES = {
    "layers_by_ratio": _study("style layers and content against style", _sets(SETS), _ratios(TABLE_RATIOS)),
    "ratios": _study("content against style", _ratios(PAIR_RATIOS)),
    "content_layers": _study("content layer", _ratios((LAYER_RATIO,)), _CONTENT),
    "pooling": _study("max pooling", varied("pooling", ("max",))),
    "rmsprop": Study(
        title="Xu 2016: RMSprop",
        backbones=("vgg19",),
        preset="xu2016-rmsprop",
        settings={"iterations": RMSPROP_STEPS},
    ),
    "mrf": _study("the loss of patches", preset="xu2016-mrf"),
    "mrf_ratios": _study("content against patches", _ratios(MRF_RATIOS, _MRF_CONTENT), **_MRF),
    "photographs": Study(
        title="Xu 2016: photographs as styles",
        backbones=("vgg19",),
        styles=PHOTOGRAPHS,
        axes=(
            Axis(
                "style loss",
                (Choice(METHODS[0], {"preset": "xu2016-gatys"}), Choice(METHODS[1], {"preset": "xu2016-mrf"})),
            ),
        ),
    ),
    "original": Study(title="Xu 2016: by Gatys' settings", backbones=("vgg19",), preset="gatys2016"),
    "our_ratios": Study(
        title="Xu 2016: content against style, ours",
        backbones=("vgg19",),
        preset="balanced",
        axes=(
            Axis("content_weight", tuple(Choice(text, {"content_weight": float(text)}) for text in ("0.1", "1", "10"))),
        ),
    ),
}
