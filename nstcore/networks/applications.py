"""The convolutional networks of `keras.applications` besides the four of the default grid, as plain data.

Each has a name (that of its builder in small letters), how its training preprocessed pictures, the smallest side that
Keras builds it for, and layers to begin with. None of these was chosen by looking at pictures, but by a rule after what
was measured for the four. Activations are the layers of a non-linear function; a fraction is the side of what they give
as a share of the picture's:

- style: the last activation at 1/1, at 1/2, at 1/4 and at 1/8, where there is one, and the first at 1/16;
- content: the first at 1/16.

InceptionResNetV2, MobileNet and Xception (Gupta et al. 2019 compare them) have layers of their own, by analogy: those
of InceptionV3's places; pointwise convolutions in place of depthwise ones, which mix no channels; the first layer of
all. NASNet is not here: Keras builds it for fixed sizes alone.
"""

from __future__ import annotations

from typing import Literal

#: How RGB 0..255 becomes the network's input: "caffe" is BGR minus the ImageNet mean; "tf" is x / 127.5 - 1; "torch" is
#: x / 255 minus the ImageNet mean, over its standard deviation; "none" is for networks whose first layers do it.
Preprocessing = Literal["caffe", "tf", "torch", "none"]
#: Builder, preprocessing, smallest side, content layers, style layers.
Entry = tuple[str, Preprocessing, int, tuple[str, ...], tuple[str, ...]]


def _by_rule(application: str, preprocessing: Preprocessing, *style: str) -> Entry:
    """The last of the layers for the style is that for the content."""
    return application, preprocessing, 32, style[-1:], style


def _efficient_v2(application: str, first: str, second: str) -> Entry:
    layers = (f"block1{first}_project_activation", f"block2{second}_expand_activation")
    return _by_rule(application, "none", *layers, "block4a_expand_activation", "block4a_activation")


def _convnext(size: str) -> Entry:
    layers = (f"convnext_{size.lower()}_stage_{place}_gelu" for place in ("0_block_2", "1_block_2", "2_block_0"))
    return _by_rule(f"ConvNeXt{size}", "none", *layers)


def _resnet(depth: int, third: int) -> Entry:
    layers = ("conv1_relu", "conv2_block3_out", f"conv3_block{third}_out", "conv4_block1_1_relu")
    return _by_rule(f"ResNet{depth}", "caffe", *layers)


def _resnet_v2(depth: int, third: int) -> Entry:
    layers = ("conv2_block3_1_relu", f"conv3_block{third}_1_relu", f"conv3_block{third}_2_relu")
    return _by_rule(f"ResNet{depth}V2", "tf", *layers)


_ENTRIES: tuple[Entry, ...] = (
    (
        "InceptionResNetV2",
        "tf",
        75,
        ("block17_1_ac",),
        (
            *("activation", "activation_1", "activation_2", "activation_3", "activation_4"),
            *("mixed_5b", "block35_3_ac", "block35_6_ac"),
        ),
    ),
    (
        "MobileNet",
        "tf",
        32,
        ("conv_pw_6_relu",),
        ("conv1_relu", "conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_6_relu"),
    ),
    (
        "Xception",
        "tf",
        71,
        ("block5_sepconv1_act",),
        (
            *("block1_conv1_act", "block2_sepconv2_act", "block3_sepconv2_act", "block4_sepconv2_act"),
            "block5_sepconv1_act",
        ),
    ),
    _by_rule(
        "MobileNetV2",
        "tf",
        *("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_6_depthwise_relu"),
    ),
    _by_rule("MobileNetV3Small", "none", "activation", "re_lu_2", "activation_1", "activation_2"),
    _by_rule("MobileNetV3Large", "none", "re_lu_1", "re_lu_5", "activation_1", "activation_2"),
    *(
        _by_rule(f"DenseNet{depth}", "torch", "conv1_relu", "pool2_relu", "pool3_relu", "conv4_block1_0_relu")
        for depth in (121, 169, 201)
    ),
    *(
        _by_rule(
            f"EfficientNetB{number}",
            "none",
            *(f"block{block}a_expand_activation" for block in (2, 3, 4)),
            "block4a_activation",
        )
        for number in range(8)
    ),
    *(
        _efficient_v2(f"EfficientNetV2{size}", first, second)
        for size, first, second in (
            *(("B0", "a", "b"), ("B1", "b", "c"), ("B2", "b", "c"), ("B3", "b", "c")),
            *(("S", "b", "d"), ("M", "c", "e"), ("L", "d", "g")),
        )
    ),
    *(_resnet(depth, third) for depth, third in ((101, 4), (152, 8))),
    *(_resnet_v2(depth, third) for depth, third in ((50, 4), (101, 4), (152, 8))),
    *(_convnext(size) for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
)

APPLICATIONS: dict[str, Entry] = {entry[0].lower(): entry for entry in _ENTRIES}

#: How the names begin of those that halve pictures by strides alone.
WITHOUT_MAX_POOLING = ("mobilenet", "efficientnet", "convnext")
