"""Settings that do nothing beside the others: each is refused, for whoever sets one expects something of it.

What a trace tells counts as use, so that a weight may be varied down to 0 and its column goes on. So does a seed, which
says which noise is drawn, if any is. A value that is the default is not told from one that nobody set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from nstcore.errors import IdleSettingError, received
from nstcore.losses import loss_class
from nstcore.networks.backbones import get_backbone

if TYPE_CHECKING:
    from nstcore.config import TransferConfig


class Idle(NamedTuple):
    """A setting without effect, why it has none, and a value that says so itself and is allowed."""

    setting: str
    why: str
    instead: Any


def require_effect(config: TransferConfig, usual: Mapping[str, Any]) -> None:
    """See that every setting does something.

    Args:
        config: settings that are in range.
        usual: the default of every field.

    Raises:
        IdleSettingError: naming the first that does nothing.
    """
    checks = (_of_stopping, _of_the_networks, _of_the_content, _of_the_style)
    for one in chain.from_iterable(check(config, usual) for check in checks):
        told = received(getattr(config, one.setting))
        raise IdleSettingError(
            f"{one.setting} does nothing: {one.why}. Received: {one.setting}={told}", one.setting, one.instead
        )


def _of_stopping(config: TransferConfig, usual: Mapping[str, Any]) -> Iterator[Idle]:
    if config.stop_over != usual["stop_over"] and not config.stop_change:
        yield Idle("stop_over", "it counts the iterations of stop_change, which is 0", usual["stop_over"])


def _of_the_networks(config: TransferConfig, usual: Mapping[str, Any]) -> Iterator[Idle]:
    networks = [get_backbone(name) for name in dict.fromkeys((config.backbone, config.content_backbone)) if name]
    if config.pooling != usual["pooling"] and not any(network.max_pooling for network in networks):
        names = " nor ".join(network.name for network in networks)
        yield Idle("pooling", f"no layer of {names} is max pooling", usual["pooling"])


def _of_the_content(config: TransferConfig, usual: Mapping[str, Any]) -> Iterator[Idle]:
    read = _layers(config, "content")
    other = config.content_backbone not in ("", config.backbone)
    if other and not (read and config.content_weight):
        yield Idle("content_backbone", "no loss that reads the content has a weight", "")
    if not read and config.content_weight not in (0.0, usual["content_weight"]):
        yield Idle("content_weight", "no loss reads the content", usual["content_weight"])
    own = get_backbone(config.content_backbone or config.backbone).content_layers
    if not _is_told(config, "content") and _unread(config.content_layers, own, read):
        yield Idle("content_layers", "the content loss has the weight 0, and no other reads them", ())


def _of_the_style(config: TransferConfig, usual: Mapping[str, Any]) -> Iterator[Idle]:
    read = _layers(config, "style")
    gram = _is_told(config, "gram")
    normalization = config.style_normalization
    content = _is_told(config, "content") and config.content_weight
    if normalization != "balanced" and not content and not (gram and config.style_weight):
        yield Idle("style_normalization", "neither the Gram loss nor the content loss has a weight", "balanced")
    if normalization in ("gatys", "keras-example") and not gram:
        why = 'the Gram loss, whose formula it is, has the weight 0; "none" leaves the content loss as it is'
        yield Idle("style_normalization", why, "none")
    weights = config.style_layer_weights
    if not gram and weights not in ((), (1.0 / max(1, len(weights)),) * len(weights)):
        yield Idle("style_layer_weights", "the Gram loss has the weight 0; others have their own `layer_weights`", ())
    if not gram and _unread(config.style_layers, get_backbone(config.backbone).style_layers, read):
        yield Idle("style_layers", "the Gram loss has the weight 0, and no other reads them", ())
    if not read and config.style_weight not in (0.0, usual["style_weight"]):
        yield Idle("style_weight", "no loss reads the style", usual["style_weight"])
    if not read and config.init not in ("style", "style-colors"):
        if config.style_scale != usual["style_scale"]:
            yield Idle("style_scale", "no loss reads the style", usual["style_scale"])
        if config.color in ("match", "match-histogram"):
            yield Idle("color", "it gives the style other colors, and no loss reads the style", usual["color"])


def _is_told(config: TransferConfig, name: str) -> bool:
    """Whether a loss is computed, if only for the trace: all but those that `losses` gives the weight 0."""
    return bool(config.losses.get(name, {}).get("weight", 1.0))


def _layers(config: TransferConfig, reads: str) -> list[tuple[str, ...]]:
    """The layers that `losses` names for each loss that is computed and reads this; () for those of flat settings."""
    names = dict.fromkeys(("content", "gram", *config.losses))
    told = [name for name in names if _is_told(config, name) and loss_class(name).reads == reads]
    return [tuple(config.losses.get(name, {}).get("layers", ())) for name in told]


def _unread(layers: tuple[str, ...], own: tuple[str, ...], read: list[tuple[str, ...]]) -> bool:
    """Whether layers were named, none of which is read by any loss; presets make further losses of them."""
    return layers not in ((), own) and not any(set(layers) & set(each) for each in read)
