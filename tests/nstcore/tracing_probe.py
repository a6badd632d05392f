"""Asked by `backend/test_torch_tracing.py`, on torch: what a traced function gives beside the function itself.

Of evaluations of every loss and network, as torch computes them, and as a program of their operations does.
"""

from __future__ import annotations

import dataclasses
import gc
import weakref
from types import ModuleType
from typing import Any

import keras
import numpy as np
from losses_probe import in_engine, size_for  # beside this file

from nstcore import BACKBONES
from nstcore.backend import compiled, on_device, to_host
from nstcore.optimizers.evaluation import evaluation
from nstcore.problem import build_problem
from nstcore.scene import Scene, Style

BATCH = 2
#: Losses that search pictures of this size in chunks, as long as values say.
IN_CHUNKS = ("patches", "nearest_neighbors", "layer_neighbors", "earth_movers")


def answers() -> dict[str, object]:
    if keras.backend.backend() != "torch":
        return {}
    from nstcore.backend import torch_tracing

    random = np.random.default_rng(0)
    found: dict[str, object] = {}
    for backbone in BACKBONES:
        content, style = (random.integers(0, 256, (size_for(backbone),) * 2 + (3,), np.uint8) for _ in range(2))
        config = in_engine(backbone)
        losses = {} if backbone != "vgg16" else {k: v for k, v in config.losses.items() if k not in IN_CHUNKS}
        config = dataclasses.replace(config, losses=losses)
        problem = build_problem([Scene(content, (Style(style),))] * BATCH, config)
        function = evaluation(problem.function)
        starts = [on_device(random.uniform(0, 255, problem.shape).astype(np.float32)) for _ in range(2)]
        program = torch_tracing.program(
            function.__wrapped__,  # type: ignore[attr-defined]
            (starts[0], problem.arguments),
            lambda module, leaves: module,
        )
        for number, z in enumerate(starts):
            one_by_one = function(z, problem.arguments)
            traced = program(keras.tree.flatten((z, problem.arguments)))
            for what, each in (("expected", one_by_one), ("traced", traced)):
                found |= {f"{backbone}/{number}/{what}/{place}": to_host(one) for place, one in enumerate(each)}
    return {**found, **_of_values(torch_tracing), **_on_a_processor(), **_constants(torch_tracing)}


def _of_values(torch_tracing: ModuleType) -> dict[str, object]:
    """A function whose operations depend on values."""
    two = on_device(np.array([2.0, 3.0], np.float32))
    try:
        torch_tracing.program(lambda x: x if x[0] > 1 else -x, (two,), lambda module, leaves: module)
    except RuntimeError:
        return {"of values": True}
    return {"of values": False}


def _on_a_processor() -> dict[str, object]:
    """How often a function is called there that is called more often than what is traced."""
    calls: list[int] = []
    doubled = compiled(lambda x: (calls.append(1), 2 * x)[1])
    for _ in range(12):
        doubled(np.ones(3, np.float32))
    return {"calls": len(calls)}


def _constants(torch_tracing: ModuleType) -> dict[str, object]:
    """How many of a program's own constants there are: with it, though who prepared it keeps none, and after it."""
    constant = on_device(np.array([2.0, 3.0], np.float32))
    constants: list[weakref.ref[Any]] = []

    def prepared(module: Any, leaves: Any) -> Any:
        constants.extend(weakref.ref(one) for name, one in module.named_buffers() if name.startswith("folded"))
        return lambda *leaves: leaves

    program = torch_tracing.program(lambda x: x * (constant + 1), (2 * constant,), prepared)
    gc.collect()
    found = {"constants": len(constants), "constants kept": sum(one() is not None for one in constants)}
    del program
    gc.collect()
    return {**found, "constants left": sum(one() is not None for one in constants)}
