"""Coarse to fine: a large picture is stylised small first, and starts from that, enlarged.

A layer sees as many pixels of a large picture as of a small one, so that alone a large picture gets the style's small
structures only (Gatys et al. 2017, "Controlling Perceptual Factors", do the same for high resolution).
"""

from __future__ import annotations

from dataclasses import replace

from nstcore.backbones import get_backbone
from nstcore.config import TransferConfig
from nstcore.images import Picture, size_at

# Of the iterations of the full size. Measured (VGG19, 512 px): a quarter and half end at the same loss, and half gives
# larger structures.
_ITERATIONS_SHARE = 0.5


def levels(content: Picture, style: Picture, config: TransferConfig) -> list[TransferConfig]:
    """The settings of every run, in order: those of `coarse_levels`, then the one at full size."""
    return [*coarse_levels(content, style, config), replace(config, coarse_sizes=())]


def coarse_levels(content: Picture, style: Picture, config: TransferConfig) -> list[TransferConfig]:
    """The settings of the smaller runs, in order.

    Args:
        content, style: uint8 (H, W, 3), at full size.
        config: resolved settings.

    Returns:
        One configuration per coarse size; sizes at which a narrow picture would be too small for the backbone are left
        out.
    """
    sizes = config.resolved().coarse_sizes
    least = get_backbone(config.backbone).smallest_side
    iterations = max(1, round(config.iterations * _ITERATIONS_SHARE))
    return [
        replace(config, size=size, coarse_sizes=(), iterations=iterations)
        for size in sizes
        if isinstance(size, int) and all(min(size_at(picture, size)) >= least for picture in (content, style))
    ]
