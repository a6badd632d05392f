"""The loop of a training: steps until an end, with looks at held-out photographs and states between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nstcore.errors import DivergenceError
from nstcore.feedforward.crop_pool import CropPool
from nstcore.feedforward.held_out import HeldOut
from nstcore.feedforward.step import Trained, Trainer
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.feedforward.training_state import Reached, TrainingKeeper
from nstcore.feedforward.training_trace import TrainingStep
from nstcore.loss_graph import TERMS
from nstcore.snapshots import Snapshots


@dataclass(frozen=True)
class Watch:
    """Who is told of a training.

    Attributes:
        callback: is given every step.
        snapshots: what is done with pictures of a held-out photograph.
        size: longest side of those, pixels.
    """

    callback: Callable[[TrainingStep], None] | None
    snapshots: Snapshots | None
    size: int

    def tell(self, step: TrainingStep) -> None:
        """Tell of a step."""
        if self.callback is not None:
            self.callback(step)

    def look(self, before: int, now: int, trainer: Trainer, trained: Trained, held_out: HeldOut) -> None:
        """Take a picture if one is due."""
        if self.snapshots is not None and self.snapshots.due(self.size, before, now):
            self.snapshots.take(self.size, now, held_out.picture(trainer, trained))


class Course:
    """One training on its way.

    Attributes:
        steps: the trace so far.
    """

    def __init__(
        self,
        trainer: Trainer,
        pool: CropPool,
        held_out: HeldOut,
        generator: np.random.Generator,
        training: TrainingSettings,
        *,
        terms: Sequence[str],
        began: float,
    ) -> None:
        """Take what goes together; `began` is when the clock of the training stood at 0."""
        self.steps: list[TrainingStep] = []
        self._trainer, self._pool, self._held_out = trainer, pool, held_out
        self._generator, self._training = generator, training
        self._terms, self._began = tuple(terms), began
        self._trained: Trained = trainer.start()
        self._best: tuple[int, Trained] | None = None

    def run(self, watch: Watch, keeper: TrainingKeeper | None, reached: Reached | None) -> str:
        """Go on to the end; says why it is one.

        Raises:
            DivergenceError: if a loss becomes NaN or infinite.
            BaseException: whatever the callbacks of `watch` or the backend raise.
        """
        if reached:
            self.steps, self._trained, self._best = list(reached.steps), reached.trained, reached.best
            for step in self.steps:
                watch.tell(step)
        else:
            watch.look(-1, 0, self._trainer, self._trained, self._held_out)
        end = self._end() if self.steps else ""
        while not end:
            end = self._step(watch)
            if keeper and keeper.due() and not end:
                keeper.save(self._state(reached.resumed if reached else ()))
        return end

    def chosen(self) -> tuple[int, Trained]:
        """The weights that the training comes to, and after how many steps: the best ones, where those are kept."""
        return self._best or (len(self.steps), self._trained)

    def _step(self, watch: Watch) -> str:
        """Go one step on; says why it was the last, if it was."""
        training, done = self._training, len(self.steps)
        rate = training.rate(training.progress(done, self._seconds()))
        self._trained, terms = self._trainer.step(self._trained, *self._pool.next(), rate)
        found = dict(zip(self._terms, terms.tolist(), strict=True))
        done += 1
        if not math.isfinite(found["total"]):
            raise DivergenceError(
                f"the loss of step {done} is {found['total']}; use a smaller learning rate (it is "
                f"{training.learning_rate:g})"
            )
        common = {name: found[name] for name in TERMS}
        further = {name: value for name, value in found.items() if name not in TERMS}
        step = TrainingStep(step=done, seconds=self._seconds(), **common, losses=further)
        self.steps.append(step)
        end = self._end()
        if end or (training.held_out_every and done % training.held_out_every == 0):
            held_out = self._held_out.loss(self._trainer, self._trained)
            self.steps[-1] = step = TrainingStep(
                step=done, seconds=self._seconds(), **common, held_out=held_out, losses=further
            )
            end = end or self._judged(held_out)
        watch.tell(step)
        watch.look(done - 1, done, self._trainer, self._trained, self._held_out)
        return end

    def _end(self) -> str:
        """Why no further step is to be done, or nothing."""
        training, done = self._training, len(self.steps)
        if training.steps and done >= training.steps:
            return f"all {done} steps"
        if training.minutes and self._seconds() >= 60.0 * training.minutes:
            return f"the time was over after {done} steps"
        if training.patience and self._best is not None:
            looks = [each for each in self.steps[self._best[0] :] if not math.isnan(each.held_out)]
            if len(looks) >= training.patience:
                return f"the held-out loss was lowest after {self._best[0]} of {done} steps"
        return ""

    def _judged(self, held_out: float) -> str:
        """Take the weights for the best, if they are; say whether there have been too many that are not."""
        if not self._training.patience:
            return ""
        if self._best is None or held_out < self.steps[self._best[0] - 1].held_out:
            self._best = (len(self.steps), self._trained)
        return self._end()

    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def _state(self, resumed: tuple[int, ...]) -> Reached:
        generator = self._generator.bit_generator.state
        return Reached(
            self._trained, self._best, self.steps, self._seconds(), self._pool.state_dict(), generator, resumed
        )
