"""One run of scenes at one size: problem, optimizer, trace, pictures on the way, and the state that is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nstcore.errors import StyleTransferError
from nstcore.loss_graph import TERMS
from nstcore.networks.extractor import pretrained_network
from nstcore.optimizers import make_optimizer
from nstcore.pictures.images import to_uint8
from nstcore.pictures.initial import initial_picture
from nstcore.pictures.resizing import resize_to
from nstcore.problem import build_problem
from nstcore.recipe import Recipe
from nstcore.result import CoarseRun, Iterate, Trace, TransferResult
from nstcore.resumption import RunStates
from nstcore.run import Run
from nstcore.scene import Scene
from nstcore.snapshots import Snapshots
from nstcore.targets import SceneTargets

#: Called with every iterate.
Callback = Callable[[Iterate], None]
#: How a transfer ended: in a result, or in an error of its own.
Outcome = TransferResult | StyleTransferError


def advance(
    scenes: Mapping[int, Scene],
    recipe: Recipe,
    targets: Mapping[int, SceneTargets],
    callbacks: Sequence[Callback | None],
    snapshots: Sequence[Snapshots | None],
    ends: list[Outcome | None],
    states: RunStates | None,
) -> None:
    """Do one more run of each of these scenes, starting from the one before, unless that ended in an error.

    `scenes` and `targets` are told by the place of their transfer; `ends` are those of all, and are brought up to date.
    """
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
    recipe: Recipe,
    targets: Sequence[SceneTargets] = (),
    callbacks: Sequence[Callback | None] = (),
    coarse: Sequence[TransferResult | None] = (),
    snapshots: Sequence[Snapshots | None] = (),
    states: RunStates | None = None,
) -> list[Outcome]:
    """Do one run of each scene, without coarse ones.

    Takes, returns and raises what `nstcore.transfer.transfer` does, and for each scene the coarse result that it starts
    from, enlarged, or None to start from the initial picture of the settings. `states` keep the run's, and know where
    it is taken up.
    """
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
        starts = [starting_picture(scene, recipe, result) for scene, result in zip(scenes, coarse, strict=True)]
        networks = (recipe.network, recipe.content_network)
        weights, content_weights = (pretrained_network(one.backbone, one.weights)[1] for one in networks)
        scenes = [replace(scene, before=end.image if end else None) for scene, end in zip(scenes, coarse, strict=True)]
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
                resumed=states.resumed[row] if states else (),
            )
        )
    return outcomes


def starting_picture(scene: Scene, recipe: Recipe, coarse: TransferResult | None) -> np.ndarray:
    """The picture that a run starts from, float32 (H, W, 3)."""
    if coarse is not None:
        return resize_to(coarse.image, *scene.content.shape[:2]).astype(np.float32)
    config = recipe.config
    style, gray = scene.styles[0].picture, config.color == "luminance"
    blended = config.seed, config.init_noise
    return initial_picture(config.init, scene.content, style, *blended, given=scene.start, gray=gray)
