"""The recipe: pictures -> features -> targets -> loss graph -> value and gradient -> optimiser -> result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nstcore.checkpoint import Checkpoint
from nstcore.coloring import compared, finished, started, unrounded
from nstcore.config import Coloring, TransferConfig
from nstcore.errors import StyleTransferError
from nstcore.loss_graph import TERMS
from nstcore.memory import require_memory
from nstcore.mixture import StyleLike
from nstcore.networks.extractor import pretrained_network
from nstcore.objective import Objective
from nstcore.optimizers import make_optimizer
from nstcore.optimizers.parametrization import parametrized
from nstcore.pictures.images import Picture, PictureSource, resize_to, to_uint8
from nstcore.pictures.initial import initial_picture
from nstcore.pictures.region_map import RegionSource
from nstcore.problem import build_problem
from nstcore.recipe import Recipe, resolve
from nstcore.result import CoarseRun, Iterate, Trace, TransferResult
from nstcore.resumption import Keeper, RunStates, tell_again
from nstcore.run import Run
from nstcore.scene import Scene, load_scene
from nstcore.snapshots import Snapshots
from nstcore.targets import SceneTargets

logger = logging.getLogger("nstcore")

#: Called with every iterate.
Callback = Callable[[Iterate], None]
#: How a transfer ended: in a result, or in an error of its own.
Outcome = TransferResult | StyleTransferError


def style_transfer(
    content: PictureSource,
    style: StyleLike | Sequence[StyleLike],
    config: TransferConfig | None = None,
    callback: Callback | None = None,
    *,
    style_weights: Sequence[float] = (),
    content_regions: RegionSource | None = None,
    style_regions: RegionSource | Sequence[RegionSource | None] | None = None,
    snapshots: Snapshots | None = None,
    checkpoint: Checkpoint | None = None,
) -> TransferResult:
    """Render the content picture in the style of one picture, or of several (Gatys 2016; regions: Gatys et al. 2017).

    Args:
        content: a path, or a uint8 (H, W, 3) RGB array; its longest side becomes `config.size`.
        style: the same, at `config.size` x `config.style_scale`; or a `StyleSource`, the path of a mixture
            (`nstcore.mixture.read_mixture`), or a sequence of any of these.
        config: the settings; None takes the defaults.
        callback: called after the start and after every step, of coarse runs too: each begins with iteration 0. A
            transfer that is taken up tells of the iterates of before first.
        style_weights: one per style, >= 0, made to sum to 1; () gives each the same.
        content_regions: a map that paints the regions of the content in flat colors, as a path or an array.
        style_regions: the map of the style, or of each one its own or None. Regions of one color belong together.
        snapshots: what is done with pictures on the way.
        checkpoint: where the transfer's state is kept, and taken up from if one is there.

    Raises:
        PictureError: for a picture that cannot be read or is too small for the backbone.
        ConfigError: for a layer that the backbone does not have; for weights that cannot be; for regions on one side
            alone, or with a loss that cannot weigh positions.
        WeightsError: if the backbone's weights cannot be had.
        MemoryShortageError: if the memory that is free is not enough.
        DivergenceError: if a loss becomes NaN or infinite.
    """
    recipe = resolve(config or TransferConfig())
    scene = load_scene(content, style, recipe, style_weights, regions=content_regions, style_regions=style_regions)
    (outcome,) = transfer([scene], recipe, callbacks=[callback], snapshots=[snapshots], checkpoint=checkpoint)
    if isinstance(outcome, StyleTransferError):
        raise outcome
    return outcome


def transfer(
    scenes: Sequence[Scene],
    config: TransferConfig | Recipe,
    targets: Sequence[SceneTargets] = (),
    callbacks: Sequence[Callback | None] = (),
    snapshots: Sequence[Snapshots | None] = (),
    checkpoint: Checkpoint | None = None,
) -> list[Outcome]:
    """Do transfers with the same settings together: the coarse runs that they ask for, then those at full size.

    A GPU computes a few small pictures in hardly more time than one. Each ends where it would have ended alone, but for
    rounding.

    Args:
        scenes: one or more, whose content pictures have one size, that of the settings.
        config: the settings of all.
        targets: what was kept of the pictures of each scene at that size; () looks at them now. They are of no use
            where `color` has other pictures compared than those of the scenes.
        callbacks: for each scene one that is called with its iterates, or None; () for none at all.
        snapshots: for each scene what is done with its pictures on the way, or None; () for none at all. None are
            taken again that were taken before the state was kept that a transfer is taken up from.
        checkpoint: where the state of all together is kept, and taken up from if one is there.

    Returns:
        For each scene its result, or the error that ended it: one that diverges does not stop the others. `seconds` of
        a result are wall time, in which the others ran too.

    Raises:
        BaseException: whatever else a callback or the backend raises; all are given up then.
    """
    recipe = resolve(config)
    callbacks = callbacks or [None] * len(scenes)
    height, width = scenes[0].content.shape[:2]
    coloring, given = recipe.config.color, scenes
    scenes = [compared(scene, coloring) for scene in given]
    if not recipe.config.compares_given_pictures:
        targets = ()
    try:
        # For the full size first: coarse runs would fit, and be in vain.
        guides = max(scene.guides for scene in scenes)
        logger.info(require_memory(recipe, height, width, len(scenes), guides))
    except StyleTransferError as error:
        return [error] * len(scenes)
    snapshots = [each and _finishing(each, scene, coloring) for each, scene in zip(snapshots, given, strict=False)]
    levels = coarse_levels(scenes, recipe)
    try:
        keeper = Keeper(checkpoint, recipe, [level for level, _ in levels], given) if checkpoint else None
        reached = keeper.take_up() if keeper else None
    except StyleTransferError as error:
        return [error] * len(scenes)
    ends: list[Outcome | None] = reached.ends if reached else [None] * len(scenes)
    if reached:
        tell_again(reached, callbacks)
    for place, (level, rows) in enumerate([*levels, (recipe, range(len(scenes)))]):
        if reached and place < reached.level:
            continue
        is_last = place == len(levels)
        _advance(
            {row: scenes[row] if is_last else scenes[row].at(level) for row in rows},
            level,
            dict(enumerate(targets)) if is_last else {},
            callbacks,
            snapshots,
            ends,
            RunStates(keeper, place, ends, reached if reached and place == reached.level else None) if keeper else None,
        )
    return [
        _as_given(end, scene, coloring) if isinstance(end, TransferResult) else end
        for end, scene in zip(ends, given, strict=True)
        if end is not None
    ]


def _as_given(result: TransferResult, scene: Scene, coloring: Coloring) -> TransferResult:
    """The result of a scene that was given, of the one whose pictures were compared."""
    pixels = result.pixels
    if pixels is not None:
        pixels = np.clip(unrounded(pixels, scene, coloring), 0.0, 255.0).astype(np.float32)
    return replace(result, image=finished(result.image, scene, coloring), pixels=pixels)


def _finishing(snapshots: Snapshots, scene: Scene, coloring: Coloring) -> Snapshots:
    """Snapshots of pictures as they would be given at last; `scene` is the one that was given."""

    def take(size: int, iteration: int, picture: Picture) -> None:
        content = resize_to(scene.content, *picture.shape[:2])
        snapshots.take(size, iteration, finished(picture, replace(scene, content=content), coloring))

    return replace(snapshots, take=take)


def coarse_levels(scenes: Sequence[Scene], recipe: Recipe) -> list[tuple[Recipe, list[int]]]:
    """The smaller runs, in order, and the scenes that each is for.

    A large picture is stylised small first, and starts from that, enlarged: a layer sees as many pixels of a large
    picture as of a small one, so that alone a large picture gets the style's small structures only (Gatys et al. 2017,
    "Controlling Perceptual Factors", do the same for high resolution). Sizes at which a narrow picture would be too
    small for the backbone are left out.
    """
    levels = [
        (level, [row for row, scene in enumerate(scenes) if scene.fits(level.config)]) for level in recipe.coarse()
    ]
    return [(level, rows) for level, rows in levels if rows]


def _advance(
    scenes: Mapping[int, Scene],
    recipe: Recipe,
    targets: Mapping[int, SceneTargets],
    callbacks: Sequence[Callback | None],
    snapshots: Sequence[Snapshots | None],
    ends: list[Outcome | None],
    states: RunStates | None,
) -> None:
    """Do one more run of each of these scenes, starting from the one before, unless that ended in an error."""
    rows = [row for row in scenes if not isinstance(ends[row], StyleTransferError)]
    if not rows:
        return
    starts = [end if isinstance(end := ends[row], TransferResult) else None for row in rows]
    kept = [targets[row] for row in rows if row in targets]
    watched = [snapshots[row] for row in rows] if snapshots else ()
    states = states.of(rows) if states else None
    together = [scenes[row] for row in rows]
    found = optimize(together, recipe, kept, [callbacks[row] for row in rows], starts, watched, states)
    for row, end in zip(rows, found, strict=True):
        ends[row] = end


def optimize(
    scenes: Sequence[Scene],
    config: TransferConfig | Recipe,
    targets: Sequence[SceneTargets] = (),
    callbacks: Sequence[Callback | None] = (),
    coarse: Sequence[TransferResult | None] = (),
    snapshots: Sequence[Snapshots | None] = (),
    states: RunStates | None = None,
) -> list[Outcome]:
    """Do one run of each scene, without coarse ones.

    Takes, returns and raises what `transfer` does, and for each scene the coarse result that it starts from, enlarged,
    or None to start from the initial picture of the settings. `states` keep the run's, and know where it is taken up.
    """
    recipe = resolve(config)
    callbacks = callbacks or [None] * len(scenes)
    coarse = coarse or [None] * len(scenes)
    reached = states.reached if states else None
    began = time.perf_counter() - (reached.elapsed if reached else 0.0)
    iterates: list[list[Iterate]] = reached.iterates if reached else [[] for _ in scenes]
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

    watched = {row: each for row, each in enumerate(snapshots) if each is not None}
    looked_at = [len(found) - 1 for found in iterates]

    def watch() -> None:
        counts = [len(found) - 1 for found in iterates]
        due = [row for row, each in watched.items() if each.due(recipe.size, looked_at[row], counts[row])]
        pictures = run.pictures() if due else ()
        for row in due:
            watched[row].take(recipe.size, counts[row], to_uint8(pictures[row]))
        looked_at[:] = counts

    def between() -> None:
        watch()  # first, so that what is taken up has its pictures
        if states is not None:
            states.after_round(run, iterates, time.perf_counter() - began)

    try:
        starts = [_start(scene, recipe, result) for scene, result in zip(scenes, coarse, strict=True)]
        networks = (recipe.network, recipe.content_network)
        weights, content_weights = (pretrained_network(one.backbone, one.weights)[1] for one in networks)
        problem = build_problem(scenes, recipe, targets)
        run = Run(
            problem,
            make_optimizer(recipe.optimizer, recipe.optimizer_settings),
            recipe.stopping(max(seconds) + time.perf_counter() - began),
            record,
            recipe.parametrization,
            states=states is not None,
        )
    except StyleTransferError as error:
        return [error] * len(scenes)
    if reached:
        run.load_state(reached.run)
    else:
        run.start(np.stack(starts))
        watch()
    pictures = run.finish(between if watched or states else None)
    took = time.perf_counter() - began
    if states is not None:
        states.at_the_end(run, iterates, took)
    outcomes: list[Outcome] = []
    for row, (picture, result) in enumerate(zip(pictures, coarse, strict=True)):
        end = run.ends[row]
        if isinstance(end, StyleTransferError):
            outcomes.append(end)
            continue
        outcomes.append(
            TransferResult(
                image=to_uint8(picture),
                pixels=picture,
                trace=Trace(tuple(iterates[row])),
                config=recipe.config,
                weights=weights,
                content_weights=content_weights if recipe.content_network != recipe.network else None,
                message=end,
                seconds=seconds[row] + took,
                coarse=(*result.coarse, CoarseRun(result.config.size, result.trace)) if result else (),
                resumed=states.resumed(row) if states else (),
            )
        )
    return outcomes


def _start(scene: Scene, recipe: Recipe, coarse: TransferResult | None) -> np.ndarray:
    """The picture that a run starts from, float32 (H, W, 3)."""
    if coarse is not None:
        return resize_to(coarse.image, *scene.content.shape[:2]).astype(np.float32)
    config = recipe.config
    start = initial_picture(config.init, scene.content, scene.styles[0].picture, config.seed, config.init_noise)
    return started(start, config.color)


def build_objective(
    content: PictureSource,
    style: StyleLike | Sequence[StyleLike],
    config: TransferConfig | None = None,
    *,
    style_weights: Sequence[float] = (),
    content_regions: RegionSource | None = None,
    style_regions: RegionSource | Sequence[RegionSource | None] | None = None,
) -> Objective:
    """Build the loss of some pictures, for any optimiser that takes a function of a flat vector.

    The vector is the picture, not kept within any range, or the frequencies of the "fourier" parametrization.

    Takes and raises what `style_transfer` does.
    """
    recipe = resolve(config or TransferConfig())
    scene = load_scene(content, style, recipe, style_weights, regions=content_regions, style_regions=style_regions)
    height, width = scene.content.shape[:2]
    require_memory(recipe, height, width, guides=scene.guides)
    coloring, given = recipe.config.color, scene
    scene = compared(given, coloring)
    problem = parametrized(build_problem([scene], recipe), replace(recipe.parametrization, bounded=False))
    return Objective(problem, _start(scene, recipe, None), lambda image: finished(image, given, coloring))
