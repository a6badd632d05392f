"""What to optimise and how: frozen settings, validated when built. Variants are made with `dataclasses.replace`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Literal, get_args

from nstcore.checks import choice, expected, layer_names, named_settings, number, path_text, sequence, whole_number
from nstcore.errors import ConfigError
from nstcore.frozen import FrozenSettings, plain
from nstcore.losses import loss_class, make_loss
from nstcore.networks.backbones import Backbone, get_backbone
from nstcore.optimizers import optimizer_settings
from nstcore.system.processor import best_precision

Pooling = Literal["max", "avg"]
StyleNormalization = Literal["balanced", "gatys", "none", "keras-example"]
TotalVariation = Literal["power", "squared"]
Initial = Literal["content", "noise", "style"]
PixelRange = Literal["bounded", "free"]
Precision = Literal["float32", "bfloat16", "auto"]

# Where the networks' own sizes (224, 299) are: there their layers see a style's structures as in training.
_SMALLEST_COARSE = 256

_CHOICES: dict[str, tuple[str, ...]] = {
    "pooling": get_args(Pooling),
    "style_normalization": get_args(StyleNormalization),
    "total_variation": get_args(TotalVariation),
    "init": get_args(Initial),
    "pixel_range": get_args(PixelRange),
    "precision": get_args(Precision),
}


@dataclass(frozen=True)
class TransferConfig:
    """The settings of one style transfer. The defaults are the preset "balanced".

    Attributes:
        backbone: a name in `nstcore.networks.backbones.BACKBONES`.
        pooling: "max" as the networks were trained, or "avg" in its place (Gatys 2016, section 2).
        content_layers, style_layers: layer names; empty takes the backbone's own.
        style_layer_weights: w_l, one per style layer; empty is 1/|L| each.
        content_weight, style_weight, total_variation_weight: factors of the three terms, >= 0 and finite.
        style_normalization: the formula of a layer's style term, see `nstcore.losses.gram.Gram`. "balanced" divides
            the content term by a reference of its own too.
        total_variation: "power" (exponent 1.25) or "squared" (exponent 1).
        size: longest side of both pictures, pixels.
        coarse_sizes: smaller sizes to stylise first, increasing, each the start of the next, so that a large picture
            gets the style's large structures too; "auto" halves `size` as long as 256 remain; () starts at once.
        init: the picture that optimisation starts from.
        seed: seed of the noise picture, >= 0.
        losses: further losses, name -> their settings, see `nstcore.losses`; "content" and "gram" may be given a
            "weight" here, which is their share among the losses that read the same pictures (1 unless given), and
            "softmax".
        optimizer: the method; "lbfgs" is `scipy.optimize.fmin_l_bfgs_b`, the reference; "lbfgs-device" keeps picture,
            gradient and history on the device, and ends at the same losses sooner; "adam", "rmsprop", "sgd" and
            "gradient-descent" go by the gradient alone.
        optimizer_settings: settings of the optimiser, name -> value, see `nstcore.optimizers.settings`.
        pixel_range: "bounded" keeps the picture within 0..255 while it is optimised, so that nothing is lost when it is
            written; "free" clips at the end, as the papers do.
        iterations: the most iterations (SciPy's `nit`, not loss evaluations), >= 1.
        precision: "float32"; "bfloat16" in the network's layers, with a float32 finish (`nstcore.run.Run`) and
            losses and sums in float32 throughout; or "auto", what the device does well
            (`nstcore.system.processor.best_precision`).
        weights: "imagenet", "random", or the path of a Keras weights file.

    Raises:
        ConfigError: naming the setting, what is allowed, and what was received.
    """

    backbone: str = "vgg19"
    pooling: Pooling = "max"
    content_layers: tuple[str, ...] = ()
    style_layers: tuple[str, ...] = ()
    style_layer_weights: tuple[float, ...] = ()
    content_weight: float = 1.0
    style_weight: float = 40.0
    total_variation_weight: float = 1e-10
    style_normalization: StyleNormalization = "balanced"
    total_variation: TotalVariation = "power"
    size: int = 512
    coarse_sizes: tuple[int, ...] | Literal["auto"] = "auto"
    init: Initial = "content"
    seed: int = 0
    losses: Mapping[str, Mapping[str, Any]] = field(default_factory=FrozenSettings)
    optimizer: str = "lbfgs-device"
    optimizer_settings: Mapping[str, Any] = field(default_factory=FrozenSettings)
    pixel_range: PixelRange = "bounded"
    iterations: int = 200
    precision: Precision = "float32"
    weights: str = "imagenet"

    def __post_init__(self) -> None:
        backbone = get_backbone(self.backbone)
        for name, allowed in _CHOICES.items():
            choice(name, getattr(self, name), allowed)
        for name in ("content_layers", "style_layers"):
            object.__setattr__(self, name, layer_names(name, getattr(self, name)))
        for name in ("content_weight", "style_weight", "total_variation_weight"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        why = f" (the smallest side {backbone.name} can read)"
        whole_number("size", self.size, backbone.smallest_side, why=why)
        object.__setattr__(self, "coarse_sizes", _coarse_sizes(self.coarse_sizes, backbone, self.size))
        for name in ("losses", "optimizer_settings"):
            object.__setattr__(self, name, _mapping(name, getattr(self, name)))
        for name, settings in self.losses.items():
            _check_loss(name, settings)
        if not any(self._effective_weights()):
            what = "content_weight, style_weight and total_variation_weight are all 0, or what they weigh is"
            raise ConfigError(f"{what}: nothing to optimise")
        optimizer_settings(self.optimizer, self.optimizer_settings)
        whole_number("seed", self.seed, 0)
        whole_number("iterations", self.iterations, 1)
        weights = sequence("style_layer_weights", self.style_layer_weights, "a sequence of numbers")
        weights = tuple(number("style_layer_weights", weight) for weight in weights)
        object.__setattr__(self, "style_layer_weights", weights)
        layers = self.style_layers or backbone.style_layers
        if weights and len(weights) != len(layers):
            raise ConfigError(expected("style_layer_weights", f"one weight for each of {', '.join(layers)}", weights))
        if isinstance(self.weights, os.PathLike):
            object.__setattr__(self, "weights", os.fspath(self.weights))
        path_text("weights", self.weights, '"imagenet", "random" or a path')

    def _effective_weights(self) -> list[float]:
        """The factor of every loss in the total."""
        sums = {"content": self.content_weight, "style": self.style_weight, "picture": 1.0}
        weights = [self.losses.get(name, {}).get("weight", 1.0) for name in ("content", "gram")]
        further = [(name, settings) for name, settings in self.losses.items() if name not in _FLAT_LOSSES]
        return [
            self.content_weight * weights[0],
            self.style_weight * weights[1],
            self.total_variation_weight,
            *(sums[loss_class(name).reads] * settings.get("weight", 1.0) for name, settings in further),
        ]

    def resolved(self) -> TransferConfig:
        """The same settings with nothing left to a default that depends on the backbone or the machine."""
        backbone = get_backbone(self.backbone)
        style_layers = self.style_layers or backbone.style_layers
        return replace(
            self,
            content_layers=self.content_layers or backbone.content_layers,
            style_layers=style_layers,
            style_layer_weights=self.style_layer_weights or (1.0 / len(style_layers),) * len(style_layers),
            coarse_sizes=_halvings(self.size) if self.coarse_sizes == "auto" else self.coarse_sizes,
            precision=best_precision() if self.precision == "auto" else self.precision,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {each.name: plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> TransferConfig:
        """Build a configuration from names and values.

        Raises:
            ConfigError: for a setting that does not exist, listing those that do, or a value out of range.
        """
        named_settings("settings", settings, [field.name for field in fields(cls)])
        return cls(**settings)


def _mapping(name: str, value: object) -> FrozenSettings:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ConfigError(expected(name, "names with values", value))
    with contextlib.suppress(TypeError, RecursionError):
        settings = FrozenSettings(value)
        hash(settings)
        return settings
    raise ConfigError(expected(name, "numbers, texts and lists of them", value))


# The losses that flat settings set, and what is left to say of them.
_FLAT_LOSSES: dict[str, tuple[str, ...]] = {
    "content": ("weight", "softmax"),
    "gram": ("weight", "softmax"),
    "total_variation": (),
}
# Columns of the trace, which no loss may be named like.
_TAKEN = ("iteration", "evaluations", "seconds", "total", "style")


def _check_loss(name: str, settings: object) -> None:
    if not isinstance(settings, Mapping):
        raise ConfigError(expected(f"losses.{name}", "names with values", settings))
    if name in _FLAT_LOSSES:
        taken = [setting for setting in settings if setting not in _FLAT_LOSSES[name]]
        if taken:
            raise ConfigError(
                f"losses.{name} may set {' and '.join(_FLAT_LOSSES[name]) or 'nothing'}; the rest has settings of its "
                f"own, such as content_layers or total_variation_weight. Received: {', '.join(map(str, taken))}"
            )
    elif name in _TAKEN or "/" in name:
        raise ConfigError(expected("losses", f"names without / other than {', '.join(_TAKEN)}", name))
    loss = make_loss(name, settings)
    if name not in _FLAT_LOSSES and loss.reads != "picture" and not loss.layers:
        raise ConfigError(expected(f"losses.{name}.layers", "one or more layer names", loss.layers))


def _coarse_sizes(value: object, backbone: Backbone, size: int) -> tuple[int, ...] | Literal["auto"]:
    if isinstance(value, str) and value == "auto":
        return "auto"
    coarse_sizes = tuple(sequence("coarse_sizes", value, '"auto" or a sequence of sizes'))
    why = f" (the smallest side {backbone.name} can read)"
    for coarse in coarse_sizes:
        whole_number("coarse_sizes", coarse, backbone.smallest_side, why=why)
    if any(one >= next_one for one, next_one in pairwise((*coarse_sizes, size))):
        raise ConfigError(expected("coarse_sizes", f"increasing and smaller than size={size}", coarse_sizes))
    return coarse_sizes


def _halvings(size: int) -> tuple[int, ...]:
    """size/2, size/4, … down to `_SMALLEST_COARSE`, increasing."""
    sizes = []
    while size // 2 >= _SMALLEST_COARSE:
        size //= 2
        sizes.append(size)
    return tuple(reversed(sizes))
