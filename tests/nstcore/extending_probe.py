"""The documentation's loss and optimiser: registered, and asked for on every backend by `test_extending.py`.

The losses of a run, and of one that was taken up again in the middle.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nstcore import TransferConfig
from nstcore.loading import load_scene
from nstcore.losses import LOSSES
from nstcore.optimizers import OPTIMIZERS, make_optimizer
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.run import Run

DOCUMENT = Path(__file__).parents[2] / "docs/extending.md"
LAYERS = ("block1_conv1", "block2_conv1")
SETTINGS: dict[str, Any] = {
    "losses": {"channel_means": {"weight": 0.5, "layers": LAYERS}},
    "optimizer": "cg",
    "optimizer_settings": {"tolerance": 1e-9},
    "style_layers": LAYERS,
    "content_layers": ("block2_conv1",),
    "coarse_sizes": (),
}


def register() -> None:
    """Execute the documentation's code that registers a loss and an optimiser, each as a module of its own."""
    blocks = re.findall(r"```python\n(from .*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    for number, block in enumerate(blocks):
        module = ModuleType(f"documented_{number}")
        sys.modules[module.__name__] = module  # dataclasses look their module up
        exec(compile(block, str(DOCUMENT), "exec"), module.__dict__)


def unregister() -> None:
    del LOSSES["channel_means"], OPTIMIZERS["cg"]


def answers() -> dict[str, object]:
    register()
    random = np.random.default_rng(0)
    content, style = (np.repeat(random.integers(0, 255, (8, 8, 3), np.uint8), 6, 0).repeat(6, 1) for _ in "ab")
    recipe = resolve(TransferConfig("vgg16", weights="random", size=48, iterations=6, **SETTINGS))
    scene = load_scene(content, [style], recipe)
    found: dict[str, list[float]] = {"totals": [], "means": [], "resumed": []}

    def make(record: Any) -> Run:
        optimizer = make_optimizer(recipe.optimizer, recipe.optimizer_settings)
        return Run(build_problem([scene], recipe), optimizer, recipe.stopping(0.0), record, recipe.parametrization)

    def record(row: int, evaluations: int, terms: Any) -> None:
        found["totals"].append(terms["total"])
        found["means"].append(terms["channel_means"])

    states: list[Any] = []
    run = make(record)
    run.start(scene.content[np.newaxis].astype(np.float32))
    run.finish(between=lambda: states.append(run.state_dict()))
    resumed = make(lambda row, evaluations, terms: found["resumed"].append(terms["total"]))
    resumed.load_state(next(state for state in states if state["steps"][0] == 3))
    resumed.finish()
    unregister()
    return dict(found)
