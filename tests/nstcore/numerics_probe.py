"""Asked by `test_numerics.py` on every backend: what is computed while variables have values of someone else's.

Of each variable: whether the numbers of all that was built anew meanwhile are the ordinary ones, its value meanwhile,
and whether it is afterwards what it was set to. As many are set at once as there are; if the numbers are others then,
each is looked at by itself.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import keras
import numpy as np

from nstcore import TransferConfig, build_objective, loss_graph, problem, recipe, targets, transfer
from nstcore.networks import efficientnet_lite, extractor
from nstcore.networks.weights import sources
from nstcore.networks.weights.network import read_arrays
from nstcore.optimizers import evaluation, lbfgs_device

CONFIG = TransferConfig(
    *("vgg16",),
    weights="random",
    size=32,
    content_layers=("block2_conv1",),
    style_layers=("block1_conv1",),
    iterations=2,
)


@dataclass(frozen=True)
class Variable:
    """A variable of the process, a value that someone else may have given it, and the one it has here."""

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    theirs: Any
    ours: Any


def of_keras() -> dict[str, Variable]:
    config = keras.config

    def policy(theirs: str) -> Variable:
        return Variable(lambda: config.dtype_policy().name, config.set_dtype_policy, theirs, "float32")

    return {
        "floatx float16": Variable(config.floatx, config.set_floatx, "float16", "float32"),
        "floatx float64": Variable(config.floatx, config.set_floatx, "float64", "float32"),
        "epsilon": Variable(config.epsilon, config.set_epsilon, 0.5, 1e-7),
        "image_data_format": Variable(
            config.image_data_format, config.set_image_data_format, "channels_first", "channels_last"
        ),
        "dtype_policy mixed_float16": policy("mixed_float16"),
        "dtype_policy bfloat16": policy("bfloat16"),
        "dtype_policy float64": policy("float64"),
        "numpy.seterr": Variable(
            lambda: np.geterr()["over"], lambda value: np.seterr(over=value, under=value), "raise", "warn"
        ),
    }


def of_tensorflow() -> dict[str, Variable]:
    import tensorflow as tf

    options, tf32 = tf.config.optimizer, tf.config.experimental

    def mixing(name: str) -> Variable:
        return Variable(
            lambda: options.get_experimental_options().get(name, False),
            lambda value: options.set_experimental_options({name: value}),
            *(True, False),
        )

    return {
        "tf32": Variable(tf32.tensor_float_32_execution_enabled, tf32.enable_tensor_float_32_execution, True, False),
        "auto_mixed_precision": mixing("auto_mixed_precision"),
        "auto_mixed_precision_onednn_bfloat16": mixing("auto_mixed_precision_onednn_bfloat16"),
    }


def of_jax() -> dict[str, Variable]:
    import jax

    def option(name: str, theirs: Any, ours: Any) -> Variable:
        return Variable(
            functools.partial(getattr, jax.config, name), functools.partial(jax.config.update, name), theirs, ours
        )

    return {
        "jax_enable_x64": option("jax_enable_x64", True, False),
        "jax_default_matmul_precision": option("jax_default_matmul_precision", "bfloat16", "highest"),
        "jax_numpy_dtype_promotion": option("jax_numpy_dtype_promotion", "strict", "standard"),
        "jax_numpy_rank_promotion": option("jax_numpy_rank_promotion", "raise", "allow"),
    }


def of_torch() -> dict[str, Variable]:
    import torch

    def precision(of: Any) -> Variable:
        return Variable(lambda: of.fp32_precision, lambda value: setattr(of, "fp32_precision", value), "tf32", "ieee")

    autocast = torch.autocast("cpu", torch.bfloat16)
    variables = {
        "default dtype": Variable(torch.get_default_dtype, torch.set_default_dtype, torch.float64, torch.float32),
        "autocast": Variable(
            lambda: torch.is_autocast_enabled("cpu"),
            lambda on: autocast.__enter__() if on else autocast.__exit__(None, None, None),
            *(True, False),
        ),
        "float32_matmul_precision": Variable(
            torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "medium", "highest"
        ),
    }
    if hasattr(torch.backends, "fp32_precision"):
        backends = torch.backends
        variables["fp32_precision cudnn.conv"] = precision(backends.cudnn.conv)
        variables["fp32_precision mkldnn.conv"] = precision(backends.mkldnn.conv)
        variables["fp32_precision cuda.matmul"] = precision(backends.cuda.matmul)
        variables["fp32_precision mkldnn.matmul"] = precision(backends.mkldnn.matmul)
    return variables


def variables() -> dict[str, Variable]:
    backend = keras.backend.backend()
    own = {"tensorflow": of_tensorflow, "jax": of_jax, "torch": of_torch}[backend]()
    shared = of_keras()
    if backend != "tensorflow":  # what Keras reads of them it reads in code that all backends share
        shared = {name: shared[name] for name in ("floatx float16", "image_data_format", "dtype_policy mixed_float16")}
    return shared | own


def computed(content: np.ndarray, style: np.ndarray) -> dict[str, np.ndarray]:
    """Targets, a loss and its gradient, a short run, a judge's network; all built anew."""
    caches = (
        *(extractor.pretrained_network, extractor.feature_network, targets._looking, evaluation.evaluation),
        *(loss_graph.compiled_loss, extractor.activation_shapes, lbfgs_device._trial),
    )
    for cache in caches:
        cache.cache_clear()
    config = recipe.resolve(CONFIG)
    loss = build_objective(content, style, CONFIG)
    value, gradient = loss(loss.x0 + 10 * np.sin(np.arange(loss.x0.size)))
    run = transfer.style_transfer(content, style, CONFIG)
    fast = transfer.style_transfer(content, style, replace(CONFIG, precision="bfloat16"))
    judge = efficientnet_lite.build()
    return {
        **targets.compute_targets(content, "content", config).to_arrays(),
        **{f"style/{n}": array for n, array in targets.compute_targets(style, "style", config).to_arrays().items()},
        "structures": np.array(list(targets.structures(style, dict(config.losses)["content"], config).values())),
        "value": np.array(value),
        "gradient": gradient,
        "run": np.array([iterate.total for iterate in run.trace]),
        "run in bfloat16": np.array([iterate.total for iterate in fast.trace]),
        "judge": np.array([str(weight.dtype) for weight in judge.weights] + [str(judge.input.shape)]),
        "judge variables": np.concatenate([array.ravel() for array in read_arrays(judge).values()]),
    }


