"""Named settings with their source. A preset fixes what its source fixes; the rest stays at the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nstcore.config import TransferConfig
from nstcore.errors import ConfigError, IdleSettingError, received
from nstcore.feedforward.settings import SIZES
from nstcore.networks.backbones import BACKBONES, FURTHER, Backbone, get_backbone
from nstcore.presets.balanced import BALANCED
from nstcore.presets.feedforward import FEED_FORWARD
from nstcore.presets.methods import METHODS
from nstcore.presets.papers import PAPERS
from nstcore.presets.preset import Preset
from nstcore.presets.programs import PROGRAMS

__all__ = ["PRESETS", "Preset", "backbone_of", "get", "network_of", "training_of"]

PRESETS: dict[str, Preset] = {
    "balanced": BALANCED,
    **PAPERS,
    **METHODS,
    **PROGRAMS,
    **FEED_FORWARD,
}
# Its name before there was more than one of that report.
PRESETS["xu2016"] = PRESETS["xu2016-gatys"]


def get(name: str, **overrides: Any) -> TransferConfig:
    """Build the configuration of a preset.

    Args:
        name: a name in `PRESETS`.
        overrides: values of `TransferConfig` fields that take precedence, `backbone` among them.

    Raises:
        ConfigError: for an unknown preset, setting or value, listing what is allowed.
    """
    _known(name)
    backbone = get_backbone(overrides.get("backbone", TransferConfig.backbone))
    settings = settings_of(name, backbone.name, overrides)
    while True:
        try:
            return TransferConfig.from_dict(settings)
        except IdleSettingError as error:
            # What is asked for beside a preset may leave a setting of it without effect, which is nobody's mistake.
            if error.setting in overrides:
                raise
            settings[error.setting] = error.instead


def backbone_of(name: str) -> str:
    """The backbone of the losses that a preset trains a network by; that of the defaults for most presets.

    Raises:
        ConfigError: for an unknown preset, as `network_of` and `training_of`.
    """
    return _known(name).backbone or TransferConfig.backbone


def network_of(name: str) -> dict[str, Any]:
    """The settings of the network that a preset trains, by name; those of the small one for most presets."""
    return {**SIZES["small"].to_dict(), **_known(name).network}


def training_of(name: str) -> dict[str, Any]:
    """The settings of a training that a preset has, by name; none for most presets."""
    return dict(_known(name).training)


def _known(name: str) -> Preset:
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"unknown preset; expected one of {', '.join(PRESETS)}. Received: preset={received(name)}")
    return PRESETS[name]


def settings_of(name: str, backbone: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What is set for a backbone by a preset that exists, and by what takes precedence over it; unchecked.

    A backbone that does not exist has what the preset sets for all.

    Where the content is seen through another network, its layers are those that the preset has for that network.
    Losses that a preset makes of the style layers are made of those that are asked for.
    """
    preset = PRESETS[name]
    known = _registered(backbone)
    asked = _names(overrides.get("style_layers"))
    settings = {**(preset.of(known, asked) if known else preset.settings), **overrides}
    of_content = settings.get("content_backbone")
    if isinstance(of_content, str) and of_content not in ("", backbone):
        other = _registered(of_content)
        layers = preset.of(other).get("content_layers", ()) if other else ()
        settings |= {"content_layers": overrides.get("content_layers", layers)}
    return settings


def _registered(backbone: str) -> Backbone | None:
    return BACKBONES.get(backbone) or FURTHER.get(backbone)


def _names(layers: object) -> tuple[str, ...]:
    """Layers as they were asked for; none where that is not what they are, which is told when settings are checked."""
    if isinstance(layers, list | tuple) and all(isinstance(layer, str) for layer in layers):
        return tuple(layers)
    return ()
