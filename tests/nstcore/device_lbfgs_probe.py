"""Run as a program by `test_device_lbfgs.py`: "lbfgs-device" on the Keras backend that KERAS_BACKEND names.

`python device_lbfgs_probe.py PICTURES.npz OUT.npz` reads `content` and `style`; it writes the losses of this optimiser
and of SciPy's, and of runs that were saved and taken up again beside runs that were not.
"""

from __future__ import annotations

import dataclasses
import io
import sys

import keras
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


def main(pictures_path: str, out_path: str) -> None:
    pictures = np.load(pictures_path)
    content, style = pictures["content"], pictures["style"]
    found: dict[str, object] = {"backend": keras.backend.backend(), "versions": sorted(versions())}
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
    np.savez(out_path, **found)


def go(run: DeviceLBFGS, steps: range) -> list[tuple[float, int]]:
    """The total and the count of evaluations after each step."""
    found = []
    for step in steps:
        if step == REFINED_AFTER:
            run.refine()
        assert run.step()
        found.append((run.terms["total"], run.evaluations))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
