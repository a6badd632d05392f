"""Measures of a finished picture x beside its content picture p and its style picture a (`pipeline.measures.names`).

- style_<judge>: 1/L Σ_l Σ(G_l(x) - G_l(a))² / Σ(G_l(p) - G_l(a))², with G = FᵀF / M the Gram matrices of the judge's L
  style layers (Gatys 2016, eq. 3 and 4, each divided by its own number of positions M).
- slices_<judge>: the same share of squared sliced Wasserstein distances (`pipeline.measures.distributions`).
- coverage_<judge>: the share of the patches of a that x has one like (there too).
- content_<judge>: Σ(F(x) - F(p))² / Σ(F(a') - F(p))² over the judge's content layer (Gatys 2016, eq. 1), a' the style
  picture resized to the content's size.
- ssim: mean structural similarity of luminance to p (Wang 2004: Gaussian window, σ 1.5, K 0.01 and 0.03, range 255).
- lpips: `nstcore.networks.lpips` to p (Zhang 2018).
- colour_style, colour_content: 1 - Σ min(h(x), h(·)), the intersection of normalised RGB histograms with 8 bins a
  channel (Swain and Ballard 1991, section 3).

What a quotient would divide by may vanish, as when p is a; such a measure is NaN, "not defined".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.errors import PictureError, WeightsError
from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize_to
from pipeline.measures.distributions import coverage, sliced_distance
from pipeline.measures.judges import JUDGES, Judge, JudgeFeatures, Seen, features_of, locate, provenance, require_memory
from pipeline.measures.names import MEASURES
from pipeline.measures.ssim import ssim

#: Raised by hand when a change here or of a judge's layers changes what is measured.
MEASURES_VERSION = "2"

# As the "balanced" loss does, see `nstcore.problem`: less than this share of the target's own energy is rounding.
_LEAST_SHARE = 1e-6
# Quantiles are sums of no products, and so rounded less: two noises have 1e-6 of their energy between them.
_LEAST_OF_SLICES = 1e-10
# Features for LPIPS take 488 bytes a pixel: up to 128 MB stay for the next cell of the same content.
_LARGEST_KEPT = 512 * 512
_BINS = 8  # per channel: 512 in all
# ITU-R BT.601, as Wang's code turns colour into grey.
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Measured:
    """What could be measured of a picture.

    Attributes:
        measures: by name, finite.
        unmeasured: the other names, each with the reason in one line.
        judges: per network the provenance of its weights, as plain data.
    """

    measures: dict[str, float] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    judges: dict[str, dict[str, Any]] = field(default_factory=dict)


def gaps(unmeasured: Mapping[str, str]) -> str:
    """What `Measured.unmeasured` says, in one line; "" if nothing is missing."""
    by_reason: dict[str, list[str]] = {}
    for name in (measure.name for measure in MEASURES if measure.name in unmeasured):
        by_reason.setdefault(unmeasured[name], []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def measure(made: Picture, content: Picture, style: Picture, absent: Mapping[str, str] = _NOTHING) -> Measured:
    """Take every measure of a picture. No weights are fetched: `pipeline.measures.judges.fetch` does that.

    Args:
        made, content: uint8 (H, W, 3), RGB, of one size, sides >= 32.
        style: uint8 (H', W', 3).
        absent: per network why its weights could not be fetched, for the record.

    Raises:
        PictureError: if `made` has not the content's size.
        MemoryShortageError: if the pictures are too large for the memory that is free.
    """
    if made.shape != content.shape:
        raise PictureError(
            f"a picture is measured at the size of its content picture {content.shape[:2]}. Received: {made.shape[:2]}"
        )
    require_memory(content, style)
    measured = Measured()

    def take(network: str, measures: Callable[[], dict[str, float]], names: tuple[str, ...]) -> None:
        try:
            if locate(network) is None:
                raise WeightsError(absent.get(network, f"the weights of {network} are not at hand"))
            found = measures()
            measured.judges[network] = _provenance(network).to_dict()
        except WeightsError as error:
            measured.unmeasured.update(dict.fromkeys(names, str(error)))
        else:
            _sort(measured, found)

    for judge in JUDGES.values():
        take(judge.name, lambda judge=judge: judged(judge, made, content, style), _names(judge))  # type: ignore[misc]
    take("lpips", lambda: {"lpips": lpips(made, content)}, ("lpips",))
    _sort(
        measured,
        {
            "ssim": ssim(made, content),
            "colour_style": color_distance(made, style),
            "colour_content": color_distance(made, content),
        },
    )
    return measured


def measure_mixture(
    made: Picture, content: Picture, styles: Sequence[tuple[Picture, float]], absent: Mapping[str, str] = _NOTHING
) -> Measured:
    """`measure` for a picture in one style or several: the mean over the styles, by their shares.

    A measure that is not defined for one of them is not defined.

    Args:
        styles: pictures, each with its share, > 0; the shares sum to 1.
        made, content, absent: as `measure` takes them.
    """
    (first, _), *others = styles
    measured = measure(made, content, first, absent)
    if not others:
        return measured
    each = [measured, *(measure(made, content, style, absent) for style, _ in others)]
    mean = Measured(unmeasured={name: why for one in each for name, why in one.unmeasured.items()})
    mean.judges.update(measured.judges)
    for name in measured.measures.keys() - mean.unmeasured.keys():
        mean.measures[name] = math.fsum(
            one.measures[name] * share for one, (_, share) in zip(each, styles, strict=True)
        )
    return mean


def _sort(measured: Measured, found: Mapping[str, float]) -> None:
    for name, value in found.items():
        if math.isfinite(value):
            measured.measures[name] = value
        else:
            measured.unmeasured[name] = f"not defined: {_UNDEFINED.get(name.partition('_')[0], 'not a finite number')}"


_UNDEFINED = {
    "style": "the content picture already has the style",
    "slices": "the content picture already has the style",
    "content": "the style picture has the same content",
}


def _names(judge: Judge) -> tuple[str, ...]:
    kinds = {
        "style": judge.by_grams,
        "slices": judge.by_slices,
        "content": True,
        "coverage": bool(judge.patch_layer),
    }
    return tuple(f"{kind}_{judge.name}" for kind, taken in kinds.items() if taken)


def judged(judge: Judge, made: Picture, content: Picture, style: Picture) -> dict[str, float]:
    """The measures that a judge takes, by name; NaN where not defined. Arguments as for `measure`.

    Raises:
        WeightsError: if the judge's weights cannot be had.
    """
    seen, wanted = Seen.of(content), Seen.of(style)
    mine, target, aim = features_of(judge, made), _content_features(judge, seen), _style_of(judge, wanted)
    references = _references(judge, seen, wanted)
    values = {f"content_{judge.name}": _share(squares(mine.content - target.content), references.content)}
    if judge.by_grams:
        distances = [gram_distance(one, other) for one, other in zip(mine.grams, aim.grams, strict=True)]
        values[f"style_{judge.name}"] = _mean_share(distances, references.grams)
    if judge.by_slices:
        distances = [sliced_distance(one, other) for one, other in zip(mine.slices, aim.slices, strict=True)]
        values[f"slices_{judge.name}"] = _mean_share(distances, references.slices)
    if judge.patch_layer and mine.patches is not None and aim.patches is not None:
        values[f"coverage_{judge.name}"] = coverage(mine.patches, aim.patches)
    return values


def _mean_share(distances: Sequence[float], references: Sequence[float]) -> float:
    shares = [_share(*pair) for pair in zip(distances, references, strict=True)]
    return math.fsum(shares) / len(shares)


def gram_distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Σ (G - A)², summed in float64."""
    return squares(one - other)


