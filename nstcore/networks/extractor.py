"""The symbolic feature extractor: pictures in, feature maps of chosen layers out."""

from __future__ import annotations

from functools import lru_cache

import keras
from keras import ops
from keras.applications.imagenet_utils import preprocess_input

from nstcore.errors import ConfigError
from nstcore.keras_settings.numerics import own_numerics
from nstcore.losses import Tensor
from nstcore.networks.backbones import Preprocessing, get_backbone
from nstcore.networks.network import Network
from nstcore.networks.weights import Provenance, load_network
from nstcore.networks.weights.network import assign, read_arrays

# Per-channel mean of ImageNet, BGR, 0..255: what Caffe's VGG training subtracted (Simonyan & Zisserman 2014).
_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


def preprocess(pictures: Tensor, mode: Preprocessing) -> Tensor:
    """Turn symbolic RGB pictures (B, H, W, 3), 0..255, into what the network was trained on, inside the graph.

    By Keras' own formulas, but for "caffe", which Keras puts together from three slices: with the gradient that took
    three times as long, 2 % of an evaluation of ResNet50 (256 px). Keras is told where the channels are, for it would
    look into the user's settings, and given symbolic pictures alone, for it overwrites arrays.
    """
    if mode == "none":
        return pictures
    if mode == "caffe":
        return ops.flip(pictures, axis=-1) - ops.convert_to_tensor(_IMAGENET_MEAN_BGR, "float32")
    return preprocess_input(pictures, data_format="channels_last", mode=mode)


# A grid visits one backbone after the other; two stay loaded so that a judge can sit beside the network it judges.
@lru_cache(maxsize=2)
@own_numerics()
def pretrained_network(backbone: str, weights: str) -> tuple[keras.Model, Provenance]:
    """The whole convolutional network with trained weights, once per process."""
    return load_network(backbone, weights)


# Every extractor adds nodes to the layers it shares with the network: a long grid must not build one per picture.
@lru_cache(maxsize=8)
@own_numerics()
def feature_network(network: Network, layers: tuple[str, ...]) -> keras.Model:
    """Build the extractor of some layers: (B, H, W, 3) RGB 0..255 -> {layer: (B, h, w, N)}.

    The network is cut at the last layer that is asked for. B, H and W stay open; calling the extractor on
    symbolic pictures of fixed size fixes them.

    Raises:
        ConfigError: for a layer the backbone does not have, listing those it has.
        WeightsError: if the weights cannot be had.
    """
    whole, _ = pretrained_network(network.backbone, network.weights)
    known = {layer.name: layer for layer in whole.layers[1:]}
    outputs = {}
    for name in layers:
        if name not in known:
            raise ConfigError(
                f"{network.backbone} has no such layer; expected one of {', '.join(known)}. Received: layer={name!r}"
            )
        outputs[name] = known[name].output
    truncated = keras.Model(whole.input, outputs)
    if network.pooling == "avg" or network.precision == "bfloat16":
        truncated = _rebuild(truncated, network)
    picture = keras.Input(batch_shape=(None, None, None, 3), name="picture")
    features = truncated(preprocess(picture, get_backbone(network.backbone).preprocessing))
    extractor = keras.Model(picture, features, name=f"{network.backbone}_features")
    extractor.trainable = False
    return extractor


@lru_cache(maxsize=32)
@own_numerics()
def activation_shapes(
    network: Network, layers: tuple[str, ...], height: int, width: int
) -> tuple[tuple[keras.Layer, tuple[int, ...]], ...]:
    """Every layer that is computed for these, and the shape that it gives for one picture."""
    if not layers:
        return ()
    extractor = feature_network(network, layers)
    truncated = next(layer for layer in extractor.layers if isinstance(layer, keras.Model))
    every_layer = keras.Model(truncated.input, [layer.output for layer in truncated.layers])
    shapes = every_layer.compute_output_shape((1, height, width, 3))
    return tuple(zip(truncated.layers, shapes, strict=True))


def _rebuild(truncated: keras.Model, network: Network) -> keras.Model:
    """Copy a network with other pooling or precision, and the same weights.

    With bfloat16 the layers before the second convolution stay in float32: bfloat16 would round pixels to one in 256,
    and they cost next to nothing.
    """
    convolutions = [place for place, layer in enumerate(truncated.layers) if isinstance(layer, keras.layers.Conv2D)]
    exact = {layer.name for layer in truncated.layers[: convolutions[1] if len(convolutions) > 1 else None]}

    def rebuild(layer: keras.Layer) -> keras.Layer:
        settings = layer.get_config()
        # A sum written with "+" is no layer, and has no precision of its own.
        if network.precision == "bfloat16" and layer.name not in exact and isinstance(layer, keras.Layer):
            settings["dtype"] = "mixed_bfloat16"
        if network.pooling == "avg" and isinstance(layer, keras.layers.MaxPooling2D):
            return keras.layers.AveragePooling2D.from_config(settings)
        return type(layer).from_config(settings)

    copy = keras.models.clone_model(truncated, clone_function=rebuild)
    assign(copy, read_arrays(truncated))
    return copy
