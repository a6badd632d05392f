"""EfficientNet-Lite0, which Keras lacks: a classifier that nothing here optimises, and that can therefore judge.

EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation and with ReLU6 in place of swish, as released
by its authors (tensorflow/tpu, models/official/efficientnet/lite). Not a backbone: no picture is made through it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nstcore.keras_settings.numerics import own_numerics

if TYPE_CHECKING:
    import keras

# Of the released Lite networks: x is RGB, 0 to 255, and the network sees (x - 127) / 128.
_MEAN, _DEVIATION = 127.0, 128.0
_EPSILON = 1e-3  # of every batch normalisation
_EXPANSION = 6
_STEM_FILTERS, _TOP_FILTERS, _CLASSES = 32, 1280, 1000

# kernel size, stride of the first block, filters, blocks (Tan and Le 2019, table 1)
_STAGES = (
    (3, 1, 16, 1),
    (3, 2, 24, 2),
    (5, 2, 40, 2),
    (3, 2, 80, 3),
    (5, 1, 112, 3),
    (5, 2, 192, 4),
    (3, 1, 320, 1),
)


@dataclass(frozen=True)
class Block:
    """One inverted bottleneck: its name as in `keras.applications.EfficientNetB0`, and its numbers."""

    name: str
    kernel_size: int
    stride: int
    inputs: int
    filters: int
    expansion: int


def _blocks() -> tuple[Block, ...]:
    blocks, inputs = [], _STEM_FILTERS
    for stage, (size, first_stride, filters, repeats) in enumerate(_STAGES, start=1):
        for letter, stride in zip("abcd"[:repeats], itertools.chain([first_stride], itertools.repeat(1)), strict=False):
            blocks.append(
                Block(f"block{stage}{letter}", size, stride, inputs, filters, 1 if stage == 1 else _EXPANSION)
            )
            inputs = filters
    return tuple(blocks)


#: All of them, in order.
BLOCKS = _blocks()


@own_numerics()
def build(*, classifier: bool = False) -> keras.Model:
    """Build the network for pictures of any size; its variables are yet to be set.

    Args:
        classifier: end in the logits of ImageNet's 1000 classes, (B, 1000), instead of the last feature map.

    Returns:
        From RGB pictures (B, H, W, 3), 0 to 255, float32, to (B, ceil(H / 32), ceil(W / 32), 1280).
    """
    import keras
    from keras import layers

    picture = keras.Input(shape=(None, None, 3), name="picture")
    x = layers.Rescaling(1.0 / _DEVIATION, offset=-_MEAN / _DEVIATION, name="rescaling")(picture)
    # "same" pads as TensorFlow does, more at the end than at the start, on every backend: what the network learnt with.
    x = layers.Conv2D(
        _STEM_FILTERS, 3, 2, padding="same", use_bias=False, kernel_initializer="zeros", name="stem_conv"
    )(x)
    x = _normalized(x, "stem_bn", "stem_activation")
    for block in BLOCKS:
        x = _bottleneck(x, block)
    x = layers.Conv2D(_TOP_FILTERS, 1, use_bias=False, kernel_initializer="zeros", name="top_conv")(x)
    x = _normalized(x, "top_bn", "top_activation")
    if classifier:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dense(_CLASSES, kernel_initializer="zeros", name="predictions")(x)
    return keras.Model(picture, x, name="efficientnet_lite0")


def _normalized(x: Any, name: str, activation: str = "") -> Any:
    from keras import layers

    x = layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)
    return layers.ReLU(max_value=6.0, name=activation)(x) if activation else x


def _bottleneck(x: Any, block: Block) -> Any:
    from keras import layers

    # Zeros, as the initialiser: random ones cost time and are overwritten.
    convolution = {"padding": "same", "use_bias": False}
    before = x
    if block.expansion != 1:
        name = f"{block.name}_expand"
        wide = block.inputs * block.expansion
        x = layers.Conv2D(wide, 1, kernel_initializer="zeros", name=f"{name}_conv", **convolution)(x)
        x = _normalized(x, f"{name}_bn", f"{name}_activation")
    x = layers.DepthwiseConv2D(
        block.kernel_size, block.stride, depthwise_initializer="zeros", name=f"{block.name}_dwconv", **convolution
    )(x)
    x = _normalized(x, f"{block.name}_bn", f"{block.name}_activation")
    x = layers.Conv2D(block.filters, 1, kernel_initializer="zeros", name=f"{block.name}_project_conv", **convolution)(x)
    x = _normalized(x, f"{block.name}_project_bn")
    if block.stride == 1 and block.inputs == block.filters:
        x = layers.Add(name=f"{block.name}_add")([x, before])
    return x
