"""The symbolic feature extractor: pictures in, feature maps of chosen layers out."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import keras
from keras import ops
from keras.applications.imagenet_utils import preprocess_input

from nstcore.errors import ConfigError
from nstcore.keras_settings.numerics import own_numerics
from nstcore.losses import PICTURE, Tensor
from nstcore.networks import activity
from nstcore.networks.backbones import Preprocessing, get_backbone
from nstcore.networks.network import Network
from nstcore.networks.rebuilding import rebuilt
from nstcore.networks.weights import Provenance, load_network
from nstcore.system.kept import droppable

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


# A grid visits one backbone after the other; three stay loaded so that a judge can sit beside the one or two networks
# that it judges.
@droppable
@lru_cache(maxsize=3)
@own_numerics()
def pretrained_network(backbone: str, weights: str) -> tuple[keras.Model, Provenance]:
    """The whole convolutional network with trained weights, once per process."""
    return load_network(backbone, weights)


def _prepare(pictures: Tensor, network: Network) -> Tensor:
    return preprocess(pictures, get_backbone(network.backbone).preprocessing)


def _measured_of(network: Network) -> Network:
    """What a network's activity is measured on: it does not depend on the rest."""
    return replace(network, precision="float32", filters="trained")


@droppable
@lru_cache(maxsize=8)
def _pooling_factors(network: Network) -> dict[str, float]:
    """Of "avg-rescaled", by layer; none for what needs none."""
    if network.pooling != "avg-rescaled":
        return {}
    whole, provenance = pretrained_network(network.backbone, network.weights)
    trained = replace(network, pooling="max")
    model = whole if trained.is_as_built else rebuilt(whole, trained, {})
    return activity.pooling_factors(model, lambda pictures: _prepare(pictures, network), trained, provenance)


@droppable
@lru_cache(maxsize=8)
def _channel_means(network: Network) -> activity.Measured:
    whole, provenance = pretrained_network(network.backbone, network.weights)
    model = whole if network.is_as_built else rebuilt(whole, network, _pooling_factors(network))
    return activity.channel_means(model, lambda pictures: _prepare(pictures, network), network, provenance)


# Every extractor adds nodes to the layers it shares with the network: a long grid must not build one per picture.
@droppable
@lru_cache(maxsize=8)
@own_numerics()
def feature_network(network: Network, layers: tuple[str, ...]) -> keras.Model:
    """Build the extractor of some layers: (B, H, W, 3) RGB 0..255 -> {layer: (B, h, w, N)}.

    The network is cut at the last layer that is asked for. B, H and W stay open; calling the extractor on
    symbolic pictures of fixed size fixes them. The picture itself is the layer `PICTURE`.

    Raises:
        ConfigError: for a layer the backbone does not have, listing those it has.
        WeightsError: if the weights cannot be had.
    """
    whole, _ = pretrained_network(network.backbone, network.weights)
    known = {layer.name: layer for layer in whole.layers[1:] if len(layer.output.shape) == 4}
    outputs = {}
    picture = keras.Input(batch_shape=(None, None, None, 3), name=PICTURE)
    of_network = tuple(name for name in layers if name != PICTURE)
    for name in of_network:
        if name not in known:
            raise ConfigError(
                f"{network.backbone} has no such layer; expected one of {', '.join(known)}, or {PICTURE} for the "
                f"picture itself. Received: layer={name!r}"
            )
        outputs[name] = known[name].output
    features: dict[str, Tensor] = {}
    if outputs:
        truncated = keras.Model(whole.input, outputs)
        if not network.is_as_built:
            truncated = rebuilt(truncated, network, _pooling_factors(_measured_of(network)))
        features = truncated(_prepare(picture, network))
        if network.filters == "normalized":
            means = {name: ops.convert_to_tensor(mean) for name, mean in _channel_means(_measured_of(network)).items()}
            features = {name: ops.cast(features[name], "float32") / means[name] for name in of_network}
    if PICTURE in layers:
        # Not the input itself: what is both loses its place in the graph that the extractor is called in.
        features = {**features, PICTURE: ops.cast(picture, "float32")}
    extractor = keras.Model(picture, features, name=f"{network.backbone}_features")
    extractor.trainable = False
    return extractor


@droppable
@lru_cache(maxsize=32)
@own_numerics()
def activation_shapes(
    network: Network, layers: tuple[str, ...], height: int, width: int
) -> tuple[tuple[keras.Layer, tuple[int, ...]], ...]:
    """Every layer that is computed for these, and the shape that it gives for one picture.

    Raises:
        ConfigError: as `feature_network`, and if a layer is too small for the padding that is asked for.
    """
    if not layers:
        return ()
    extractor = feature_network(network, layers)
    itself = [(extractor.get_layer(PICTURE), (1, height, width, 3))] if PICTURE in layers else []
    truncated = next((layer for layer in extractor.layers if isinstance(layer, keras.Model)), None)
    if truncated is None:
        return tuple(itself)
    every_layer = keras.Model(truncated.input, [layer.output for layer in truncated.layers])
    shapes = every_layer.compute_output_shape((1, height, width, 3))
    return (*itself, *zip(truncated.layers, shapes, strict=True))
