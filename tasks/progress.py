"""What a person sees of a running transfer: Luigi's page, and a bar on a terminal."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import luigi
from tqdm import tqdm

from nstcore import Iterate
from nstcore.feedforward.training_trace import TrainingStep
from nstcore.recipe import Recipe

# Each message is a request to a central scheduler.
_SECONDS_BETWEEN_MESSAGES = 1.0


@contextlib.contextmanager
def progress(task: luigi.Task, runs: Sequence[Recipe]) -> Iterator[Callable[[Iterate], None]]:
    """Give a callback that reports a task's iterates: as its progress and status, and as a bar on a terminal.

    `runs` are the recipes of its runs in order, coarse ones first; a new one begins with every iteration 0.

    Bars of forked workers would overwrite each other, so with several workers there are none.
    """
    alone_on_terminal = sys.stderr.isatty() and multiprocessing.parent_process() is None
    last_message = 0.0
    total, place = sum(run.iterations for run in runs), -1
    all_pixels = sum(map(_pixels, runs))
    with tqdm(total=total, desc=_title(task), unit="it", disable=not alone_on_terminal, leave=False) as bar:

        def report(iterate: Iterate) -> None:
            nonlocal last_message, place
            place += iterate.iteration == 0
            run = runs[place]
            done = sum(earlier.iterations for earlier in runs[:place]) + iterate.iteration
            pixels = sum(map(_pixels, runs[:place])) + iterate.iteration * run.size**2
            bar.set_postfix(size=run.size, loss=f"{iterate.total:.4g}", refresh=False)
            bar.update(done - bar.n)
            for lease in task.leases:  # others are told at the next beat; ends the work if it is another's by now
                lease.tell(
                    size=run.size,
                    iteration=iterate.iteration,
                    iterations=run.iterations,
                    total=iterate.total,
                    seconds=round(iterate.seconds, 1),
                    share=round(done / total, 4),
                )
            if time.monotonic() - last_message >= _SECONDS_BETWEEN_MESSAGES or done == total:
                last_message = time.monotonic()
                task.set_progress_percentage(round(100 * done / total))
                task.set_status_message(
                    f"{run.size} px, iteration {iterate.iteration} of {run.iterations}, {iterate.evaluations} "
                    f"evaluations, loss {iterate.total:.4g}, {iterate.seconds:.0f} s"
                    + (f", about {iterate.seconds * (all_pixels / pixels - 1):.0f} s left" if pixels > 0 else "")
                )

        yield report


@contextlib.contextmanager
def training_progress(task: luigi.Task, steps: int) -> Iterator[Callable[[TrainingStep], None]]:
    """Give a callback that reports the steps of a training, as `progress` does those of a transfer."""
    alone_on_terminal = sys.stderr.isatty() and multiprocessing.parent_process() is None
    last_message, held_out = 0.0, math.nan
    with tqdm(total=steps, desc=task.title, unit="step", disable=not alone_on_terminal, leave=False) as bar:

        def report(step: TrainingStep) -> None:
            nonlocal last_message, held_out
            done = step.step + 1
            held_out = held_out if math.isnan(step.held_out) else step.held_out
            bar.set_postfix(loss=f"{step.total:.4g}", refresh=False)
            bar.update(done - bar.n)
            for lease in task.leases:
                lease.tell(
                    step=done,
                    steps=steps,
                    total=step.total,
                    seconds=round(step.seconds, 1),
                    share=round(done / steps, 4),
                )
            if time.monotonic() - last_message >= _SECONDS_BETWEEN_MESSAGES or done == steps:
                last_message = time.monotonic()
                task.set_progress_percentage(round(100 * done / steps))
                on_held_out = "" if math.isnan(held_out) else f", {held_out:.4g} on held-out photographs"
                task.set_status_message(
                    f"step {done} of {steps}, loss {step.total:.4g}{on_held_out}, {step.seconds:.0f} s, "
                    f"about {step.seconds * (steps / done - 1):.0f} s left"
                )

        yield report


def of_the_first(report: Callable[[Iterate], None]) -> Callable[[Iterate], None]:
    """From the iterates of several runs that go on together, pass on those of the one that is ahead.

    At each size they all begin before any has gone a step.
    """
    furthest = -1

    def pass_on(iterate: Iterate) -> None:
        nonlocal furthest
        begins_anew = iterate.iteration == 0 and furthest > 0
        if iterate.iteration > furthest or begins_anew:
            furthest = iterate.iteration
            report(iterate)

    return pass_on


def _pixels(run: Recipe) -> int:
    """What the time of a run goes with: its pixels in all iterations."""
    return run.iterations * run.size**2


def _title(task: luigi.Task) -> str:
    return f"{task.content} × {task.style}, {task.backbone}"
