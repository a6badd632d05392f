"""What a configuration comes to: the network, the losses, the optimiser and the runs, with nothing left open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from nstcore.config import TransferConfig
from nstcore.losses import Loss, loss_class, make_loss
from nstcore.networks.network import Network
from nstcore.optimizers import optimizer_settings

# Of the iterations of the full size. Measured (VGG19, 512 px): a quarter and half end at the same loss, and half gives
# larger structures.
_COARSE_SHARE = 0.5


@dataclass(frozen=True)
class Recipe:
    """The settings of a transfer, in the terms of the engine.

    Attributes:
        network: what the losses look through.
        losses: name -> loss, in the order of the trace's columns. The flat settings give the first three.
        content_weight, style_weight: factors of the sums of the losses that read the content, and the styles.
        size: longest side of the pictures, pixels.
        iterations: the most of them.
        config: the resolved settings that this comes from, for the record, and for what concerns neither losses nor
            network.
    """

    network: Network
    losses: tuple[tuple[str, Loss], ...]
    content_weight: float
    style_weight: float
    size: int
    iterations: int
    optimizer: str
    optimizer_settings: Any
    config: TransferConfig

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that any loss reads, each once."""
        return tuple(dict.fromkeys(layer for _, loss in self.losses for layer in loss.layers))

    def coarse(self) -> list[Recipe]:
        """The recipes of the smaller runs, in order; none of them has coarse runs of its own."""
        sizes = [size for size in self.config.coarse_sizes if isinstance(size, int)]
        iterations = max(1, round(self.iterations * _COARSE_SHARE))
        return [self._at(size, iterations) for size in sizes]

    def _at(self, size: int, iterations: int) -> Recipe:
        config = replace(self.config, size=size, coarse_sizes=(), iterations=iterations)
        return replace(self, size=size, iterations=iterations, config=config)


def resolve(config: TransferConfig | Recipe) -> Recipe:
    """Turn a configuration into what the engine takes; a recipe stays what it is.

    Raises:
        ConfigError: for a loss or a setting of one that does not exist.
    """
    if isinstance(config, Recipe):
        return config
    return _resolve(config.resolved(), tuple(loss_class(name) for name in config.losses))


# A grid asks for that of every cell. By the classes too, because a name may be given to another one.
@lru_cache(maxsize=1000)
def _resolve(config: TransferConfig, _: tuple[type[Loss], ...]) -> Recipe:
    flat: dict[str, dict[str, Any]] = {
        "content": {
            "layers": config.content_layers,
            "balanced": config.style_normalization == "balanced",
        },
        "gram": {
            "layers": config.style_layers,
            "layer_weights": config.style_layer_weights,
            "normalization": config.style_normalization,
        },
        "total_variation": {"weight": config.total_variation_weight, "kind": config.total_variation},
    }
    settings = {name: {**flat.get(name, {}), **config.losses.get(name, {})} for name in (*flat, *config.losses)}
    losses = [(name, make_loss(name, each)) for name, each in settings.items()]
    # What has no weight is not computed, but for the flat settings' own, which every trace tells.
    losses = [(name, loss) for name, loss in losses if loss.weight or not config.losses.get(name, {}).keys()]
    return Recipe(
        network=Network(config.backbone, config.weights, config.pooling, _precision(config)),
        losses=tuple(losses),
        content_weight=config.content_weight,
        style_weight=config.style_weight,
        size=config.size,
        iterations=config.iterations,
        optimizer=config.optimizer,
        optimizer_settings=optimizer_settings(config.optimizer, config.optimizer_settings),
        config=config,
    )


def _precision(config: TransferConfig) -> Literal["float32", "bfloat16"]:
    return "bfloat16" if config.precision == "bfloat16" else "float32"
