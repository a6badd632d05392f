"""The networks that judge finished pictures: which they are, where their weights came from, and what they see.

Importing this module imports no Keras. A judge is read at fixed layers, in float32 and with trained weights, whatever
the cell that it judges was made with. VGG19 has the weights that its backbone has on this machine; the others come from
one pinned package each and are the same everywhere (`nstcore.networks.weights.pinned`).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nstcore.keras_settings.numerics import own_numerics
from nstcore.networks import weights
from nstcore.networks.weights import Provenance, cache, pinned
from nstcore.pictures.images import Picture
from pipeline.measures.distributions import slices

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Judge:
    """A network whose features tell style and content.

    Attributes:
        name: in the names of measures.
        title: for people.
        content_layer: the layer whose features are the content.
        style_layers: those whose features, as a set, are the style.
        by_grams: whether it compares their Gram matrices.
        by_slices: whether it compares their distributions (`pipeline.measures.distributions`). A cell that is optimised
            by Gram matrices has no advantage there.
        patch_layer: the layer whose positions are patches that a result may cover or not; "" for none.
    """

    name: str
    title: str
    content_layer: str
    style_layers: tuple[str, ...]
    by_grams: bool = True
    by_slices: bool = False
    patch_layer: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers that it is read at."""
        return tuple(dict.fromkeys(filter(None, (self.content_layer, *self.style_layers, self.patch_layer))))


#: Judges of style and content. How the layers of the second were chosen is told in benchmarks/results/judge_layers.md,
#: and how well each form tells styles apart in benchmarks/results/judge_forms.md.
JUDGES: dict[str, Judge] = {
    judge.name: judge
    for judge in (
        # Gatys 2016, section 3.
        Judge("vgg19", "VGG19", "block4_conv2", tuple(f"block{block}_conv1" for block in range(1, 6))),
        # The ends of blocks at 1/2, 1/4, 1/8, 1/16 and 1/16 of the picture's size; content at 1/16.
        Judge(
            "efficientnet_lite0",
            "EfficientNet-Lite0",
            "block5c_add",
            ("block1a_project_bn", "block2b_add", "block3b_add", "block4b_add", "block5b_add"),
            by_slices=True,
            patch_layer="block3b_add",
        ),
        # Likewise. It never saw a Gram matrix: nothing was chosen by them, and nothing is compared by them.
        Judge(
            "mobilenet_v2",
            "MobileNetV2",
            "block_12_add",
            ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_9_add", "block_12_add"),
            by_grams=False,
            by_slices=True,
        ),
    )
}
# Keras keeps every activation until the last is there. Measured with TensorFlow on a processor, bytes of each pixel at
# 512, 1024 and 2048 px: VGG19 1280 to 1400, EfficientNet-Lite0 1490 to 1530, LPIPS of two pictures 1640 to 2020; and
# all measures of a cell 2000, 1970 and 2220.
_BYTES_PER_PIXEL = 2400
#: The networks whose weights the measures need: the judges of style and content, and LPIPS.
NETWORKS = (*JUDGES, "lpips")


def locate(name: str) -> Provenance | None:
    """Which weights a network of `NETWORKS` has here; None where they are yet to be fetched. Instant."""
    return weights.locate(name) if name == "vgg19" else pinned.locate(name)


def fetch(name: str) -> Provenance:
    """Make the weights of a network of `NETWORKS` ready.

    Raises:
        WeightsError: in one line, why they cannot be had.
    """
    return weights.fetch(name) if name == "vgg19" else pinned.fetch(name)


@dataclass(frozen=True)
class Bench:
    """All judges as they sit here now.

    Attributes:
        identity: digest of the weights that are at hand, 16 hex digits.
        missing: the networks whose weights are not.
    """

    identity: str
    missing: tuple[str, ...]


def bench() -> Bench:
    """Who judges; a `stat` call each, so that it can be asked for every cell of a large grid."""
    return _bench(tuple((name, cache.stamp(name)) for name in NETWORKS))


