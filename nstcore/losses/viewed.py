"""Losses that look at turned and resized copies of a style picture too."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from nstcore.checks import expected, sequence
from nstcore.errors import ConfigError
from nstcore.losses.loss import Layer, Loss, Tensor, View, view_name

# So many copies are more than any method has, and each costs as much as the style picture itself.
_MOST_VIEWS = 100


@dataclass(frozen=True, kw_only=True)
class Viewed(Loss):
    """A loss of the style that may take what it compares with from copies of the style picture, besides itself.

    Attributes:
        rotations: how far copies are turned, degrees counter-clockwise, each -180 to 180.
        scales: how large copies are against the style picture, each 0.1 to 10. Every scale, and 1, comes with every
            rotation, and with none.
    """

    rotations: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rotations", self._numbers("rotations", -180.0, 180.0))
        object.__setattr__(self, "scales", self._numbers("scales", 0.1, 10.0))
        if len(self.views) > _MOST_VIEWS:
            raise ConfigError(
                f"{type(self).__name__}: rotations and scales make {len(self.views)} copies of a style picture; "
                f"{_MOST_VIEWS} are the most"
            )

    @property
    def views(self) -> tuple[View, ...]:
        pairs = itertools.product((0.0, *self.rotations), (1.0, *self.scales))
        return tuple(dict.fromkeys(View(degrees, scale) for degrees, scale in pairs))

    @property
    def keeps_positions(self) -> bool:
        return True

    def coefficient(self, layer: Layer) -> float | None:
        return None

    def of_views(self, target: Mapping[str, Tensor], name: str) -> list[Tensor]:
        """An array of `target` in every view."""
        return [target[view_name(name, place)] for place in range(len(self.views))]

    def _numbers(self, setting: str, least: float, most: float) -> tuple[float, ...]:
        given = sequence(self._label(setting), getattr(self, setting), "a sequence of numbers")
        for one in given:
            if isinstance(one, bool) or not isinstance(one, int | float) or not least <= one <= most:
                raise ConfigError(expected(self._label(setting), f"numbers from {least:g} to {most:g}", one))
        return tuple(float(one) for one in given)
