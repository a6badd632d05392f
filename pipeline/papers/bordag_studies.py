"""What is run for Bordag, Brandon and Lei."""

from __future__ import annotations

from pipeline.grid.study import Axis, Choice, Study

#: Content layers by how many they are.
SUMS = {
    "one": ("block4_conv2",),
    "two": ("block4_conv2", "block5_conv2"),
    "three": ("block3_conv2", "block4_conv2", "block5_conv2"),
}

STUDIES = {
    "content_layers": Study(
        title="Bordag: content summed over layers",
        backbones=("vgg19",),
        preset="bordag",
        settings={"optimizer": "lbfgs"},
        axes=(Axis("content layers", tuple(Choice(name, {"content_layers": SUMS[name]}) for name in SUMS)),),
    ),
}
