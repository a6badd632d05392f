"""Which network, and how it is to be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

#: What stands where the network has max pooling, see `nstcore.networks.pooling`.
Pooling = Literal["max", "avg", "l2", "avg-rescaled"]
#: What lies beyond the border of a layer, see `nstcore.networks.padding`.
Padding = Literal["zeros", "reflect", "replicate"]
#: Whether losses see activations as they are, or by their means, see `nstcore.networks.activity`.
Filters = Literal["trained", "normalized"]


@dataclass(frozen=True)
class Network:
    """A pretrained network as it is to be used.

    Attributes:
        backbone: a name that `nstcore.networks.backbones.get_backbone` knows.
        weights: "imagenet", "random", or the path of a weights file.
        pooling: "max", or what stands in its place.
        precision: of its layers; the first convolution stays in float32.
        padding: "zeros" as the network was trained, or what stands in their place.
        filters: "trained", or "normalized" to a mean activation of 1.
    """

    backbone: str
    weights: str = "imagenet"
    pooling: Pooling = "max"
    precision: Literal["float32", "bfloat16"] = "float32"
    padding: Padding = "zeros"
    filters: Filters = "trained"

    @property
    def is_as_built(self) -> bool:
        """Whether its layers are those that Keras builds."""
        return (self.pooling, self.precision, self.padding) == ("max", "float32", "zeros")

    def settings(self) -> Mapping[str, Any]:
        """What a digest says of it: settings that came later than the first outputs only where they differ."""
        later = {one.name: one.default for one in fields(self) if one.name in ("padding", "filters")}
        return {name: value for name, value in asdict(self).items() if value != later.get(name, ...)}


def layers_by_network(looks: Iterable[tuple[Network, Iterable[str]]]) -> dict[Network, tuple[str, ...]]:
    """Names of layers, each once, by the networks that have them; networks of which nothing is read are left out."""
    found: dict[Network, dict[str, None]] = {}
    for network, layers in looks:
        found.setdefault(network, {}).update(dict.fromkeys(layers))
    return {network: tuple(layers) for network, layers in found.items() if layers}
