"""The picture that an optimisation starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nstcore.errors import ConfigError
from nstcore.pictures.images import Picture
from nstcore.pictures.luminance import luminance, of_luminance
from nstcore.pictures.resizing import AnyPicture, resize_to


def initial_picture(
    kind: str,
    content: Picture,
    style: AnyPicture,
    seed: int,
    noise: float = 0.0,
    *,
    given: Picture | None = None,
    gray: bool = False,
) -> NDArray[np.float32]:
    """The picture an optimisation starts from.

    Args:
        kind: "content"; "noise", uniform in 0 to 255 from `numpy.random.default_rng(seed)`; "style", resized to the
            content's height and width; "style-colors", noise whose colors have the style's mean and covariance; or the
            path of the picture that is `given`, which is resized likewise.
        content: uint8 (H, W, 3).
        style: uint8 (H', W', 3); or float32, of which values beyond 0 to 255 are cut off.
        seed: of all noise.
        given: uint8 (h, w, 3), where `kind` is a path.
        noise: the share of uniform noise that is blended in, 0 to 1.
        gray: whether its colors are taken away. Where none are compared, iterations would go into removing them.

    Returns:
        float32 (H, W, 3), RGB, 0 to 255; always a new array.

    Raises:
        ConfigError: for a path without its picture.
    """
    start = _unblended(kind, content, style, seed, given)
    if noise:
        # Another seed, or noise would be blended with itself.
        start = np.asarray((1 - noise) * start + noise * _uniform(content.shape, seed + 1), np.float32)
    return of_luminance(luminance(start)).astype(np.float32) if gray else start


def _unblended(kind: str, content: Picture, style: AnyPicture, seed: int, given: Picture | None) -> NDArray[np.float32]:
    if kind == "content":
        return content.astype(np.float32)
    if kind == "noise":
        return _uniform(content.shape, seed)
    if kind == "style-colors":
        return _with_the_colors_of(style, content.shape, seed)
    start = style if kind == "style" else given
    if start is None:
        raise ConfigError(f"the picture to start from has to be given. Received: kind={kind!r}, given=None")
    return np.clip(resize_to(start, *content.shape[:2]).astype(np.float32), 0.0, 255.0)


def _uniform(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0.0, 255.0, shape).astype(np.float32)


def _with_the_colors_of(style: AnyPicture, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    colors = style.reshape(-1, 3).astype(np.float64)
    covariance = np.cov(colors, rowvar=False, bias=True)
    noise = np.random.default_rng(seed).multivariate_normal(colors.mean(axis=0), covariance, shape[:2], method="svd")
    return np.clip(noise, 0.0, 255.0).astype(np.float32)
