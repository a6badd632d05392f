"""Runs of the engine with everything before them done: pictures looked at, functions compiled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nstcore import StyleTransferError, TransferConfig

if TYPE_CHECKING:
    from nstcore.optimizers.protocol import Optimizer
    from nstcore.problem import Problem
    from nstcore.recipe import Recipe
    from nstcore.run import Record

# In bfloat16 the last of them is in float32, and then every function has been used.
_WARM_UP = 3


@dataclass(frozen=True, eq=False)
class Prepared:
    """A problem of B pictures of one size, and where its runs start.

    Attributes:
        x: float32 (B, H, W, 3).
    """

    recipe: Recipe
    problem: Problem
    x: np.ndarray

    def optimizer(self) -> Optimizer:
        """A new run of the configured optimiser, that is not started yet."""
        from nstcore.optimizers import make_optimizer

        return make_optimizer(self.recipe.optimizer, self.recipe.optimizer_settings)

    def run(self, record: Record, optimizer: Optimizer | None = None, iterations: int | None = None) -> float:
        """Optimise, without coarse runs, and give the seconds.

        Args:
            record: told every iterate, see `nstcore.run.Run`.
            optimizer: not started yet; None makes one.
            iterations: None takes those of the recipe.

        Raises:
            StyleTransferError: what ended a picture's run.
        """
        from nstcore.run import Run

        start = time.perf_counter()
        run = Run(
            self.problem,
            optimizer or self.optimizer(),
            replace(self.recipe.stopping(0.0), iterations=iterations or self.recipe.iterations),
            record,
            self.recipe.parametrization,
        )
        run.start(self.x)
        run.finish()
        seconds = time.perf_counter() - start
        for end in run.ends.values():
            if isinstance(end, StyleTransferError):
                raise end
        return seconds

    def warm_up(self) -> None:
        """Compile all that a run needs."""
        self.run(Counts(), iterations=_WARM_UP)


def prepare(contents: Sequence[np.ndarray], style: np.ndarray, config: TransferConfig) -> Prepared:
    """Assemble the problem of content pictures of one size with one style; uint8, of the size of the settings."""
    from nstcore.level import starting_picture
    from nstcore.loading import load_scene
    from nstcore.problem import build_problem
    from nstcore.recipe import resolve

    recipe = resolve(config)
    scenes = [load_scene(content, [style], recipe) for content in contents]
    x = [starting_picture(scene, recipe, None) for scene in scenes]
    return Prepared(recipe, build_problem(scenes, recipe), np.stack(x))


class Counts:
    """A record that counts.

    Attributes:
        evaluations, iterations: of each picture, so far.
    """

    def __init__(self) -> None:
        self.evaluations: dict[int, int] = {}
        self.iterations: dict[int, int] = {}

    def __call__(self, row: int, evaluations: int, terms: Mapping[str, float]) -> None:
        self.evaluations[row] = evaluations
        self.iterations[row] = self.iterations.get(row, -1) + 1


def written(picture: np.ndarray) -> np.ndarray:
    """A float picture as a file of 8 bits gives it back, as a flat float64 vector."""
    vector: np.ndarray = np.rint(np.clip(picture, 0.0, 255.0)).astype(np.float64).ravel()
    return vector


#: (iteration, evaluations, seconds without judging, judged loss) -> whether to go on.
OnJudged = Callable[[int, int, float, float], bool]


def judged_run(content: np.ndarray, style: np.ndarray, config: TransferConfig, on_judged: OnJudged) -> None:
    """Run the engine; judge every iterate as if it were written, by the same loss in float32, until told to stop.

    Everything is compiled before the clock starts, and the judge's time is not counted.
    """
    from nstcore import build_objective

    judge = build_objective(content, style, replace(config, precision="float32"))
    prepared = prepare([content], style, config)
    prepared.warm_up()
    optimizer, counts, judging = prepared.optimizer(), Counts(), 0.0
    began = time.perf_counter()

    def record(row: int, evaluations: int, terms: Mapping[str, float]) -> None:
        nonlocal judging
        start = time.perf_counter()
        counts(row, evaluations, terms)
        loss = judge.components(written(optimizer.picture()))["total"]
        seconds = start - began - judging
        judging += time.perf_counter() - start
        if not on_judged(counts.iterations[row], evaluations, seconds, loss):
            raise _EnoughError

    try:
        prepared.run(record, optimizer)
    except _EnoughError:
        return


class _EnoughError(Exception):
    """The run has shown what it was to show."""
