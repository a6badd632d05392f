"""What a configuration comes to: the network, the losses, the optimiser and the runs, with nothing left open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from nstcore.config import TransferConfig
from nstcore.losses import Loss, guided_layers, loss_class, make_loss
from nstcore.networks.backbones import get_backbone
from nstcore.networks.network import Network, layers_by_network
from nstcore.optimizers import optimizer_settings
from nstcore.optimizers.settings import Parametrization
from nstcore.stopping import Stopping

# Of the iterations of the full size. Measured (VGG19, 512 px): a quarter and half end at the same loss, and half gives
# larger structures.
_COARSE_SHARE = 0.5


@dataclass(frozen=True)
class Recipe:
    """The settings of a transfer, in the terms of the engine.

    Attributes:
        network: what the losses look through.
        content_network: what those that read the content look through; most often the same.
        losses: name -> loss, in the order of the trace's columns. The flat settings give the first three.
        content_weight, style_weight: factors of the sums of the losses that read the content, and the styles.
        size: longest side of the pictures, pixels.
        iterations: the most of them.
        config: the resolved settings that this comes from, for the record, and for what concerns neither losses nor
            network.
    """

    network: Network
    content_network: Network
    losses: tuple[tuple[str, Loss], ...]
    content_weight: float
    style_weight: float
    size: int
    iterations: int
    optimizer: str
    optimizer_settings: Any
    parametrization: Parametrization
    config: TransferConfig

    def network_of(self, loss: Loss) -> Network:
        """What a loss looks through."""
        return self.content_network if loss.reads == "content" else self.network

    @property
    def layers(self) -> dict[Network, tuple[str, ...]]:
        """Names of the layers that any loss reads, each once, by network."""
        return layers_by_network([(self.network_of(loss), loss.layers) for _, loss in self.losses])

    @property
    def guided_layers(self) -> tuple[str, ...]:
        """Names of the layers at which regions of the picture take styles of their own, each once."""
        return guided_layers(self.losses)

    @property
    def stages(self) -> tuple[tuple[float, tuple[str, ...]], ...]:
        """The stages of the iterations: the share at which each begins, and the losses that do not count in it."""
        begins = {0.0} | {share for _, loss in self.losses for share in (loss.begins, loss.ends) if share < 1.0}
        return tuple(
            (share, tuple(name for name, loss in self.losses if not loss.counts_from(share)))
            for share in sorted(begins)
        )

    def unstaged(self) -> Recipe:
        """The same with the losses that count from the start, throughout."""
        losses = tuple((name, replace(loss, begins=0.0, ends=1.0)) for name, loss in self.losses if loss.begins == 0.0)
        return self if losses == self.losses else replace(self, losses=losses)

    def stopping(self, spent: float) -> Stopping:
        """When a run ends that begins after so many seconds."""
        limit = self.config.time_limit
        left = max(limit - spent, 1e-9) if limit else 0.0
        return Stopping(self.iterations, self.config.stop_change, self.config.stop_over, left)

    def coarse(self) -> list[Recipe]:
        """The recipes of the smaller runs, in order; none of them has coarse runs of its own, nor stages."""
        least = get_backbone(self.config.backbone).smallest_side  # style pictures may be smaller than the rest
        sizes = [size for size in self.config.coarse_sizes if isinstance(size, int)]
        sizes = [size for size in sizes if size * self.config.style_scale >= least]
        iterations = max(1, round(self.iterations * _COARSE_SHARE))
        return [self._at(size, iterations) for size in sizes]

    def _at(self, size: int, iterations: int) -> Recipe:
        config = replace(self.config, size=size, coarse_sizes=(), iterations=iterations)
        return replace(self.unstaged(), size=size, iterations=iterations, config=config)


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
    network = Network(
        config.backbone, config.weights, config.pooling, _precision(config), config.padding, config.filters
    )
    return Recipe(
        network=network,
        content_network=replace(network, backbone=config.content_backbone or config.backbone),
        losses=tuple(losses),
        content_weight=config.content_weight,
        style_weight=config.style_weight,
        size=config.size,
        iterations=config.iterations,
        optimizer=config.optimizer,
        optimizer_settings=optimizer_settings(config.optimizer, config.optimizer_settings),
        parametrization=Parametrization(
            bounded=config.pixel_range == "bounded",
            fourier_exponent=config.fourier_exponent if config.parametrization == "fourier" else None,
            decorrelated=config.fourier_colors == "decorrelated",
        ),
        config=config,
    )


def _precision(config: TransferConfig) -> Literal["float32", "bfloat16"]:
    return "bfloat16" if config.precision == "bfloat16" else "float32"
