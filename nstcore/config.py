"""What to optimise and how: frozen settings, validated when built. Variants are made with `dataclasses.replace`."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Literal, get_args

from nstcore.checks import choice, expected, layer_names, named_settings, number, path_text, sequence, whole_number
from nstcore.errors import ConfigError, received_names
from nstcore.frozen import FrozenSettings, plain
from nstcore.idle import require_effect
from nstcore.losses import loss_class, make_loss
from nstcore.networks.backbones import Backbone, get_backbone
from nstcore.networks.network import Filters, Padding, Pooling
from nstcore.optimizers import optimizer_settings
from nstcore.system.processor import best_precision

StyleNormalization = Literal["balanced", "gatys", "none", "keras-example"]
TotalVariation = Literal["power", "squared", "absolute"]
Initial = Literal["content", "noise", "style", "style-colors"]
PixelRange = Literal["bounded", "free"]
ParametrizationKind = Literal["pixels", "fourier"]
FourierColors = Literal["rgb", "decorrelated"]
Coloring = Literal["style", "luminance", "match", "match-histogram", "style-hues"]
Precision = Literal["float32", "bfloat16", "auto"]

# Where the networks' own sizes (224, 299) are: there their layers see a style's structures as in training.
_SMALLEST_COARSE = 256

_CHOICES: dict[str, tuple[str, ...]] = {
    "pooling": get_args(Pooling),
    "padding": get_args(Padding),
    "filters": get_args(Filters),
    "style_normalization": get_args(StyleNormalization),
    "total_variation": get_args(TotalVariation),
    "pixel_range": get_args(PixelRange),
    "parametrization": get_args(ParametrizationKind),
    "fourier_colors": get_args(FourierColors),
    "color": get_args(Coloring),
    "precision": get_args(Precision),
}


@dataclass(frozen=True)
class TransferConfig:
    """The settings of one style transfer. The defaults are the preset "balanced" for VGG.

    For other backbones that preset sets more (`nstcore.presets.balanced`): `presets.get("balanced", backbone=…)`.

    Attributes:
        backbone: a name that `nstcore.networks.backbones.get_backbone` knows.
        content_backbone: the network that the losses of the content look through (Bordag et al. take two); "" is
            `backbone`. `content_layers` are its layers then, and `weights` a word or a folder that has both.
        pooling: "max" as the networks were trained, or in its place "avg" (Gatys 2016, section 2), "avg-rescaled" or
            "l2", see `nstcore.networks.pooling`.
        padding: what lies beyond the border of a layer: "zeros" as the networks were trained, or "reflect" or
            "replicate", which leave no frame, see `nstcore.networks.padding`.
        filters: "trained", or "normalized" to a mean activation of 1 (Gatys 2016, section 2), see
            `nstcore.networks.activity`: makes layers and networks alike where no normalization of a loss does.
        content_layers, style_layers: layer names; empty takes the backbone's own.
        style_layer_weights: w_l, one per style layer; empty is 1/|L| each.
        content_weight, style_weight, total_variation_weight: factors of the three terms, >= 0 and finite.
        style_normalization: the formula of a layer's style term, see `nstcore.losses.gram.Gram`. "balanced" divides
            the content term by a reference of its own too.
        total_variation: "power" (exponent 1.25), "squared" (exponent 1) or "absolute" (the sum of the differences), see
            `nstcore.losses.total_variation.TotalVariation`.
        size: longest side of both pictures, pixels.
        coarse_sizes: smaller sizes to stylise first, increasing, each the start of the next, so that a large picture
            gets the style's large structures too; "auto" halves `size` as long as 256 remain; () starts at once.
        style_scale: of the longest side of style pictures, as a share of `size`, > 0. At 0.5 they are seen half as
            large, and give finer strokes, at 2 coarser ones (`-style_scale` of neural-style). A picture that has
            fewer pixels than that is enlarged, and `nst` says so; there is no more detail in it then.
        init: the picture that optimisation starts from: "content"; "noise"; "style", stretched to the content's size;
            "style-colors", noise of the style's colors; or the path of a picture.
        init_noise: the share of uniform noise that is blended into it, 0 to 1.
        seed: seed of the noise picture, >= 0.
        color: "style" takes the style's colors. "luminance", "match" and "match-histogram" keep the content's
            (`nstcore.pictures.color`): the first transfers luminance alone and lays the content's colors on it; the
            others give the style the content's colors first, by mean and covariance, or by the distribution of each
            channel, which leaves it to the style how channels go together. "style-hues" lays the content's hues on the
            result, moved to the style's mean and covariance (`nstcore.pictures.hues`).
        losses: further losses, name -> their settings, see `nstcore.losses`; "content" and "gram" may be given a
            "weight" here, which is their share among the losses that read the same pictures (1 unless given), and
            "softmax"; "content" its "layer_weights" too, one per content layer, and "mean", which takes
            the mean of the squares (not of a balanced loss); and "gram" its "shift".
        optimizer: the method; "lbfgs" is `scipy.optimize.fmin_l_bfgs_b`, the reference; "lbfgs-device" keeps picture,
            gradient and history on the device, and ends at the same losses sooner; "adam", "rmsprop", "sgd" and
            "gradient-descent" go by the gradient alone.
        optimizer_settings: settings of the optimiser, name -> value, see `nstcore.optimizers.settings`.
        pixel_range: "bounded" keeps the picture within 0..255 while it is optimised, so that nothing is lost when it is
            written; "free" clips at the end, as the papers do.
        parametrization: "pixels", or "fourier", which optimises the picture's frequencies, each weighted by a power of
            its wavelength (`nstcore.optimizers.fourier`): less of a grid of single pixels, most of all with residual
            and Inception networks.
        fourier_exponent: that power, >= 0; 0 weights all alike.
        fourier_colors: "rgb", or "decorrelated" channels, which move together as colors of photographs do.
        iterations: the most iterations (SciPy's `nit`, not loss evaluations), >= 1.
        stop_change, stop_over: end before, where the loss changed by no more than this share (1e-4 over 50 iterations
            in Ruder et al. 2016) over so many iterations; a change of 0 never does.
        time_limit: the most wall time of a transfer, coarse runs included, seconds; 0 is none. It makes results depend
            on how fast the machine is.
        precision: "float32"; "bfloat16" in the network's layers, with a float32 finish (`nstcore.run.Run`) and
            losses and sums in float32 throughout; or "auto", what the device does well
            (`nstcore.system.processor.best_precision`).
        weights: "imagenet", "random", or the path of a Keras weights file.

    Raises:
        ConfigError: naming the setting, what is allowed, and what was received.
        IdleSettingError: for a setting that does nothing beside the others (`nstcore.idle`).
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
    style_scale: float = 1.0
    init: Initial | str = "content"
    init_noise: float = 0.0
    seed: int = 0
    color: Coloring = "style"
    losses: Mapping[str, Mapping[str, Any]] = field(default_factory=FrozenSettings)
    optimizer: str = "lbfgs-device"
    optimizer_settings: Mapping[str, Any] = field(default_factory=FrozenSettings)
    pixel_range: PixelRange = "bounded"
    parametrization: ParametrizationKind = "pixels"
    fourier_exponent: float = 0.5
    fourier_colors: FourierColors = "rgb"
    iterations: int = 200
    stop_change: float = 0.0
    stop_over: int = 50
    time_limit: float = 0.0
    precision: Precision = "float32"
    weights: str = "imagenet"
    padding: Padding = "zeros"
    filters: Filters = "trained"
    content_backbone: str = ""

    def __post_init__(self) -> None:
        backbone = get_backbone(self.backbone)
        if not isinstance(self.content_backbone, str) or self.content_backbone:
            get_backbone(self.content_backbone, "content_backbone")
        reader = self.reader
        for name, allowed in _CHOICES.items():
            choice(name, getattr(self, name), allowed)
        for name in ("content_layers", "style_layers"):
            object.__setattr__(self, name, layer_names(name, getattr(self, name)))
        for name in ("content_weight", "style_weight", "total_variation_weight"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        why = f" (the smallest side {reader.name} can read)"
        whole_number("size", self.size, reader.smallest_side, why=why)
        object.__setattr__(self, "coarse_sizes", _coarse_sizes(self.coarse_sizes, reader, self.size))
        object.__setattr__(self, "style_scale", number("style_scale", self.style_scale, above=0.0))
        why = f" (the smallest side {backbone.name} can read)"
        whole_number("size x style_scale", self.style_side(), backbone.smallest_side, why=why)
        for name in ("losses", "optimizer_settings"):
            object.__setattr__(self, name, _mapping(name, getattr(self, name)))
        content_layers = self.content_layers or get_backbone(self.content_backbone or self.backbone).content_layers
        for name, settings in self.losses.items():
            _check_loss(name, settings, content_layers)
        if self.losses.get("content", {}).get("mean") and self.style_normalization == "balanced":
            raise ConfigError('losses.content.mean is of no use with style_normalization="balanced"; leave one of them')
        self._require_losses()
        optimizer_settings(self.optimizer, self.optimizer_settings)
        whole_number("seed", self.seed, 0)
        object.__setattr__(self, "init", _init(self.init))
        object.__setattr__(self, "init_noise", number("init_noise", self.init_noise, most=1.0))
        whole_number("iterations", self.iterations, 1)
        for name in ("fourier_exponent", "stop_change", "time_limit"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        whole_number("stop_over", self.stop_over, 1)
        if self.parametrization != "fourier" and (self.fourier_exponent, self.fourier_colors) != (0.5, "rgb"):
            raise ConfigError(
                'fourier_exponent and fourier_colors are settings of parametrization="fourier". '
                f"Received: fourier_exponent={self.fourier_exponent!r}, fourier_colors={self.fourier_colors!r}"
            )
        weights = sequence("style_layer_weights", self.style_layer_weights, "a sequence of numbers")
        weights = tuple(number("style_layer_weights", weight) for weight in weights)
        object.__setattr__(self, "style_layer_weights", weights)
        layers = self.style_layers or backbone.style_layers
        if weights and len(weights) != len(layers):
            raise ConfigError(expected("style_layer_weights", f"one weight for each of {', '.join(layers)}", weights))
        if isinstance(self.weights, os.PathLike):
            object.__setattr__(self, "weights", os.fspath(self.weights))
        path_text("weights", self.weights, '"imagenet", "random" or a path')
        require_effect(self, {each.name: each.default for each in fields(self)})

    def _require_losses(self) -> None:
        """See that some loss has a weight, throughout."""
        sums = {"content": self.content_weight, "style": self.style_weight, "picture": 1.0}
        flat = {"content": self.content_weight, "gram": self.style_weight, "total_variation": 1.0}
        named = {"content": {}, "gram": {}, **self.losses, "total_variation": {"weight": self.total_variation_weight}}
        weighed = [
            settings
            for name, settings in named.items()
            if settings.get("weight", 1.0) * (flat[name] if name in flat else sums[loss_class(name).reads])
        ]
        if not weighed:
            what = "content_weight, style_weight and total_variation_weight are all 0, or what they weigh is"
            raise ConfigError(f"{what}: nothing to optimise")
        parts = [(settings.get("begins", 0.0), settings.get("ends", 1.0)) for settings in weighed]
        for share in sorted({0.0, *(end for _, end in parts if end < 1.0)}):
            if not any(begins <= share < ends for begins, ends in parts):
                raise ConfigError(f"no loss with a weight counts from {share:g} of the iterations on (begins, ends)")

    def style_side(self, scale: float = 1.0) -> int:
        """The longest side of a style picture with a scale of its own besides `style_scale`, pixels."""
        return max(1, math.floor(min(self.size * self.style_scale * scale, 1e15) + 0.5))

    @property
    def compares_given_pictures(self) -> bool:
        """Whether the losses see pictures as they were given, and not with other colors."""
        return self.color in ("style", "style-hues")

    @property
    def reader(self) -> Backbone:
        """The backbone that needs the largest pictures."""
        backbones = [get_backbone(name) for name in (self.backbone, self.content_backbone) if name]
        return max(backbones, key=lambda backbone: backbone.smallest_side)

    def resolved(self) -> TransferConfig:
        """The same settings with nothing left to a default that depends on the backbone or the machine."""
        backbone = get_backbone(self.backbone)
        style_layers = self.style_layers or backbone.style_layers
        return replace(
            self,
            content_backbone=self.content_backbone if self.content_backbone != self.backbone else "",
            content_layers=self.content_layers or get_backbone(self.content_backbone or self.backbone).content_layers,
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
    "content": ("weight", "softmax", "layer_weights", "mean", "begins", "ends"),
    "gram": ("weight", "softmax", "shift", "begins", "ends"),
    "total_variation": (),
}
# Columns of the trace, which no loss may be named like.
_TAKEN = ("iteration", "evaluations", "seconds", "total", "style")


def _check_loss(name: str, settings: object, content_layers: tuple[str, ...]) -> None:
    if not isinstance(settings, Mapping):
        raise ConfigError(expected(f"losses.{name}", "names with values", settings))
    if name in _FLAT_LOSSES:
        taken = [setting for setting in settings if setting not in _FLAT_LOSSES[name]]
        if taken:
            raise ConfigError(
                f"losses.{name} may set {', '.join(_FLAT_LOSSES[name]) or 'nothing'}; the rest has settings of its "
                f"own, such as content_layers or total_variation_weight. Received: {received_names(taken)}"
            )
    elif name in _TAKEN or "/" in name:
        raise ConfigError(expected("losses", f"names without / other than {', '.join(_TAKEN)}", name))
    loss = make_loss(name, {"layers": content_layers, **settings} if name == "content" else settings)
    if name not in _FLAT_LOSSES and loss.reads != "picture" and not loss.layers:
        raise ConfigError(expected(f"losses.{name}.layers", "one or more layer names", loss.layers))


def _init(value: object) -> str:
    """One of the words, or a path; a word that is none of them and could be no picture's name is a mistake."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or value not in get_args(Initial):
        path_text("init", value, f"one of {', '.join(get_args(Initial))}, or the path of a picture")
    if isinstance(value, str) and value not in get_args(Initial) and not os.path.splitext(value)[1]:
        raise ConfigError(expected("init", f"one of {', '.join(get_args(Initial))}, or the path of a picture", value))
    return str(value)


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
