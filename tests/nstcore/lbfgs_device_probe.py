"""Asked by `test_lbfgs_device.py` on every backend: the losses of "lbfgs-device" and of SciPy's optimiser."""

from __future__ import annotations

import dataclasses

import numpy as np

from nstcore import TransferConfig, build_objective, style_transfer
from nstcore.backend.environment import versions

CONFIG = TransferConfig(
    backbone="vgg16",
    pooling="avg",
    content_layers=("block2_conv1",),
    style_layers=("block1_conv1", "block2_conv1"),
    weights="random",
    size=36,
    iterations=100,
)
TERMS = ("total", "content", "style", "total_variation")


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Content and style; values of the content stand at the bounds."""
    coarse = np.random.default_rng(0).uniform(0, 255, (2, 6, 6, 3)).astype(np.uint8)
    content, style = np.repeat(np.repeat(coarse, 6, axis=1), 6, axis=2)
    return np.where(content < 60, 0, np.where(content > 200, 255, content)).astype(np.uint8), style


def answers() -> dict[str, object]:
    content, style = pictures()
    found: dict[str, object] = {"versions": sorted(versions())}
    objective = build_objective(content, style, CONFIG)
    for optimizer in ("lbfgs", "lbfgs-device"):
        for pixel_range in ("bounded", "free"):
            config = dataclasses.replace(CONFIG, optimizer=optimizer, pixel_range=pixel_range)
            result = style_transfer(content, style, config)
            for name in (*TERMS, "evaluations"):
                found[f"{optimizer}/{pixel_range}/{name}"] = [getattr(iterate, name) for iterate in result.trace]
            written = objective.components(result.image.astype(np.float64).ravel())
            found[f"{optimizer}/{pixel_range}/written"] = [written[name] for name in TERMS]
    refined = style_transfer(content, style, dataclasses.replace(CONFIG, precision="bfloat16", iterations=30))
    found["bfloat16/total"] = [iterate.total for iterate in refined.trace]
    return found
