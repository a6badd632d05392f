"""Timing: functions and whole processes, always in turns, so that a busy moment of the machine meets all alike."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


def alternately(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every call. All functions are called once before, unmeasured, for what only a first call does."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median of the ratios of neighbours in time, which a slow change of the machine's speed does not move."""
    return statistics.median(first / second for first, second in zip(numerators, denominators, strict=True))


@dataclass(frozen=True)
class FinishedProcess:
    """A process that ended well.

    Attributes:
        seconds: from its start to its end.
        peak_mib: the largest resident size, MiB.
        output: what it wrote to its standard output.
    """

    seconds: float
    peak_mib: float
    output: str


def run_process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> FinishedProcess:
    """Run a command to its end.

    Linux counts the size of the process that starts a child as the child's, so a benchmark that reports peaks must stay
    small: it leaves Keras to its children.

    Args:
        environment: variables to set besides those of this process.

    Raises:
        RuntimeError: if it fails.
    """
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, text=True, env={**os.environ, **(environment or {})})
        peak_mib = _wait(child)
        seconds = time.perf_counter() - start
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {child.returncode}:\n{text}")
    return FinishedProcess(seconds, peak_mib, text)


class AnsweringProcess:
    """A process that writes a line of JSON when it is ready, and then one in answer to each line that it is sent.

    Two of them can be asked in turns, so that both meet the same moments of a machine that gets faster and slower. Of
    its peak holds what `run_process` says.

    Attributes:
        first: what its first line said.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start it and wait for its first line.

        Raises:
            RuntimeError: if it ends without one.
        """
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.first = self._answer()

    def ask(self, question: object) -> Any:
        """Its answer to a line.

        Raises:
            RuntimeError: if it ends without one.
        """
        assert self._child.stdin is not None
        print(question, file=self._child.stdin, flush=True)
        return self._answer()

    def end(self) -> float:
        """Send no more and wait for its end; give its largest resident size, MiB.

        Raises:
            RuntimeError: if it fails.
        """
        assert self._child.stdin is not None
        self._child.stdin.close()
        peak_mib = _wait(self._child)
        if self._child.returncode:
            raise RuntimeError(f"{self._child.args!r} ended with status {self._child.returncode}")
        return peak_mib

    def _answer(self) -> Any:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._child.args!r} ended with status {self._child.wait()}")
        return json.loads(line)


def _wait(child: subprocess.Popen[str]) -> float:
    """Wait for its end; give its largest resident size, MiB."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def run_module(
    module: str, arguments: Sequence[object], environment: Mapping[str, str] | None = None
) -> tuple[Any, FinishedProcess]:
    """Run a module of this project in a fresh Python; give the JSON in its last line of output, and the process."""
    command = [sys.executable, "-m", module, *(str(argument) for argument in arguments)]
    process = run_process(command, environment)
    return json.loads(process.output.splitlines()[-1]), process
