"""The Slurm job array of the examples on a Slurm of one machine, made for the drill.

    python -m benchmarks.drills.slurm [--jobs 2 --cells 24]

As root, with Debian's `slurmctld`, `slurmd` and `slurm-client`. Controller and node work in a folder of their own, on
free ports, and without `munge`, so a Slurm that is there already is left alone. `grid.sbatch` is submitted as it is:
the first job asks for a small grid, the others join it. Every cell is to be made once, by all jobs together, and every
job to end well. Then a grid is cancelled in the middle (`scancel`), and the same array, submitted again, finishes it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common.ports import free_port
from benchmarks.common.report import Report, add_results_option
from benchmarks.drills.place import Broken, Place, leave_when_terminated, require

_SCRIPT = Path(__file__).parents[2] / "examples/many-machines/grid.sbatch"
_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "scancel", "scontrol")
_CONFIGURATION = """
ClusterName=drill
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=5
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/node.pid
NodeName={host} NodeAddr=127.0.0.1 CPUs={jobs} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def main() -> int:
    options = _options()
    leave_when_terminated()
    absent = [program for program in _PROGRAMS if shutil.which(program) is None]
    if os.geteuid() != 0 or absent:
        told = f"lacks {', '.join(absent)} (Debian: slurmctld, slurmd, slurm-client)" if absent else "needs root"
        print(f"slurm: {told}", file=sys.stderr)
        return 2
    report = Report("slurm", "The Slurm job array of the examples, on a Slurm of one machine", options.results)
    place = Place.make(options.cells)
    cluster = _Cluster(place, options.jobs)
    try:
        seen = _joined(cluster, options), _cancelled(cluster, options)
        require(not place.twice_at_a_time(), f"made twice at a time: {place.twice_at_a_time()}")
    except (Broken, subprocess.SubprocessError) as error:
        print(f"slurm: DOES NOT HOLD: {error}; see {place.folder}", flush=True)
        return 1
    finally:
        cluster.end()
    shutil.rmtree(place.folder)
    for line in seen:
        report.say(f"- holds: {line}")
    report.write()
    return 0


class _Cluster:
    """A controller and one node, on this machine."""

    def __init__(self, place: Place, jobs: int) -> None:
        self.place, self.jobs = place, jobs
        for name in ("controller", "node"):
            (place.folder / name).mkdir()
        file = place.folder / "slurm.conf"
        host = os.uname().nodename.partition(".")[0]
        file.write_text(
            _CONFIGURATION.format(host=host, ports=(free_port(), free_port()), folder=place.folder, jobs=jobs)
        )
        # The commands of the examples are those of this Python.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._environment = {**place.environment(), "SLURM_CONF": str(file), "PATH": path}
        self._daemons = [self._start(name, "-D") for name in ("slurmctld", "slurmd")]
        self._wait_for(lambda: "State=IDLE" in self.told("scontrol", "show", "node"), "the node is not up", 30)

    def submit(self, *grid: str) -> str:
        """Submit the script for a grid; its number."""
        words = ("sbatch", f"--array=0-{self.jobs - 1}", "--cpus-per-task=1", str(_SCRIPT), *grid)
        number = re.search(r"job (\d+)", self.told(*words))
        require(number is not None, "sbatch gave no number")
        return number[1]  # type: ignore[index]

    def finish(self, job: str, limit: float) -> list[str]:
        """Wait for all jobs of an array; how each ended."""

        def states() -> list[str]:
            return re.findall(r"JobState=(\w+)", self.told("scontrol", "show", "job", job))

        ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}
        self._wait_for(lambda: set(states()) <= ended, f"job {job} is not done", limit)
        return states()

    def told(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=self.place.folder, env=self._environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout

    def end(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
            daemon.wait(timeout=30)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with open(self.place.folder / f"{words[0]}.log", "wb") as log:
            return subprocess.Popen(
                words, cwd=self.place.folder, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    @staticmethod
    def _wait_for(holds: Callable[[], bool], otherwise: str, limit: float) -> None:
        until = time.monotonic() + limit
        while not holds():
            require(time.monotonic() < until, f"{otherwise} after {limit:.0f} s")
            time.sleep(0.5)


def _joined(cluster: _Cluster, options: argparse.Namespace) -> str:
    """A grid from beginning to end."""
    began = time.monotonic()
    states = cluster.finish(cluster.submit(*cluster.place.grid()), options.limit)
    require(set(states) == {"COMPLETED"}, f"the jobs ended as {states}")
    require(cluster.place.made() == options.cells, f"{cluster.place.made()} of {options.cells} cells are made")
    makers = cluster.place.makers()
    require(len(makers) == cluster.jobs, f"{len(makers)} of {cluster.jobs} jobs made cells")
    return f"{options.cells} cells by {len(makers)} jobs, {time.monotonic() - began:.0f} s"


def _cancelled(cluster: _Cluster, options: argparse.Namespace) -> str:
    """Another grid, cancelled in the middle and submitted again."""
    place, wanted = cluster.place, 2 * options.cells
    grid = place.grid(iterations=25)
    job = cluster.submit(*grid)
    until = time.monotonic() + options.limit
    while place.made() < options.cells + 3:
        require(time.monotonic() < until, f"no cells after {options.limit} s")
        time.sleep(0.1)
    cluster.told("scancel", job)
    cluster.finish(job, 30)
    place.note_dead(*place.makers())
    made = place.made() - options.cells
    require(made < options.cells, "the grid was done before it was cancelled; give it more cells")
    states = cluster.finish(cluster.submit(*grid), options.limit)
    require(set(states) == {"COMPLETED"}, f"the jobs ended as {states} after one that was cancelled")
    require(place.made() == wanted, f"{place.made() - options.cells} of {options.cells} cells are made")
    return f"cancelled after {made} of {options.cells} cells; the same array made the rest"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="of the array; each has one worker")
    parser.add_argument("--cells", type=int, default=24, help="of the grid; a multiple of 6")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that a grid may take")
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
