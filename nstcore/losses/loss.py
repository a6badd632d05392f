"""What a loss is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from nstcore.checks import expected, layer_names, number, sequence, true_or_false
from nstcore.errors import ConfigError
from nstcore.losses import ops

#: A Keras symbolic tensor, or a tensor or array of the active backend.
Tensor = Any
#: The name of the picture itself among layers: its RGB values, 0 to 255.
PICTURE = "picture"
#: What a loss compares the optimised picture with: the content picture, the style pictures, or nothing.
Reads = Literal["content", "style", "picture"]


@dataclass(frozen=True)
class Layer:
    """What is known of a layer, or of the last of several that are read together, before anything is computed.

    Attributes:
        positions, channels: M and N of its feature matrix for the picture that is optimised.
        pixels: height x width of that picture.
    """

    positions: int
    channels: int
    pixels: int


class View(NamedTuple):
    """A copy of a style picture: turned counter-clockwise, and so many times as large."""

    degrees: float = 0.0
    scale: float = 1.0


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
        layer_weights: w_l, one per reading, that is per layer unless a loss reads several at a time; () is 1/|L| each
            for what reads a style, 1 each otherwise.
        begins, ends: the part of the iterations at full size in which it counts, shares of 0 to 1; what begins later
            than 0 takes no part in coarse runs, and what begins with them takes part in all of them.
        softmax: replace the features F of a layer by exp(F) / Σ exp(F), the sum over all positions and channels (SWAG,
            Wang et al. 2021, eq. 5), before everything else.
        reads: what it compares with.
        regions: whether it can weigh positions by a guide, so that a region of the picture takes a style of its own.
        version: raised by hand when `target` gives something else for the same settings.

    Raises:
        ConfigError: when built with a value out of range.
    """

    weight: float = setting(1.0, shapes=())
    layers: tuple[str, ...] = ()
    layer_weights: tuple[float, ...] = setting((), shapes=())
    softmax: bool = False
    begins: float = setting(0.0, shapes=())
    ends: float = setting(1.0, shapes=())

    reads: ClassVar[Reads]
    regions: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", number(self._label("weight"), self.weight))
        object.__setattr__(self, "layers", layer_names(self._label("layers"), self.layers))
        if self.reads == "picture" and self.layers:
            what = "(), because it reads the picture itself"
            raise ConfigError(expected(self._label("layers"), what, self.layers))
        weights = sequence(self._label("layer_weights"), self.layer_weights, "a sequence of numbers")
        weights = tuple(number(self._label("layer_weights"), weight) for weight in weights)
        readings = self.readings
        if weights and len(weights) != len(readings):
            what = f"one weight for each of {', '.join(map(reading_name, readings))}"
            raise ConfigError(expected(self._label("layer_weights"), what, weights))
        if not weights:
            weights = (1.0 / max(1, len(readings)) if self.reads == "style" else 1.0,) * len(readings)
        object.__setattr__(self, "layer_weights", weights)
        for name in ("begins", "ends"):
            object.__setattr__(self, name, number(self._label(name), getattr(self, name)))
        if not self.begins < self.ends <= 1.0:
            what = f"two shares of the iterations, begins < ends <= 1; ends is {self.ends:g}"
            raise ConfigError(expected(self._label("begins"), what, self.begins))
        true_or_false(self._label("softmax"), self.softmax)
        if self.softmax and self.reads == "picture":
            what = "false, because it reads the picture itself"
            raise ConfigError(expected(self._label("softmax"), what, self.softmax))

    @property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        """The layers that are read at a time: each alone, unless a loss joins some."""
        return tuple((layer,) for layer in self.layers)

    @property
    def views(self) -> tuple[View, ...]:
        """The copies of a style picture that are looked at; the first is the picture itself.

        What `target` gives of each further one is kept too, under its `view_name`.
        """
        return (View(),)

    def features(self, *activations: Tensor) -> Any:
        """What `target` and `value` are given of one reading: the feature matrix (B, M, N), unless a loss overrides it.

        A loss that needs to know which positions are neighbours, or that joins layers, gives something else: a tensor
        or a nest of tensors, each (B, …, N).

        Args:
            activations: of the reading's layers, smoothed if `softmax` says so, each (B, height, width, N).
        """
        (activation,) = activations
        return feature_matrix(activation)

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """What is kept of a reference picture at a reading, as named arrays.

        Args:
            features: (B, M, N), float32, or what else `features` gives.
            guide: (B, M), the weight of each position within the region that is compared, of mean square 1; M is that
                of the reading's last layer. None is everywhere 1.
        """
        return {}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        """The loss at a reading, (B,).

        Args:
            features: of the optimised pictures, as for `target`; the pictures (B, H, W, 3) themselves for a loss
                without layers.
            target: `constants` of what `target` gave, each with a leading axis of length B.
            guide: (B, M), as for `target`.
        """
        raise NotImplementedError

    def matched(self, target: Mapping[str, np.ndarray], content: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What `target` gave of one style picture, for a content picture of which it gave this.

        Only asked if `matches_content`; then it comes before `constants`.
        """
        return dict(target)

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

    def held(self, layers: Sequence[Layer]) -> int:
        """How many float32 values a reading of these layers holds at once for a picture, beside their activations.

        For what is told of memory before a run; 0 where it is little. Style pictures are taken to be as large.
        """
        return 0

    def counts_from(self, share: float) -> bool:
        """Whether it counts from a share of the iterations on."""
        return self.begins <= share < self.ends

    def structure(self, *shaped: Literal["graph", "target"]) -> Self:
        """The same loss, settings at their defaults that shape none of these: what compiled code is shared by."""
        idle: dict[str, Any] = {one.name: one.default for one in fields(self) if not set(shaped) & set(_shapes(one))}
        return replace(self, **idle)

    def target_settings(self) -> dict[str, Any]:
        """The settings that `target` depends on."""
        return {one.name: getattr(self, one.name) for one in fields(self) if "target" in _shapes(one)}

    def is_kept(self, role: Literal["content", "style", "region"]) -> bool:
        """Whether a picture of this role is looked at for this loss.

        A content picture, or a region of it, is seen as a style too, where that suffices to balance a loss of the
        style, or is matched.
        """
        as_style = self.compares_targets or self.matches_content
        return self.reads == role or (self.reads == "style" and role != "style" and as_style)

    def last_layer(self, reading: str) -> str:
        """The last of the layers of a reading, by its name; its positions are those of the guide."""
        return next(layers[-1] for layers in self.readings if reading_name(layers) == reading)

    @property
    def matches_content(self) -> bool:
        """Whether a loss of the style wants to see, once, what it is to be compared with: see `matched`."""
        return False

    @property
    def progress_matched(self) -> float:
        """How much of what a smaller run has changed of the content picture `matched` is to see in it, 0 to 1."""
        return 0.0

    @property
    def keeps_positions(self) -> bool:
        """Whether the arrays that `value` takes have the size of the style picture.

        Then pictures are evaluated together only if their styles have one size.
        """
        return False

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


def reading_name(reading: tuple[str, ...]) -> str:
    """What the arrays of a reading are kept under."""
    return "+".join(reading)


def view_name(name: str, place: int) -> str:
    """What an array of the view at a place is kept under."""
    return f"{name}@{place}" if place else name


def guided_layers(losses: Iterable[tuple[str, Loss]]) -> tuple[str, ...]:
    """Names of the layers that losses of the style are guided at, each once: the last of every reading."""
    readings = (reading for _, loss in losses if loss.reads == "style" for reading in loss.readings)
    return tuple(dict.fromkeys(reading[-1] for reading in readings))


def features_read(loss: Loss, activations: Mapping[str, Tensor]) -> dict[str, Any]:
    """What a loss is given of each of its readings, by their names.

    Args:
        activations: by layer, (B, height, width, N).
    """
    seen = {layer: _smoothed(activations[layer]) if loss.softmax else activations[layer] for layer in loss.layers}
    return {reading_name(reading): loss.features(*(seen[layer] for layer in reading)) for reading in loss.readings}


def _smoothed(activation: Tensor) -> Tensor:
    batch, *rest = activation.shape
    flat = ops.reshape(ops.cast(activation, "float32"), (batch, math.prod(rest)))
    return ops.reshape(ops.softmax(flat, axis=-1), (batch, *rest))


def feature_matrix(activation: Tensor) -> Tensor:
    """Flatten the positions of a (B, height, width, N) activation: (B, M, N), float32."""
    shape = (activation.shape[0], -1, activation.shape[-1])
    return ops.cast(ops.reshape(activation, shape), "float32")


def guided(features: Tensor, guide: Tensor | None) -> Tensor:
    """T ∘ F: features (B, M, N) with every position weighted by a guide (B, M) (Gatys et al. 2017, section 4.2)."""
    return features if guide is None else features * ops.expand_dims(guide, -1)
