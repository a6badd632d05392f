"""Which network, and how it is to be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Network:
    """A pretrained network as it is to be used.

    Attributes:
        backbone: a name in `nstcore.networks.backbones.BACKBONES`.
        weights: "imagenet", "random", or the path of a weights file.
        pooling: "max", or "avg" in its place.
        precision: of its layers; the first convolution stays in float32.
    """

    backbone: str
    weights: str = "imagenet"
    pooling: Literal["max", "avg"] = "max"
    precision: Literal["float32", "bfloat16"] = "float32"
