"""What a loss is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np

from nstcore.checks import expected, layer_names, number, sequence
from nstcore.errors import ConfigError
from nstcore.losses import ops

#: A Keras symbolic tensor, or a tensor or array of the active backend.
Tensor = Any
#: What a loss compares the optimised picture with: the content picture, the style pictures, or nothing.
Reads = Literal["content", "style", "picture"]


@dataclass(frozen=True)
class Layer:
    """What is known of a layer before anything is computed.

    Attributes:
        positions, channels: M and N of its feature matrix for the picture that is optimised.
        pixels: height x width of that picture.
    """

    positions: int
    channels: int
    pixels: int


def setting(default: Any, *, shapes: tuple[Literal["graph", "target"], ...]) -> Any:
    """A field of a loss that says what depends on it.

    Args:
        default: its default value.
        shapes: "graph" if `Loss.value` does, "target" if `Loss.target` does; () if only `Loss.constants` and
            `Loss.coefficient` do, which give inputs of the graph. Fields that do not say it shape both.
    """
    return field(default=default, metadata={"shapes": shapes})


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One term of the total loss: its settings, and its formulas as methods.

    A subclass is a frozen dataclass with the settings that it needs besides these, written with `nstcore.losses.ops` so
    that it is symbolic on symbolic input and works on every backend.

    Attributes:
        weight: its factor, >= 0, within the sum of the losses that read what it reads.
        layers: names of the layers whose features it reads; () for a loss of the picture itself.
        layer_weights: w_l, one per layer; () is 1/|L| each for what reads a style, 1 each otherwise.
        reads: what it compares with.
        version: raised by hand when `target` gives something else for the same settings.

    Raises:
        ConfigError: when built with a value out of range.
    """

    weight: float = setting(1.0, shapes=())
    layers: tuple[str, ...] = ()
    layer_weights: tuple[float, ...] = setting((), shapes=())

    reads: ClassVar[Reads]
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", number(self._label("weight"), self.weight))
        object.__setattr__(self, "layers", layer_names(self._label("layers"), self.layers))
        if self.reads == "picture" and self.layers:
            what = "(), because it reads the picture itself"
            raise ConfigError(expected(self._label("layers"), what, self.layers))
        weights = sequence(self._label("layer_weights"), self.layer_weights, "a sequence of numbers")
        weights = tuple(number(self._label("layer_weights"), weight) for weight in weights)
        if weights and len(weights) != len(self.layers):
            what = f"one weight for each of {', '.join(self.layers)}"
            raise ConfigError(expected(self._label("layer_weights"), what, weights))
        if not weights:
            weights = (1.0 / max(1, len(self.layers)) if self.reads == "style" else 1.0,) * len(self.layers)
        object.__setattr__(self, "layer_weights", weights)

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """What is kept of a reference picture at a layer, as named arrays.

        Args:
            features: (B, M, N), float32.
            guide: (B, M), the weight of each position within the region that is compared; None is everywhere 1.
        """
        return {}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        """The loss at a layer, (B,).

        Args:
            features: of the optimised pictures, (B, M, N); the pictures (B, H, W, 3) themselves for a loss without
                layers.
            target: `constants` of what `target` gave, each with a leading axis of length B.
            guide: (B, M), as for `target`.
        """
        raise NotImplementedError

    def constants(self, target: Mapping[str, np.ndarray], layer: Layer) -> dict[str, np.ndarray]:
        """The arrays that `value` takes, made of those that `target` gave for one picture; float32."""
        return dict(target)

    def coefficient(self, layer: Layer) -> float | None:
        """The factor of a layer's `value`, besides w_l; None lets the engine balance it.

        Balanced, a style loss is divided by its value at the content picture, and a content loss by its value at a
        picture without any structure, so that one weight serves every backbone.
        """
        return 1.0

    def between(self, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float | None:
        """`value` at a picture of which only the target is known, both as `target` gave them.

        None where that cannot be told; then the engine computes the picture's features.
        """
        return None

    def structure(self, *shaped: Literal["graph", "target"]) -> Self:
        """The same loss, settings at their defaults that shape none of these: what compiled code is shared by."""
        idle: dict[str, Any] = {one.name: one.default for one in fields(self) if not set(shaped) & set(_shapes(one))}
        return replace(self, **idle)

    def target_settings(self) -> dict[str, Any]:
        """The settings that `target` depends on."""
        return {one.name: getattr(self, one.name) for one in fields(self) if "target" in _shapes(one)}

    def is_kept(self, role: Literal["content", "style"]) -> bool:
        """Whether a picture of this role is looked at for this loss.

        A content picture is seen as a style too, where that suffices to balance a loss of the style.
        """
        return self.reads == role or (self.reads == "style" and role == "content" and self.compares_targets)

    @property
    def compares_targets(self) -> bool:
        """Whether `between` tells the value from two targets."""
        return type(self).between is not Loss.between

    def _label(self, setting: str) -> str:
        """What messages call a setting of this loss."""
        return f"{type(self).__name__}.{setting}"


def _shapes(one: Field[Any]) -> tuple[str, ...]:
    shapes: tuple[str, ...] = one.metadata.get("shapes", ("graph", "target"))
    return shapes


def feature_matrix(activation: Tensor) -> Tensor:
    """Flatten the positions of a (B, height, width, N) activation: (B, M, N), float32."""
    shape = (activation.shape[0], -1, activation.shape[-1])
    return ops.cast(ops.reshape(activation, shape), "float32")


def guided(features: Tensor, guide: Tensor | None) -> Tensor:
    """T ∘ F: features (B, M, N) with every position weighted by a guide (B, M) (Gatys et al. 2017, section 4.2)."""
    return features if guide is None else features * ops.expand_dims(guide, -1)
