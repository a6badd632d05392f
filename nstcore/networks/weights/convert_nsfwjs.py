"""InceptionV3 and MobileNetV2 from the npm package `nsfwjs`: fine-tuned on another task, 8 bits, stand-ins."""

from __future__ import annotations

import base64
import json
import posixpath
import re
import tarfile
from pathlib import Path
from typing import Any

from nstcore.networks.weights import tfjs
from nstcore.networks.weights.arrays import Arrays

MEMBER = "package/dist/models/inception_v3/model.min.js"
JUDGE_MEMBER = "package/dist/models/mobilenet_v2/model.min.js"

_NUMBERED = re.compile(r"(conv2d|batch_normalization)_(\d+)")
_BASE64 = re.compile(r"\.exports=\"([A-Za-z0-9+/]+={0,2})\"")


def rename(layer: str) -> str:
    """Name of a layer in a fresh process of Keras 3: conv2d_1 → conv2d, conv2d_2 → conv2d_1."""
    match = _NUMBERED.fullmatch(layer)
    if not match:
        return layer
    kind, number = match.group(1), int(match.group(2)) - 1
    return f"{kind}_{number}" if number else kind


def read_manifest(module: str) -> list[dict[str, Any]]:
    """Read `weightsManifest` out of a minified JavaScript module, without running it.

    A minified object is JSON but for keys without quotation marks and numbers such as .5 and -.5.

    Raises:
        ValueError: there is no manifest, or it is not such an object.
    """
    marker = "weightsManifest:"
    start = module.find(marker)
    if start < 0:
        raise ValueError("the module holds no weightsManifest")
    text = re.sub(r"([{,])([A-Za-z_]\w*):", r'\1"\2":', module[start + len(marker) :])
    text = re.sub(r"(?<=[:,\[])(-?)\.(?=\d)", r"\g<1>0.", text)
    manifest: list[dict[str, Any]] = json.JSONDecoder().raw_decode(text)[0]
    return manifest


def read_shard(module: str) -> bytes:
    """Decode the one base64 string that a shard's module exports.

    Raises:
        ValueError: there is no such string.
    """
    match = _BASE64.search(module)
    if not match:
        raise ValueError("the module exports no base64 string")
    return base64.b64decode(match.group(1), validate=True)


def convert(archive: Path, member: str = MEMBER) -> Arrays:
    """Read every variable; convolutions and normalisations keep the order in which the network creates them.

    Raises:
        ValueError, KeyError, OSError, tarfile.TarError: the archive is not as expected.
    """
    folder = posixpath.dirname(member)
    with tarfile.open(archive) as package:
        modules = {
            each.name: file.read().decode("ascii")
            for each in package
            if each.name.startswith(folder + "/") and (file := package.extractfile(each)) is not None
        }
    arrays: Arrays = {}
    for group in read_manifest(modules[member]):
        data = b"".join(read_shard(modules[posixpath.join(folder, f"{path}.min.js")]) for path in group["paths"])
        for name, array in tfjs.decode(group["weights"], data).items():
            layer, variable = name.split("/")
            arrays[f"{rename(layer)}/{variable}"] = array
    return arrays


def convert_judge(archive: Path) -> Arrays:
    """MobileNetV2, whose layers have the names that Keras gives them; its head is left out. Raises what `convert` does.

    What an older Keras called the `depthwise_kernel` is the `kernel` now.
    """
    arrays = convert(archive, JUDGE_MEMBER)
    kept = {name: array for name, array in arrays.items() if not name.startswith("dense")}
    return {name.replace("depthwise_kernel", "kernel"): array for name, array in kept.items()}
