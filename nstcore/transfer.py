"""The recipe: pictures -> features -> targets -> loss graph -> value and gradient -> optimiser -> result."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from nstcore.checkpoint import Checkpoint
from nstcore.coloring import as_given, compared, compared_at, finishing
from nstcore.config import TransferConfig
from nstcore.errors import StyleTransferError
from nstcore.level import Callback, Outcome, advance
from nstcore.loading import load_scene
from nstcore.memory import require_memory
from nstcore.mixture import StyleLike
from nstcore.pictures.images import PictureSource
from nstcore.pictures.region_map import RegionSource
from nstcore.recipe import Recipe, resolve
from nstcore.result import TransferResult
from nstcore.resumption import Keeper, RunStates, tell_again
from nstcore.scene import Scene, coarse_levels
from nstcore.snapshots import Snapshots
from nstcore.targets import SceneTargets

logger = logging.getLogger("nstcore")


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
    if not recipe.config.compares_given_pictures:
        targets = ()
    try:
        scenes = [compared(scene, coloring) for scene in given]
        snapshots = [each and finishing(each, scene, coloring) for each, scene in zip(snapshots, given, strict=False)]
        # For the full size first: coarse runs would fit, and be in vain.
        guides = max(scene.guides for scene in scenes)
        logger.info(require_memory(recipe, height, width, len(scenes), guides))
    except StyleTransferError as error:
        return [error] * len(scenes)
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
        advance(
            {row: scenes[row] if is_last else compared_at(given[row], level) for row in rows},
            level,
            dict(enumerate(targets)) if is_last else {},
            callbacks,
            snapshots,
            ends,
            RunStates(keeper, place, ends, reached if reached and place == reached.level else None) if keeper else None,
        )
    return [
        as_given(end, scene, coloring) if isinstance(end, TransferResult) else end
        for end, scene in zip(ends, given, strict=True)
        if end is not None
    ]
