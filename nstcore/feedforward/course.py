"""The loop of a training: steps until an end, with looks at held-out photographs and states between them.

Ctrl-C and a termination raise a `KeyboardInterrupt` in the middle of a step. What had been reached before that step is
kept then, so that a person who ends a training loses that step alone.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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

# Steps differ in how many crops are replaced before them. Of so many the longest counts for what the next one takes.
_STEPS_OF_NOTE = 16


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
        self._took: deque[float] = deque(maxlen=_STEPS_OF_NOTE)
        self._a_look = self._all_looks = 0.0

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
        if end and math.isnan(self.steps[-1].held_out):  # taken up with too little time left for a step
            self._judge(self._look_after(self.steps[-1]).held_out)
        elif self._training.minutes and not end:
            self._time_a_look()
        kept = whole = reached
        try:
            while not end:
                began, is_first = self._seconds_without_looks(), whole is reached
                end = self._step(watch)
                whole = self._state(reached.resumed if reached else ())
                if keeper and keeper.due() and not end:
                    keeper.save(whole)
                    kept = whole
                if not is_first:  # which compiles
                    self._took.append(self._seconds_without_looks() - began)
        except KeyboardInterrupt:
            if keeper and keeper.on_the_way and whole is not None and whole is not kept:
                keeper.save(whole)
            raise
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
            step = self._look_after(step)
            self._judge(step.held_out)
            end = end or self._end()
        watch.tell(step)
        watch.look(done - 1, done, self._trainer, self._trained, self._held_out)
        return end

    def _look_after(self, step: TrainingStep) -> TrainingStep:
        """The last step with the held-out loss after it, as the trace has it from now on."""
        held_out = self._look()
        self.steps[-1] = replace(step, seconds=self._seconds(), held_out=held_out)
        return self.steps[-1]

    def _look(self) -> float:
        """The held-out loss; how long that takes is noted."""
        began = self._seconds()
        loss = self._held_out.loss(self._trainer, self._trained)
        self._a_look = self._seconds() - began
        self._all_looks += self._a_look
        return loss

    def _time_a_look(self) -> None:
        """Note how long a look takes, before the first is due. One more comes before it, since backends compile."""
        self._look()
        self._look()

    def _end(self) -> str:
        """Why no further step is to be done, or nothing.

        The time is over when there is none for another step and for the look that a training ends with.
        """
        training, done = self._training, len(self.steps)
        if training.steps and done >= training.steps:
            return f"all {done} steps"
        still = max(self._took, default=0.0) + self._a_look
        if training.minutes and self._seconds() + still >= 60.0 * training.minutes:
            return f"the time was over after {done} steps"
        if training.patience and self._best is not None:
            looks = [each for each in self.steps[self._best[0] :] if not math.isnan(each.held_out)]
            if len(looks) >= training.patience:
                return f"the held-out loss was lowest after {self._best[0]} of {done} steps"
        return ""

    def _judge(self, held_out: float) -> None:
        """Take the weights for the best, if they are and the best ones are wanted."""
        if self._training.patience and (self._best is None or held_out < self.steps[self._best[0] - 1].held_out):
            self._best = (len(self.steps), self._trained)

    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def _seconds_without_looks(self) -> float:
        return self._seconds() - self._all_looks

    def _state(self, resumed: tuple[int, ...]) -> Reached:
        """What is reached now, which later steps do not change."""
        generator, pool = self._generator.bit_generator.state, self._pool.state_dict()
        return Reached(self._trained, self._best, list(self.steps), self._seconds(), pool, generator, resumed)