@lru_cache(maxsize=16)
def _bench(_stamps: tuple[object, ...]) -> Bench:
    located = {name: locate(name) for name in NETWORKS}
    found = {name: origin.sha256 if origin else "" for name, origin in located.items()}
    identity = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
    return Bench(identity, tuple(name for name, origin in located.items() if origin is None))


@dataclass(frozen=True)
class Seen:
    """A picture by its bytes, so that what a network sees in it is computed once.

    Attributes:
        digest: of shape and bytes.
        picture: uint8 (H, W, 3), RGB.
    """

    digest: str
    picture: Picture = field(compare=False)

    @classmethod
    def of(cls, picture: Picture) -> Seen:
        digest = hashlib.sha256(f"{picture.shape} ".encode() + np.ascontiguousarray(picture).tobytes())
        return cls(digest.hexdigest(), picture)


def require_memory(*pictures: Picture) -> None:
    """See that the networks can look at some pictures, one after the other, and be compared.

    Raises:
        MemoryShortageError: if that cannot fit, with what to do.
    """
    from nstcore.memory import require_bytes

    height, width = max((picture.shape[:2] for picture in pictures), key=math.prod)
    require_bytes(_BYTES_PER_PIXEL * height * width, f"{width} x {height} pixels through the judges")


@dataclass(frozen=True)
class JudgeFeatures:
    """What a judge sees in a picture, float32.

    Attributes:
        content: the features of its content layer, (M, N): M positions, N channels.
        grams: per style layer the Gram matrix divided by its number of positions, G / M, (N, N); () where the judge
            compares none.
        slices: per style layer its `pipeline.measures.distributions.slices`, (D, Q); likewise.
        patches: the features of its patch layer, (M', N'); None where it has none.
    """

    content: NDArray[np.float32]
    grams: tuple[NDArray[np.float32], ...]
    slices: tuple[NDArray[np.float32], ...] = ()
    patches: NDArray[np.float32] | None = None


@own_numerics()
def features_of(judge: Judge, picture: Picture) -> JudgeFeatures:
    """Let a judge look at a uint8 (H, W, 3) picture with sides >= 32.

    Raises:
        WeightsError: if the judge's weights cannot be had.
    """
    import keras

    from nstcore.losses import feature_matrix
    from nstcore.losses.gram import Gram

    batch = keras.ops.convert_to_tensor(picture[np.newaxis].astype(np.float32))
    activations = _extractor(judge)(batch, training=False)
    features = {layer: feature_matrix(activation) for layer, activation in activations.items()}
    grams = (_numpy(Gram().target(features[layer])["gram"])[0] for layer in judge.style_layers if judge.by_grams)
    sliced = (slices(_numpy(features[layer])[0]) for layer in judge.style_layers if judge.by_slices)
    patches = _numpy(features[judge.patch_layer])[0] if judge.patch_layer else None
    return JudgeFeatures(_numpy(features[judge.content_layer])[0], tuple(grams), tuple(sliced), patches)


def provenance(judge: Judge) -> Provenance:
    """Where the weights that a judge looks with came from.

    Raises:
        WeightsError: if they cannot be had.
    """
    if judge.name == "vgg19":
        from nstcore.networks.extractor import pretrained_network

        return pretrained_network("vgg19", "imagenet")[1]
    return _pinned(judge)[1]


def _extractor(judge: Judge) -> keras.Model:
    if judge.name == "vgg19":
        from nstcore.networks.extractor import feature_network
        from nstcore.networks.network import Network

        return feature_network(Network("vgg19"), (judge.content_layer, *judge.style_layers))
    return _pinned(judge)[0]


@lru_cache(maxsize=4)
@own_numerics()
def _pinned(judge: Judge) -> tuple[keras.Model, Provenance]:
    import keras

    from nstcore.networks import efficientnet_lite, mobilenet
    from nstcore.networks.weights.network import assign

    network = {"efficientnet_lite0": efficientnet_lite, "mobilenet_v2": mobilenet}[judge.name].build()
    arrays, provenance = pinned.load(judge.name)
    assign(network, arrays)
    return keras.Model(network.input, {name: network.get_layer(name).output for name in judge.layers}), provenance


def _numpy(tensor: object) -> NDArray[np.float32]:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor), dtype=np.float32)
