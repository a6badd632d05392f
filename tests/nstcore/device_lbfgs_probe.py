"""Asked by `test_device_lbfgs.py` on every backend: the losses of "lbfgs-device" and of SciPy's optimiser.

Also runs that were saved and taken up again, beside runs that were not.
"""

from __future__ import annotations

import dataclasses
import io

import numpy as np

from nstcore import TransferConfig, build_objective, style_transfer
from nstcore.device_lbfgs import DeviceLBFGS, minimizer
from nstcore.environment import versions
from nstcore.loss_graph import TERMS

CONFIG = TransferConfig(
    backbone="vgg16",
    pooling="avg",
    content_layers=("block2_conv1",),
    style_layers=("block1_conv1", "block2_conv1"),
    weights="random",
    size=36,
    iterations=100,
)
STEPS, SAVED_AFTER, REFINED_AFTER = 24, 12, 8


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Content and style; values of the content stand at the bounds."""
    coarse = np.random.default_rng(0).uniform(0, 255, (2, 6, 6, 3)).astype(np.uint8)
    content, style = np.repeat(np.repeat(coarse, 6, axis=1), 6, axis=2)
    return np.where(content < 60, 0, np.where(content > 200, 255, content)).astype(np.uint8), style


def answers() -> dict[str, object]:
    content, style = pictures()
    found: dict[str, object] = {"versions": sorted(versions())}
    for optimizer in ("lbfgs", "lbfgs-device"):
        for pixel_range in ("bounded", "free"):
            config = dataclasses.replace(CONFIG, optimizer=optimizer, pixel_range=pixel_range)
            trace = style_transfer(content, style, config).trace
            for name in ("total", "content", "style", "total_variation", "evaluations"):
                found[f"{optimizer}/{pixel_range}/{name}"] = [getattr(iterate, name) for iterate in trace]
    for precision in ("float32", "bfloat16"):
        config = dataclasses.replace(CONFIG, precision=precision)

        def make(config: TransferConfig = config) -> DeviceLBFGS:
            return minimizer(build_objective(content, style, config), bounded=True)

        straight = make()
        straight.start()
        found[f"{precision}/straight"] = go(straight, range(STEPS))
        found[f"{precision}/straight/picture"] = straight.picture()
        first = make()
        first.start()
        totals = go(first, range(SAVED_AFTER))
        saved = io.BytesIO()
        np.savez(saved, **first.state_dict())
        go(first, range(SAVED_AFTER, STEPS))  # must not reach what was saved
        saved.seek(0)
        second = make()
        second.load_state(dict(np.load(saved)))
        found[f"{precision}/resumed"] = [*totals, *go(second, range(SAVED_AFTER, STEPS))]
        found[f"{precision}/resumed/picture"] = second.picture()
        # The terms of the last iterate, and what the loss on the host makes of its picture.
        on_host = build_objective(content, style, CONFIG).components(second.picture().ravel())
        found[f"{precision}/terms"] = [second.terms[name] for name in TERMS]
        found[f"{precision}/host terms"] = [on_host[name] for name in TERMS]
    return found


def go(run: DeviceLBFGS, steps: range) -> list[tuple[float, int]]:
    """The total and the count of evaluations after each step."""
    found = []
    for step in steps:
        if step == REFINED_AFTER:
            run.refine()
        assert run.step()
        found.append((run.terms["total"], run.evaluations))
    return found
