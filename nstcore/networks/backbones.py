"""The registry of backbones: pretrained classifiers whose feature maps define content and style.

Only names and numbers live at module level, so that a scheduler can validate a grid without importing Keras;
`build` imports it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from nstcore.errors import ConfigError, received
from nstcore.keras_settings.numerics import own_numerics
from nstcore.networks.applications import APPLICATIONS, WITHOUT_MAX_POOLING
from nstcore.networks.applications import Preprocessing as Preprocessing
from nstcore.networks.layer_names import name_as_in_a_fresh_process

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Backbone:
    """One network of `keras.applications`, described without building it.

    Attributes:
        name: the name used in configurations, file names and commands.
        application: the name of the builder in `keras.applications`.
        preprocessing: how the network's training saw pictures.
        smallest_side: the smallest height and width (pixels) that Keras builds the network for.
        content_layers, style_layers: the layers that are read where neither a preset nor a person names others.
        max_pooling: whether it has any layer of max pooling, in whose place another can stand.

    Raises:
        ConfigError: for another way of preprocessing.
    """

    name: str
    application: str
    preprocessing: Preprocessing
    smallest_side: int
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    max_pooling: bool = True

    def __post_init__(self) -> None:
        if self.preprocessing not in get_args(Preprocessing):
            raise ConfigError(
                f"unknown preprocessing of the backbone {self.name}; expected one of "
                f"{', '.join(get_args(Preprocessing))}. Received: preprocessing={self.preprocessing!r}"
            )

    @own_numerics()
    def build(self) -> keras.Model:
        """Build the convolutional part (no classifier) for RGB pictures of any size; its kernels are 0, yet to be set.

        Raises:
            ConfigError: if `keras.applications` has no such network.
        """
        with _no_random_kernels():
            return build_application(self.application, weights=None)


def build_application(application: str, weights: Literal["imagenet"] | None) -> keras.Model:
    """Have `keras.applications` build a convolutional part for RGB pictures of any size.

    Layer names are those a fresh process gives, however many networks were built before.

    Args:
        application: the name of the builder.
        weights: "imagenet" for trained weights, from Keras' cache or its host.

    Raises:
        ConfigError: if there is no such builder.
    """
    import keras

    builder: Any = getattr(keras.applications, application, None)
    if not callable(builder):
        raise ConfigError(f"Keras {keras.__version__} has no such network. Received: keras.applications.{application}")
    network: keras.Model = builder(include_top=False, weights=weights, input_shape=(None, None, 3))
    name_as_in_a_fresh_process(network.layers)
    return network


@contextlib.contextmanager
def _no_random_kernels() -> Iterator[None]:
    """Let Keras' random initialisers give zeros.

    JAX compiles a draw for every shape: 4 s for VGG19, 14 s for InceptionV3, thrown away when weights are set.
    """
    import keras

    drawing = keras.initializers.VarianceScaling.__call__
    keras.initializers.VarianceScaling.__call__ = lambda self, shape, dtype=None, **_: np.zeros(shape, dtype)
    try:
        yield
    finally:
        keras.initializers.VarianceScaling.__call__ = drawing


_VGG_STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))

#: Those of the default grid, whose layers were chosen by measurement.
BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        # Gatys 2016, section 3: style from conv1_1 … conv5_1, content from conv4_2.
        Backbone("vgg16", "VGG16", "caffe", 32, ("block4_conv2",), _VGG_STYLE_LAYERS),
        Backbone("vgg19", "VGG19", "caffe", 32, ("block4_conv2",), _VGG_STYLE_LAYERS),
        Backbone(
            "resnet50",
            "ResNet50",
            "caffe",
            32,
            ("conv4_block1_1_relu",),
            (
                "conv1_relu",
                "conv2_block1_1_relu",
                "conv2_block3_2_relu",
                "conv3_block1_1_relu",
                "conv3_block4_2_relu",
                "conv4_block1_1_relu",
            ),
        ),
        Backbone(
            "inceptionv3",
            "InceptionV3",
            "tf",
            75,
            ("mixed4",),
            (
                *("activation", "activation_1", "activation_2", "activation_3", "activation_4"),
                *("mixed0", "mixed1", "mixed2"),
            ),
        ),
    )
}


#: Every other one that is known by name; `nstcore.networks.applications` says how their layers were chosen.
FURTHER: dict[str, Backbone] = {
    name: Backbone(name, *entry, max_pooling=not name.startswith(WITHOUT_MAX_POOLING))
    for name, entry in APPLICATIONS.items()
}


def get_backbone(name: str, setting: str = "backbone") -> Backbone:
    """Look a backbone up by name; messages call it `setting`.

    Raises:
        ConfigError: for an unknown name, listing the known ones.
    """
    try:
        return BACKBONES.get(name) or FURTHER[name]
    except (KeyError, TypeError):
        raise ConfigError(
            f"unknown backbone; expected one of {', '.join((*BACKBONES, *FURTHER))}. "
            f"Received: {setting}={received(name)}"
        ) from None
