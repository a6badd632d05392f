"""What a preset is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from nstcore.networks.backbones import Backbone


def without_gram(**losses: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of losses that take the place of the Gram loss."""
    return {"losses": {"gram": {"weight": 0.0}, **losses}}


def _nothing(_: Backbone) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Preset:
    """Settings from one source.

    Attributes:
        source: paper and section, or how the values were found.
        ours: what differs from the source or is not told by it; "" for nothing.
        like: the preset whose settings come first, network by network; None for none.
        settings: values of `TransferConfig` fields.
        of_backbone: per backbone the settings that the source has for it alone, layers above all.
        from_layers: settings of any backbone that are made of its style layers.
        backbone: what its source looks through, where a network is trained by it.
        network: values of `nstcore.feedforward.settings.NetworkSettings` fields, of a preset that trains one.
        training: values of `nstcore.feedforward.training_settings.TrainingSettings` fields.
    """

    source: str
    ours: str = ""
    like: Preset | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    of_backbone: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    from_layers: Callable[[Backbone], Mapping[str, Any]] = _nothing
    backbone: str = ""
    network: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("settings", "of_backbone", "network", "training"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def of(self, backbone: Backbone, style_layers: tuple[str, ...] = ()) -> dict[str, Any]:
        """All settings for a backbone.

        Args:
            style_layers: those that losses are made of; () for the preset's own, those of `like`, or the backbone's.
        """
        first = self.like.of(backbone, style_layers) if self.like else {}
        own = self.of_backbone.get(backbone.name, {})
        layers = style_layers or {**first, **own}.get("style_layers") or backbone.style_layers
        made = self.from_layers(replace(backbone, style_layers=layers))
        return {**first, **self.settings, **made, **own}
