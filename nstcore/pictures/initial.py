"""The picture that an optimisation starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nstcore.errors import ConfigError
from nstcore.pictures.images import Picture, resize_to


def initial_picture(kind: str, content: Picture, style: Picture, seed: int) -> NDArray[np.float32]:
    """The picture an optimisation starts from.

    Args:
        kind: "content"; "noise", uniform in 0 to 255 from `numpy.random.default_rng(seed)`; or "style", resized to
            the content's height and width.
        content: uint8 (H, W, 3).
        style: uint8 (H', W', 3).
        seed: of the noise.

    Returns:
        float32 (H, W, 3), RGB, 0 to 255; always a new array.

    Raises:
        ConfigError: for an unknown kind.
    """
    if kind == "content":
        return content.astype(np.float32)
    if kind == "noise":
        return np.random.default_rng(seed).uniform(0.0, 255.0, content.shape).astype(np.float32)
    if kind == "style":
        return resize_to(style, *content.shape[:2]).astype(np.float32)
    raise ConfigError(f"unknown initial picture; expected one of content, noise, style. Received: init={kind!r}")