def squares(values: NDArray[np.float32]) -> float:
    """Σ x², summed in float64."""
    return float(np.sum(np.square(values, dtype=np.float64)))


def _share(distance: float, reference: float) -> float:
    return distance / reference if reference > 0 else math.nan


@lru_cache(maxsize=4)
def _content_features(judge: Judge, content: Seen) -> JudgeFeatures:
    """Neighbouring cells share their content picture; they are a few megabytes at 256 px, 40 at 1024."""
    return features_of(judge, content.picture)


@lru_cache(maxsize=64)
def _style_of(judge: Judge, style: Seen) -> JudgeFeatures:
    """Without the content, whose size is the picture's: the rest takes 2.5 MB for VGG19, whatever that is."""
    seen = features_of(judge, style.picture)
    return replace(seen, content=np.zeros((0, 0), np.float32))


@dataclass(frozen=True)
class _References:
    """What the distances are divided by: per style layer, and for the content; 0 where nothing should be."""

    grams: tuple[float, ...]
    slices: tuple[float, ...]
    content: float


@lru_cache(maxsize=10_000)
def _references(judge: Judge, content: Seen, style: Seen) -> _References:
    own, aim = _content_features(judge, content), _style_of(judge, style)
    resized = features_of(judge, resize_to(style.picture, *content.picture.shape[:2]))
    grams = (
        _reference(gram_distance(one, other), _LEAST_SHARE * squares(other))
        for one, other in zip(own.grams, aim.grams, strict=True)
    )
    slices = (
        _reference(sliced_distance(one, other), _LEAST_OF_SLICES * squares(other) / other.size)
        for one, other in zip(own.slices, aim.slices, strict=True)
    )
    distance = squares(resized.content - own.content)
    content_reference = _reference(distance, _LEAST_SHARE * squares(own.content))
    return _References(tuple(grams), tuple(slices), content_reference)


def _reference(distance: float, least: float) -> float:
    return distance if distance > least else 0.0


def lpips(one: Picture, other: Picture) -> float:
    """LPIPS between two uint8 (H, W, 3) pictures of one size.

    Raises:
        WeightsError: if its weights cannot be had.
    """
    from nstcore.networks import lpips as network

    seen = Seen.of(other)
    kept = other.shape[0] * other.shape[1] <= _LARGEST_KEPT
    return network.distance(network.features(one), _lpips_features(seen) if kept else network.features(other))


@lru_cache(maxsize=1)
def _lpips_features(content: Seen) -> Any:
    from nstcore.networks import lpips as network

    return network.features(content.picture)


def color_distance(one: Picture, other: Picture) -> float:
    """1 - Σ min(h, h') over joint RGB histograms of two uint8 pictures of any sizes, 0 to 1."""
    return 1.0 - float(np.minimum(_histogram(one), _histogram(other)).sum())


def _histogram(picture: Picture) -> NDArray[np.float64]:
    """Shares of the pixels in 8 x 8 x 8 cubes of colour."""
    bins = picture.reshape(-1, 3).astype(np.int64) * _BINS // 256
    counts = np.bincount(bins @ [_BINS * _BINS, _BINS, 1], minlength=_BINS**3).astype(np.float64)
    return counts / len(bins)


def _provenance(network: str) -> Any:
    if network in JUDGES:
        return provenance(JUDGES[network])
    from nstcore.networks import lpips as lpips_network

    return lpips_network.provenance()
