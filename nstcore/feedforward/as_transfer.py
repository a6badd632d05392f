"""What a trained network makes of a picture, with the losses that a transfer of it would have: so the two compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from nstcore import backend
from nstcore.config import TransferConfig
from nstcore.errors import DivergenceError
from nstcore.loss_graph import TERMS
from nstcore.networks.extractor import pretrained_network
from nstcore.pictures.images import Picture, to_uint8
from nstcore.problem import Problem, build_problem
from nstcore.recipe import Recipe, resolve
from nstcore.result import Iterate, Trace, TransferResult
from nstcore.scene import Scene
from nstcore.targets import SceneTargets

#: What a result says in place of why an optimiser stopped.
MESSAGE = "one pass of a network that was trained for the style"


def as_transfer(
    network: Callable[[Picture], np.ndarray],
    scene: Scene,
    config: TransferConfig | Recipe,
    targets: Sequence[SceneTargets] = (),
) -> TransferResult:
    """Give a picture to a network, and judge what it makes of it as a transfer judges its iterates.

    Args:
        network: gives float (H, W, 3), nominally 0 to 255, of a uint8 (H, W, 3).
        scene: a content picture and the style that the network was trained for.
        config: the losses and the size; what is said of an optimiser is not looked at.
        targets: what was kept of the pictures of the scene; () looks at them now.

    Returns:
        A result with two iterates: the content picture, and after one pass of the network what it made of it.
        `seconds` is the time of that pass, once everything was compiled and in its place.

    Raises:
        DivergenceError: if the network's picture is not finite, or a loss of it.
        ConfigError, WeightsError: as `nstcore.problem.build_problem`.
    """
    recipe = resolve(config).unstaged()
    network(scene.content)  # the first pass compiles
    began = time.perf_counter()
    pixels = network(scene.content)
    seconds = time.perf_counter() - began
    if not np.isfinite(pixels).all():
        raise DivergenceError("the network gave a picture that is not finite")
    pixels = np.clip(pixels, 0.0, 255.0).astype(np.float32)
    problem = build_problem([scene], recipe, targets)
    problem = problem.refined() or problem
    first = _iterate(problem, scene.content.astype(np.float32), 0, 0.0)
    last = _iterate(problem, pixels, 1, seconds)
    networks = (recipe.network, recipe.content_network)
    weights, content_weights = (pretrained_network(one.backbone, one.weights)[1] for one in networks)
    return TransferResult(
        image=to_uint8(pixels),
        pixels=pixels,
        trace=Trace((first, last)),
        config=recipe.config,
        weights=weights,
        content_weights=content_weights if recipe.content_network != recipe.network else None,
        message=MESSAGE,
        seconds=seconds,
    )


def _iterate(problem: Problem, picture: np.ndarray, iteration: int, seconds: float) -> Iterate:
    found = problem.evaluate(picture[np.newaxis])
    terms = {name: float(backend.to_host(values)[0]) for name, values in found.terms.items()}
    if not np.isfinite(terms["total"]):
        raise DivergenceError(f"the loss of the network's picture is {terms['total']}")
    return Iterate(
        iteration=iteration,
        evaluations=0,  # of a loss: none are needed for the picture
        seconds=seconds,
        **{name: terms[name] for name in TERMS},
        losses={name: value for name, value in terms.items() if name not in TERMS},
    )
