"""What a person sees of a running transfer: Luigi's page, and a bar on a terminal."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator

import luigi
from tqdm import tqdm

from nstcore import Iterate

# Each message is a request to a central scheduler.
_SECONDS_BETWEEN_MESSAGES = 1.0


@contextlib.contextmanager
def progress(task: luigi.Task, iterations: int) -> Iterator[Callable[[Iterate], None]]:
    """Give a callback that reports a task's iterates: as its progress and status, and as a bar on a terminal.

    Bars of forked workers would overwrite each other, so with several workers there are none.
    """
    alone_on_terminal = sys.stderr.isatty() and multiprocessing.parent_process() is None
    last_message = 0.0
    with tqdm(total=iterations, desc=_title(task), unit="it", disable=not alone_on_terminal, leave=False) as bar:

        def report(iterate: Iterate) -> None:
            nonlocal last_message
            bar.set_postfix(loss=f"{iterate.total:.4g}", refresh=False)
            bar.update(iterate.iteration - bar.n)
            if time.monotonic() - last_message >= _SECONDS_BETWEEN_MESSAGES or iterate.iteration == iterations:
                last_message = time.monotonic()
                task.set_progress_percentage(round(100 * iterate.iteration / iterations))
                task.set_status_message(
                    f"iteration {iterate.iteration} of {iterations}, {iterate.evaluations} evaluations, "
                    f"loss {iterate.total:.4g}, {iterate.seconds:.0f} s"
                )

        yield report


def of_the_first(report: Callable[[Iterate], None]) -> Callable[[Iterate], None]:
    """From the iterates of several runs that go on together, pass on those of the one that is ahead."""
    furthest = -1

    def pass_on(iterate: Iterate) -> None:
        nonlocal furthest
        if iterate.iteration > furthest:
            furthest = iterate.iteration
            report(iterate)

    return pass_on


def _title(task: luigi.Task) -> str:
    return f"{task.content} × {task.style}, {task.backbone}"
