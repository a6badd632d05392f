"""Pictures that take no transfer, which every transfer has to beat, and what two pictures themselves tell of judges.

A judge that is content with a cross-fade says nothing of style transfer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nstcore.keras_settings.numerics import own_numerics
from nstcore.pictures.color import with_covariance_of
from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize_to
from pipeline.measures import comparison, formulas
from pipeline.measures.judges import JUDGES, features_of

#: The shares of the style picture in cross-fades.
_SHARES = (0.25, 0.5, 0.75)
#: The pictures that are computed, by name.
FADES = tuple(f"cross-fade {share:g}" for share in _SHARES)
RECOLORED = "recoloured"
BASELINES = ("untouched", *FADES, RECOLORED, "flat")
#: What is told of the two pictures themselves, and of VGG19 by the first, in the place of a picture's measures.
CROPS, RESCALING = "crops", "rescaling"


def computed_pictures(content: Picture, style: Picture) -> dict[str, Picture]:
    """The content picture as it is; faded into the style picture; with its colours (mean and covariance); its mean.

    Args:
        content, style: uint8 (H, W, 3) of any sizes.
    """
    resized = resize_to(style, *content.shape[:2]).astype(np.float64)
    own = content.astype(np.float64)
    faded = {name: own * (1 - share) + resized * share for name, share in zip(FADES, _SHARES, strict=True)}
    flat = np.broadcast_to(own.mean(axis=(0, 1)), content.shape)
    pictures = {"untouched": own, **faded, RECOLORED: with_covariance_of(own, style), "flat": flat}
    return {name: np.clip(np.rint(picture), 0, 255).astype(np.uint8) for name, picture in pictures.items()}


def measure_computed(content: Picture, style: Picture) -> dict[str, dict[str, float]]:
    """The measures of every computed picture, by name; and what is told under `CROPS` and `RESCALING`.

    Args:
        content, style: uint8 (H, W, 3), sides >= 64.
    """
    pictures = computed_pictures(content, style)
    found = {name: formulas.measure(picture, content, style).measures for name, picture in pictures.items()}
    told = {CROPS: {"auc_vgg19": told_apart(content, style)}, RESCALING: {"deviation": rescaling_deviation(content)}}
    return {**found, **told}


def told_apart(one: Picture, other: Picture) -> float:
    """The chance that two quarters of one picture are nearer in style than quarters of the two (VGG19's Gram matrices).

    Half of it is guessing.
    """
    grams, owners = [], []
    for owner, picture in enumerate((one, other)):
        height, width = (side // 2 for side in picture.shape[:2])
        for y in (0, picture.shape[0] - height):
            for x in (0, picture.shape[1] - width):
                grams.append(features_of(JUDGES["vgg19"], picture[y : y + height, x : x + width]).grams)
                owners.append(owner)
    pairs = list(zip(*np.triu_indices(len(grams), 1), strict=True))
    distances = np.array([comparison.style_distance(grams[a], grams[b]) for a, b in pairs])
    same = np.array([owners[a] == owners[b] for a, b in pairs])
    near, far = distances[same], distances[~same]
    return float(np.mean(near[:, None] < far[None]) + np.mean(near[:, None] == far[None]) / 2)


@own_numerics()
def rescaling_deviation(picture: Picture) -> float:
    """How far VGG19's last features move when all of its filters are rescaled, as a share of the largest of them.

    Gatys et al. 2016, section 2: the kernel of each convolution times the mean activations m of the channels that it
    reads, kernel and bias over those of the channels that it makes, after the ReLU. The features are then F / m.
    """
    import keras

    from nstcore.networks.extractor import preprocess, pretrained_network

    network, _ = pretrained_network("vgg19", "imagenet")
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    batch = preprocess(keras.ops.convert_to_tensor(picture[np.newaxis].astype(np.float32)), "caffe")
    plain = keras.Model(network.input, [layer.output for layer in convolutions])(batch, training=False)
    means = [np.maximum(_array(each).mean(axis=(0, 1, 2)), _LEAST_MEAN) for each in plain]
    copy = keras.models.clone_model(keras.Model(network.input, convolutions[-1].output))
    read = np.ones(3, np.float32)
    copied = [layer for layer in copy.layers if isinstance(layer, keras.layers.Conv2D)]
    for layer, own, mean in zip(copied, convolutions, means, strict=True):
        kernel, bias = own.get_weights()
        layer.set_weights([kernel * read[:, None] / mean, bias / mean])
        read = mean
    expected, received = _array(plain[-1]), _array(copy(batch, training=False)) * means[-1]
    return float(np.abs(received - expected).max() / max(np.abs(expected).max(), 1e-30))


# Channels that answer to nothing in the picture have no mean to be divided by.
_LEAST_MEAN = 1e-3


def _array(tensor: object) -> NDArray[np.float32]:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor), dtype=np.float32)
