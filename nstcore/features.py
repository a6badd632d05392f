"""The symbolic feature extractor: pictures in, feature maps of chosen layers out."""

from __future__ import annotations

from functools import lru_cache

import keras
from keras.applications.imagenet_utils import preprocess_input

from nstcore.backbones import Preprocessing, get_backbone
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError
from nstcore.losses import Tensor
from nstcore.numerics import own_numerics
from nstcore.weights import Provenance, load_network
from nstcore.weights.network import assign, read_arrays


def preprocess(pictures: Tensor, mode: Preprocessing) -> Tensor:
    """Turn symbolic RGB pictures (B, H, W, 3), 0..255, into what the network was trained on, inside the graph.

    Keras' own formulas. They are told where the channels are, for Keras would look into the user's settings, and given
    symbolic pictures alone, for they overwrite arrays.
    """
    if mode == "none":
        return pictures
    return preprocess_input(pictures, data_format="channels_last", mode=mode)


# A grid visits one backbone after the other; two stay loaded so that a judge can sit beside the network it judges.
@lru_cache(maxsize=2)
@own_numerics()
def pretrained_network(backbone: str, weights: str) -> tuple[keras.Model, Provenance]:
    """The whole convolutional network with trained weights, once per process."""
    return load_network(backbone, weights)


def feature_network(config: TransferConfig) -> keras.Model:
    """Build the extractor for a resolved configuration: (B, H, W, 3) RGB 0..255 -> {layer: (B, h, w, N)}.

    The network is cut at the last layer that is asked for. B, H and W stay open; calling the extractor on
    symbolic pictures of fixed size fixes them.

    Raises:
        ConfigError: for a layer the backbone does not have, listing those it has.
        WeightsError: if the weights cannot be had.
    """
    return _feature_network(config.structure())


# Every extractor adds nodes to the layers it shares with the network: a long grid must not build one per picture.
@lru_cache(maxsize=8)
@own_numerics()
def _feature_network(config: TransferConfig) -> keras.Model:
    network, _ = pretrained_network(config.backbone, config.weights)
    known = {layer.name: layer for layer in network.layers[1:]}
    outputs = {}
    for name in (*config.content_layers, *config.style_layers):
        if name not in known:
            raise ConfigError(
                f"{config.backbone} has no such layer; expected one of {', '.join(known)}. Received: layer={name!r}"
            )
        outputs[name] = known[name].output
    truncated = keras.Model(network.input, outputs)
    if config.pooling == "avg" or config.precision == "bfloat16":
        truncated = _rebuild(truncated, config)
    picture = keras.Input(batch_shape=(None, None, None, 3), name="picture")
    features = truncated(preprocess(picture, get_backbone(config.backbone).preprocessing))
    extractor = keras.Model(picture, features, name=f"{config.backbone}_features")
    extractor.trainable = False
    return extractor


def _rebuild(network: keras.Model, config: TransferConfig) -> keras.Model:
    """Copy a network with other pooling or precision, and the same weights.

    With bfloat16 the layers before the second convolution stay in float32: bfloat16 would round pixels to one in 256,
    and they cost next to nothing.
    """
    convolutions = [place for place, layer in enumerate(network.layers) if isinstance(layer, keras.layers.Conv2D)]
    exact = {layer.name for layer in network.layers[: convolutions[1] if len(convolutions) > 1 else None]}

    def rebuild(layer: keras.Layer) -> keras.Layer:
        settings = layer.get_config()
        # A sum written with "+" is no layer, and has no precision of its own.
        if config.precision == "bfloat16" and layer.name not in exact and isinstance(layer, keras.Layer):
            settings["dtype"] = "mixed_bfloat16"
        if config.pooling == "avg" and isinstance(layer, keras.layers.MaxPooling2D):
            return keras.layers.AveragePooling2D.from_config(settings)
        return type(layer).from_config(settings)

    copy = keras.models.clone_model(network, clone_function=rebuild)
    assign(copy, read_arrays(network))
    return copy
