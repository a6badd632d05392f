"""How active a network is on a fixed set of pictures (`measuring_pictures`): measured once, and kept.

Two settings need it. Both are measured in float32, with the padding that is used.

- `filters="normalized"`: Gatys rescaled the filters of VGG19 so that the mean activation m of each channel, after the
  ReLU and over pictures and positions, is 1 (2016, section 2): W times m of the channels it reads, W and the bias over
  m of the channel it makes. ReLU and pooling commute with positive factors, so the network computes what it did, and
  each layer gives F / m. That is all a loss can see of it. So here losses are given F / m and no weight is touched. For
  VGG that is the same, and it has a meaning where weights cannot be rescaled: beyond sums, batch normalisations and
  activations other than the ReLU.
- `pooling="avg-rescaled"`: the factor of a pooling layer is the mean of what max pooling gives there over the mean of
  what average pooling would.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from nstcore.backend import compiled_forward
from nstcore.errors import StyleTransferError, one_line
from nstcore.networks import measuring_pictures
from nstcore.networks.network import Network
from nstcore.networks.padding import EdgePadding2D
from nstcore.networks.weights import Provenance, cache
from nstcore.system.files import whole_or_absent
from nstcore.system.npz import read_npz

_LOG = logging.getLogger("nstcore")

#: Numbers by layer.
Measured = dict[str, np.ndarray]
#: Symbolic RGB pictures -> what the network takes.
Prepare = Callable[[Any], Any]

# Raise it when the same network gives other numbers.
_VERSION = 1
# A channel that hardly answers to any picture of the set is taken to be as active as this share of its layer's mean:
# what it answers to a style may not outweigh all others.
_LEAST_SHARE = 0.01
# Beside the numbers of the layers: where they are from.
_ABOUT = "provenance of these numbers"


def channel_means(model: keras.Model, prepare: Prepare, network: Network, provenance: Provenance) -> Measured:
    """The mean of max(F, 0) of every channel, over pictures and positions, by layer: (N,), > 0.

    Layers that pool or pad have those of the layer before, so that one factor goes through both.

    Args:
        model: from preprocessed pictures; its layers are those of `network`.
        prepare: preprocesses symbolic pictures.
    """

    def measure(look: _Look) -> Measured:
        layers = [layer for layer in model.layers[1:] if len(layer.output.shape) == 4]
        seen = look([layer.output for layer in layers], lambda output: ops.mean(ops.relu(output), axis=(0, 1, 2)))
        makers = {id(layer.output): layer.name for layer in layers}
        found: Measured = {}
        for layer, mean in zip(layers, seen, strict=True):
            before = makers.get(id(layer.input)) if isinstance(layer, _PASSING) else None
            found[layer.name] = found[before] if before else _clamped(mean)
        return found

    return _kept("means", measure, model, prepare, network, provenance)


_PASSING = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.ZeroPadding2D, EdgePadding2D)


def _clamped(means: np.ndarray) -> np.ndarray:
    least = _LEAST_SHARE * means.mean()
    return np.maximum(means, least) if least > 0 else np.ones_like(means)


def pooling_factors(model: keras.Model, prepare: Prepare, network: Network, provenance: Provenance) -> dict[str, float]:
    """Mean of max pooling over mean of average pooling, by layer, > 0.

    Args:
        model, prepare: as for `channel_means`, with max pooling.
    """

    def measure(look: _Look) -> Measured:
        layers = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
        if not layers:
            return {}
        averages = [_average(layer)(layer.input) for layer in layers]
        # Of magnitudes, because some networks pool before the ReLU. Behind one they are the values.
        size = look([*(layer.output for layer in layers), *averages], lambda output: ops.mean(ops.abs(output)))
        maxima, means = size[: len(layers)], size[len(layers) :]
        return {
            layer.name: np.array(highest / mean if mean > 0 else 1.0)
            for layer, highest, mean in zip(layers, maxima, means, strict=True)
        }

    found = _kept("pooling", measure, model, prepare, network, provenance)
    return {name: float(factor) for name, factor in found.items()}


def _average(layer: keras.layers.MaxPooling2D) -> keras.layers.AveragePooling2D:
    return keras.layers.AveragePooling2D.from_config({**layer.get_config(), "name": f"{layer.name}_average"})


#: Tensors of a model and what to tell of each -> that, its mean over the pictures.
_Look = Callable[[list[Any], Callable[[Any], Any]], list[np.ndarray]]


def _kept(
    kind: str,
    measure: Callable[[_Look], Measured],
    model: keras.Model,
    prepare: Prepare,
    network: Network,
    provenance: Provenance,
) -> Measured:
    """What was measured before of these weights, pooling and padding, or is now."""
    about = {
        "what": kind,
        "version": _VERSION,
        "pictures": measuring_pictures.DESCRIPTION,
        "weights": provenance.to_dict(),
        "pooling": network.pooling,
        "padding": network.padding,
    }
    identity = {**about, "weights": provenance.sha256, "pictures": measuring_pictures.identity()}
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    name = f"{network.backbone}-{kind}-{digest}.npz"
    if (stored := _read(name)) is not None:
        return stored
    _LOG.info("measuring how active %s is (%s), once", network.backbone, measuring_pictures.DESCRIPTION)
    found = measure(lambda tensors, tell: _look(model, prepare, tensors, tell))
    _write(name, found, about)
    return found


def _look(model: keras.Model, prepare: Prepare, tensors: list[Any], tell: Callable[[Any], Any]) -> list[np.ndarray]:
    picture = keras.Input(batch_shape=(1, None, None, 3))
    part = keras.Model(model.input, tensors)
    look = compiled_forward(
        keras.Model(picture, part(prepare(picture))), lambda outputs: [tell(output) for output in outputs]
    )
    seen = [
        [_numpy(value) for value in look(one[np.newaxis].astype(np.float32))] for one in measuring_pictures.pictures()
    ]
    return [np.mean(of_all, axis=0).astype(np.float32) for of_all in zip(*seen, strict=True)]


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), dtype=np.float64)


def _place(name: str) -> Path:
    return cache.folder() / "activity" / name


def _read(name: str) -> Measured | None:
    try:
        return {layer: array for layer, array in read_npz(_place(name)).items() if layer != _ABOUT}
    except StyleTransferError:
        return None


def _write(name: str, found: Measured, about: Mapping[str, Any]) -> None:
    """Keep what was found. Where that cannot be, it is measured again by the next process, and a line says so."""
    try:
        _place(name).parent.mkdir(parents=True, exist_ok=True)
        with whole_or_absent(_place(name)) as part:
            np.savez(part, **{_ABOUT: np.array(json.dumps(about))}, **found)  # type: ignore[arg-type]
    except (OSError, StyleTransferError) as error:
        _LOG.warning("what was measured is not kept for the next time: %s", one_line(error))
