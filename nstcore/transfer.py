"""The recipe: pictures -> features -> targets -> loss graph -> value and gradient -> optimiser -> result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nstcore.config import TransferConfig
from nstcore.errors import StyleTransferError
from nstcore.loss_graph import TERMS
from nstcore.memory import require_memory
from nstcore.networks.backbones import get_backbone
from nstcore.networks.extractor import pretrained_network
from nstcore.objective import Objective
from nstcore.optimizers import make_optimizer
from nstcore.pictures.images import PictureSource, resize_to, to_uint8
from nstcore.pictures.initial import initial_picture
from nstcore.problem import build_problem
from nstcore.recipe import Recipe, resolve
from nstcore.result import CoarseRun, Iterate, Trace, TransferResult
from nstcore.run import Run
from nstcore.scene import Scene, load_scene
from nstcore.targets import SceneTargets

logger = logging.getLogger("nstcore")

#: Called with every iterate.
Callback = Callable[[Iterate], None]
#: How a transfer ended: in a result, or in an error of its own.
Outcome = TransferResult | StyleTransferError


def style_transfer(
    content: PictureSource, style: PictureSource, config: TransferConfig | None = None, callback: Callback | None = None
) -> TransferResult:
    """Render the content picture in the style of the style picture (Gatys 2016).

    Args:
        content, style: a path, or a uint8 (H, W, 3) RGB array; both are resized to `config.size`.
        config: the settings; None takes the defaults.
        callback: called after the start and after every step, of coarse runs too: each begins with iteration 0.

    Raises:
        PictureError: for a picture that cannot be read or is too small for the backbone.
        ConfigError: for a layer that the backbone does not have.
        WeightsError: if the backbone's weights cannot be had.
        MemoryShortageError: if the memory that is free is not enough.
        DivergenceError: if a loss becomes NaN or infinite.
    """
    recipe = resolve(config or TransferConfig())
    scene = load_scene(content, [style], recipe)
    (outcome,) = transfer([scene], recipe, callbacks=[callback])
    if isinstance(outcome, StyleTransferError):
        raise outcome
    return outcome


def transfer(
    scenes: Sequence[Scene],
    config: TransferConfig | Recipe,
    targets: Sequence[SceneTargets] = (),
    callbacks: Sequence[Callback | None] = (),
) -> list[Outcome]:
    """Do transfers with the same settings together: the coarse runs that they ask for, then those at full size.

    A GPU computes a few small pictures in hardly more time than one. Each ends where it would have ended alone, but for
    rounding.

    Args:
        scenes: one or more, whose content pictures have one size, that of the settings.
        config: the settings of all.
        targets: what was kept of the pictures of each scene at that size; () looks at them now.
        callbacks: for each scene one that is called with its iterates, or None; () for none at all.

    Returns:
        For each scene its result, or the error that ended it: one that diverges does not stop the others. `seconds` of
        a result are wall time, in which the others ran too.

    Raises:
        BaseException: whatever else a callback or the backend raises; all are given up then.
    """
    recipe = resolve(config)
    callbacks = callbacks or [None] * len(scenes)
    height, width = scenes[0].content.shape[:2]
    try:
        # For the full size first: coarse runs would fit, and be in vain.
        logger.info(require_memory(recipe, height, width, len(scenes)))
    except StyleTransferError as error:
        return [error] * len(scenes)
    ends: list[Outcome | None] = [None] * len(scenes)
    for level, rows in coarse_levels(scenes, recipe):
        smaller = {row: scenes[row].at(level) for row in rows}
        _advance(smaller, level, {}, callbacks, ends)
    _advance(dict(enumerate(scenes)), recipe, dict(enumerate(targets)), callbacks, ends)
    return [end for end in ends if end is not None]


def coarse_levels(scenes: Sequence[Scene], recipe: Recipe) -> list[tuple[Recipe, list[int]]]:
    """The smaller runs, in order, and the scenes that each is for.

    A large picture is stylised small first, and starts from that, enlarged: a layer sees as many pixels of a large
    picture as of a small one, so that alone a large picture gets the style's small structures only (Gatys et al. 2017,
    "Controlling Perceptual Factors", do the same for high resolution). Sizes at which a narrow picture would be too
    small for the backbone are left out.
    """
    least = get_backbone(recipe.network.backbone).smallest_side
    levels = [
        (level, [row for row, scene in enumerate(scenes) if scene.fits(level.size, least)]) for level in recipe.coarse()
    ]
    return [(level, rows) for level, rows in levels if rows]


def _advance(
    scenes: Mapping[int, Scene],
    recipe: Recipe,
    targets: Mapping[int, SceneTargets],
    callbacks: Sequence[Callback | None],
    ends: list[Outcome | None],
) -> None:
    """Do one more run of each of these scenes, starting from the one before, unless that ended in an error."""
    rows = [row for row in scenes if not isinstance(ends[row], StyleTransferError)]
    if not rows:
        return
    starts = [end if isinstance(end := ends[row], TransferResult) else None for row in rows]
    kept = [targets[row] for row in rows if row in targets]
    found = optimize([scenes[row] for row in rows], recipe, kept, [callbacks[row] for row in rows], starts)
    for row, end in zip(rows, found, strict=True):
        ends[row] = end


def optimize(
    scenes: Sequence[Scene],
    config: TransferConfig | Recipe,
    targets: Sequence[SceneTargets] = (),
    callbacks: Sequence[Callback | None] = (),
    coarse: Sequence[TransferResult | None] = (),
) -> list[Outcome]:
    """Do one run of each scene, without coarse ones.

    Takes, returns and raises what `transfer` does, and for each scene the coarse result that it starts from, enlarged,
    or None to start from the initial picture of the settings.
    """
    recipe = resolve(config)
    callbacks = callbacks or [None] * len(scenes)
    coarse = coarse or [None] * len(scenes)
    began = time.perf_counter()
    iterates: list[list[Iterate]] = [[] for _ in scenes]
    seconds = [result.seconds if result else 0.0 for result in coarse]

    def record(row: int, evaluations: int, terms: Mapping[str, float]) -> None:
        iterate = Iterate(
            iteration=len(iterates[row]),
            evaluations=evaluations,
            seconds=seconds[row] + time.perf_counter() - began,
            **{name: terms[name] for name in TERMS},
            losses={name: value for name, value in terms.items() if name not in TERMS},
        )
        iterates[row].append(iterate)
        if (callback := callbacks[row]) is not None:
            callback(iterate)

    try:
        _, weights = pretrained_network(recipe.network.backbone, recipe.network.weights)
        run = Run(
            build_problem(scenes, recipe, targets),
            make_optimizer(recipe.optimizer, recipe.optimizer_settings),
            recipe.iterations,
            record,
            bounded=recipe.config.pixel_range == "bounded",
        )
    except StyleTransferError as error:
        return [error] * len(scenes)
    run.start(np.stack([_start(scene, recipe, result) for scene, result in zip(scenes, coarse, strict=True)]))
    pictures = run.finish()
    took = time.perf_counter() - began
    outcomes: list[Outcome] = []
    for row, (picture, result) in enumerate(zip(pictures, coarse, strict=True)):
        end = run.ends[row]
        if isinstance(end, StyleTransferError):
            outcomes.append(end)
            continue
        outcomes.append(
            TransferResult(
                image=to_uint8(picture),
                trace=Trace(tuple(iterates[row])),
                config=recipe.config,
                weights=weights,
                message=end,
                seconds=seconds[row] + took,
                coarse=(*result.coarse, CoarseRun(result.config.size, result.trace)) if result else (),
            )
        )
    return outcomes


def _start(scene: Scene, recipe: Recipe, coarse: TransferResult | None) -> np.ndarray:
    """The picture that a run starts from, float32 (H, W, 3)."""
    if coarse is not None:
        return resize_to(coarse.image, *scene.content.shape[:2]).astype(np.float32)
    return initial_picture(recipe.config.init, scene.content, scene.styles[0].picture, recipe.config.seed)


def build_objective(content: PictureSource, style: PictureSource, config: TransferConfig | None = None) -> Objective:
    """Build the loss of a pair of pictures, for any optimiser that takes a function of a flat vector.

    Takes and raises what `style_transfer` does.
    """
    recipe = resolve(config or TransferConfig())
    scene = load_scene(content, [style], recipe)
    require_memory(recipe, *scene.content.shape[:2])
    return Objective(build_problem([scene], recipe), _start(scene, recipe, None))