def differences(found: dict[str, np.ndarray], ordinary: dict[str, np.ndarray]) -> list[str]:
    """Names of what is not the same; float16's and TF32's rounding is 1000 times what is allowed for here."""
    return [
        name
        for name, array in ordinary.items()
        if found[name].dtype != array.dtype
        or not (
            (found[name] == array).all()
            if array.dtype.kind not in "f"
            else np.allclose(found[name], array, rtol=1e-6, atol=1e-6 * abs(array).max())
        )
    ]


def looked_at(names: list[str], ordinary: dict[str, np.ndarray], pictures: list[np.ndarray]) -> dict[str, Any]:
    """Of each variable what is found while all of them are set."""
    chosen = {name: variables()[name] for name in names}
    before = {name: variable.read() for name, variable in chosen.items()}
    for variable in chosen.values():
        variable.write(variable.theirs)
    told = {name: str(variable.read()) for name, variable in chosen.items()}
    on_device: Callable[[Any], Any] = problem.backend.on_device
    watched: dict[str, set[str]] = {name: set() for name in names}

    def watching(nest: Any) -> Any:
        for name, variable in chosen.items():
            watched[name].add(str(variable.read()))
        return on_device(nest)

    different, error = [], ""
    with mock.patch.object(problem.backend, "on_device", watching):  # what an evaluation begins with
        try:
            different = differences(computed(*pictures), ordinary)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    found = {
        name: {
            "error": error,
            "different": different,
            "meanwhile": sorted(watched[name]),
            "ours": str(variable.ours),
            "afterwards": str(variable.read()),
            "theirs": told[name],
        }
        for name, variable in chosen.items()
    }
    for name, variable in reversed(chosen.items()):
        variable.write(before[name])
    return found


def rounds() -> list[list[str]]:
    """Names of variables that are set at once: of those that begin with the same word, one in each round."""
    waiting, made = [*variables()], []
    while waiting:
        firsts: dict[str, str] = {}
        for name in waiting:
            firsts.setdefault(name.split()[0], name)
        made.append([*firsts.values()])
        waiting = [name for name in waiting if name not in made[-1]]
    return made


def wrong(told: dict[str, Any]) -> bool:
    return any(each["error"] or each["different"] for each in told.values())


def answers() -> dict[str, object]:
    random = np.random.default_rng(0)
    pictures = [np.repeat(random.integers(0, 255, (8, 8, 3), np.uint8), 4, 0).repeat(4, 1) for _ in "ab"]
    drawn: list[Any] = []  # weights, once: to draw them takes longer than the rest

    def random_arrays(shapes: Any, draw: Callable[[Any], Any] = sources.random_arrays) -> Any:
        drawn[:] = drawn or [draw(shapes)]
        return drawn[0]

    with mock.patch.object(sources, "random_arrays", random_arrays):
        ordinary = computed(*pictures)
        found: dict[str, Any] = {}
        for names in rounds():
            told = looked_at(names, ordinary, pictures)
            if wrong(told):
                alone = {name: looked_at([name], ordinary, pictures)[name] for name in names}
                told = alone if wrong(alone) else told
            found |= told
    return {"found": json.dumps(found)}
