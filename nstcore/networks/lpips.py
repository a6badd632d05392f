"""LPIPS, a distance of two pictures that was fitted to what people find similar (Zhang 2018, the variant "lin", VGG16).

    d(x, y) = Σ_l 1 / (H_l W_l) Σ_hw Σ_c w_lc (x̂_lhwc - ŷ_lhwc)²

over the activations after the last convolution of each of VGG16's five blocks, where x̂ is x divided at every position
by its length over the channels. The weights w_l >= 0 (the "heads") belong to torchvision's VGG16 and to no other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nstcore.keras_settings.numerics import own_numerics
from nstcore.networks.backbones import get_backbone
from nstcore.networks.weights import Provenance, pinned
from nstcore.networks.weights.network import assign
from nstcore.pictures.images import Picture
from nstcore.system.kept import droppable

if TYPE_CHECKING:
    import keras

#: The activations that are compared: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3.
LAYERS = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
#: The smallest side of a picture, pixels: below it the last block has no position.
SMALLEST_SIDE = 16

# The "scaling layer" of the authors' code: input in -1..1, RGB. Not quite ImageNet's own mean and deviation.
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)
_EPSILON = 1e-10  # beside a length, as there

Features = list[Any]  # per layer (H_l, W_l, N_l) on the backend, of unit length over the channels


# One is enough for a process, and it holds 60 MB.
@droppable
@lru_cache(maxsize=1)
@own_numerics()
def _network() -> tuple[keras.Model, list[Any], Provenance]:
    """VGG16 to its five activations, the heads, each (N_l,), and where all came from."""
    import keras

    arrays, provenance = pinned.load("lpips")
    vgg16 = get_backbone("vgg16").build()
    assign(vgg16, arrays)
    activations = [vgg16.get_layer(layer).output for layer in LAYERS]
    heads = [keras.ops.convert_to_tensor(arrays[f"head{number}/kernel"]) for number in range(1, len(LAYERS) + 1)]
    return keras.Model(vgg16.input, activations), heads, provenance


def provenance() -> Provenance:
    """Where the network and its heads came from.

    Raises:
        WeightsError: if they cannot be had.
    """
    return _network()[2]


@own_numerics()
def features(picture: Picture) -> Features:
    """What `distance` compares, for a uint8 (H, W, 3) picture with sides >= `SMALLEST_SIDE`.

    Raises:
        WeightsError: if the network's weights cannot be had.
    """
    import keras

    network, _, _ = _network()
    batch = keras.ops.convert_to_tensor(scaled(picture)[np.newaxis])
    return [_unit_length(activation[0]) for activation in network(batch, training=False)]


def scaled(picture: Picture) -> NDArray[np.float32]:
    """A uint8 RGB picture as the network takes it, float32."""
    return (picture.astype(np.float32) / 127.5 - 1.0 - _SHIFT) / _SCALE


@own_numerics()
def distance(one: Features, other: Features) -> float:
    """LPIPS between two pictures of one size, by their `features`; 0 is equal, and about 1 is as far as it goes."""
    from keras import ops

    _, heads, _ = _network()
    terms = [ops.mean(ops.sum(head * ops.square(x - y), axis=-1)) for x, y, head in zip(one, other, heads, strict=True)]
    return float(sum(float(ops.convert_to_numpy(term)) for term in terms))


def _unit_length(activation: Any) -> Any:
    from keras import ops

    return activation / (ops.sqrt(ops.sum(ops.square(activation), axis=-1, keepdims=True)) + _EPSILON)
