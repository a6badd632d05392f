"""Workers that are killed, a scheduler that is killed, commands that meet in one folder: every grid comes out right.

    python -m benchmarks.drills.workers [kills scheduler failing commands luigid] [--cells 60 --seconds-between-kills 5]

Real processes on this machine, small cells with random weights. Each drill says what it saw in one line; one that does
not hold ends the command with status 1 and leaves its folder to look at.

- kills: four workers on one scheduler, one of them killed (SIGKILL) every few seconds and replaced: the grid completes.
- scheduler: the scheduler is killed in the middle and comes back: the grid completes.
- failing: two commands of one study on one scheduler; a third of its cells fail: the others are made, those that failed
  are told, there is one page, and both commands end with the same status.
- commands: two commands of one grid, each with a scheduler of its own, in one folder.
- luigid: two commands of one grid on a plain `luigid`, with no settings of ours; one of them is killed (SIGKILL) in the
  middle of a cell, and the other one ends well; how long the rest took is told.

In each of them no cell is made by two processes at a time, which `cells.log` shows: a line when a process begins a cell
and when it has made it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.common.ports import free_port

_ROOT = Path(__file__).parents[2]
#: What a drill's processes import beside the tasks: it notes when each begins and ends a cell.
_WITNESS = """
import functools, os, time
import tasks, tasks.transfer

def noted(make):
    @functools.wraps(make)
    def make_and_note(self, members):
        def note(what):
            lines = "".join(f"{time.time():.3f} {os.getpid()} {what} {each.version}\\n" for each in members)
            with open(os.environ["NST_DRILL_LOG"], "a") as file:
                file.write(lines)
        note("begins")
        make(self, members)
        note("ends")
    return make_and_note

tasks.transfer.Transfer.make = noted(tasks.transfer.Transfer.make)
"""


@dataclass
class Place:
    """Where a drill takes place: pictures, and a folder for what its processes make and say."""

    folder: Path
    cells: int
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def make(cls, cells: int) -> Place:
        place = cls(Path(tempfile.mkdtemp(prefix="nst-drill-")), cells)
        random_pixels = np.random.default_rng(0)
        for kind, count in (("content", -(-cells // 6)), ("style", 6)):
            (place.folder / kind).mkdir()
            for number in range(count):
                pixels = random_pixels.integers(0, 256, (5, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).resize((60, 50)).save(place.folder / kind / f"{kind[0]}{number}.png")
        # Python imports it at the start of every process that finds it.
        (place.folder / "site").mkdir()
        (place.folder / "site" / "sitecustomize.py").write_text(_SITE)
        (place.folder / "site" / "witness.py").write_text(_WITNESS)
        return place

    def environment(self, *, witness: bool = True) -> dict[str, str]:
        """That of the drill's processes."""
        paths = [str(self.folder / "site"), str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "NST_DRILL_LOG": str(self.folder / "cells.log"),
            "NST_DRILL_WITNESS": "1" if witness else "",
        }

    def start(self, name: str, *words: str, witness: bool = True) -> subprocess.Popen[bytes]:
        """Start a Python program; what it says goes into a file."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=self.folder,
                env=self.environment(witness=witness),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what goes on, with all that it has started: those end with it."""
        for process in self.started:
            process.kill()
            process.wait()

    def grid(self, iterations: int = 20) -> list[str]:
        return [
            *("FullGrid", "--content-dir", "content", "--style-dir", "style", "--backbones", "vgg16"),
            *("--weights", "random", "--size", "48", "--iterations", str(iterations)),
        ]

    def made(self) -> int:
        return len(list((self.folder / "outputs" / "cells").rglob("manifest.json")))

    def makers(self) -> set[int]:
        """The processes that have made cells."""
        return {int(line.split()[1]) for line in (self.folder / "cells.log").read_text().splitlines()}

    def twice_at_a_time(self) -> list[str]:
        """The cells that a process began while another that was alive was at them."""
        at_work: dict[str, tuple[int, float]] = {}
        found = []
        for line in (self.folder / "cells.log").read_text().splitlines():
            when, pid, what, cell = line.split()
            if what == "ends":
                at_work.pop(cell, None)
                continue
            if cell in at_work and at_work[cell][0] != int(pid) and at_work[cell][0] not in self.killed(float(when)):
                found.append(cell)
            at_work[cell] = (int(pid), float(when))
        return found

    def at_work(self, pid: int) -> bool:
        """Whether a process is making a cell."""
        log = self.folder / "cells.log"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        mine = [what for _, who, what, _ in lines if int(who) == pid]
        return bool(mine) and mine[-1] == "begins"

    def killed(self, before: float) -> set[int]:
        """The processes that were killed before a time."""
        log = self.folder / "killed.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return {int(pid) for when, pid in (line.split() for line in lines) if float(when) <= before}

    def note_dead(self, *pids: int) -> None:
        """Processes that end before they have made what they are at."""
        with open(self.folder / "killed.log", "a") as log:
            log.writelines(f"{time.time():.3f} {pid}\n" for pid in pids)

    def kill(self, pid: int) -> None:
        self.note_dead(pid)
        os.kill(pid, signal.SIGKILL)

    def left_behind(self) -> list[str]:
        """Files of processes that are gone, which nobody has swept."""
        outputs = self.folder / "outputs"
        found = [*outputs.rglob("*lease.json"), *outputs.rglob("*.claim"), *outputs.rglob("runs/*.json")]
        return [str(path.relative_to(outputs)) for path in found]


_SITE = """
import os, sys
if os.environ.get("NST_DRILL_WITNESS") and any("tasks" in word or "luigi" in word for word in sys.orig_argv):
    import witness
"""


class Broken(Exception):
    """A drill did not hold."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


def kills(place: Place, options: argparse.Namespace) -> str:
    """Four workers, one killed every few seconds."""
    port = free_port()
    began = time.monotonic()
    command = place.start(
        *("command", "-m", "tasks.workers.command", "--processes", "4", "--scheduler", f"127.0.0.1:{port}"),
        *("--", *place.grid()),
    )
    chance, killed = random.Random(0), 0
    while command.poll() is None:
        time.sleep(options.seconds_between_kills)
        serving = _children(command.pid, "tasks.workers.serve")
        if serving and command.poll() is None:
            place.kill(chance.choice(serving))
            killed += 1
        require(time.monotonic() - began < options.limit, f"not done after {options.limit} s")
    status = command.wait()
    require(status == 0, f"ended with status {status}")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return f"{place.cells} cells, {killed} kills, {time.monotonic() - began:.0f} s"


def scheduler(place: Place, options: argparse.Namespace) -> str:
    """The scheduler is killed in the middle."""
    port = free_port()
    began = time.monotonic()
    command = place.start(
        *("command", "-m", "tasks.workers.command", "--processes", "2", "--scheduler", f"127.0.0.1:{port}"),
        *("--", *place.grid()),
    )
    killed = 0
    while command.poll() is None:
        time.sleep(0.5)
        due = killed < 2 and place.made() >= place.cells * (killed + 1) // 3
        if due and (found := _children(command.pid, "tasks.workers.scheduler")):
            place.kill(found[0])
            killed += 1
            if killed == 2:  # the second time it comes back without a memory
                shutil.rmtree(place.folder / "state", ignore_errors=True)
        require(time.monotonic() - began < options.limit, f"not done after {options.limit} s")
    status = command.wait()
    require(status == 0 and killed == 2, f"ended with status {status} after {killed} kills")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return f"{place.cells} cells, killed with its state kept and with it lost, {time.monotonic() - began:.0f} s"


def failing(place: Place, options: argparse.Namespace) -> str:
    """Two commands on one scheduler; 4 of 12 cells fail."""
    (place.folder / "study.toml").write_text(
        'content_dir = "content"\nstyle_dir = "style"\ncontents = ["c0", "c1"]\nstyles = ["s0", "s1"]\n'
        'backbones = ["vgg16"]\n[settings]\nsize = 48\niterations = 20\nweights = "random"\n'
        "[sweep]\nstyle_weight = [5, 40, 1e300]\n"
    )
    port = str(free_port())
    serving = place.start("scheduler", "-m", "tasks.workers.scheduler", "--port", port)
    try:
        words = ("-m", "luigi", "--module", "tasks", "Sweep", "--config", "study.toml", "--scheduler-port", port)
        wait_for(int(port))
        commands = [place.start(name, *words) for name in ("first", "second")]
        statuses = [command.wait(timeout=options.limit) for command in commands]
    finally:
        serving.kill()
        serving.wait()
    told = [(place.folder / f"{name}.log").read_text().count("ERROR: FailedCell") for name in ("first", "second")]
    pages = list((place.folder / "outputs" / "reports").glob("*/index.html"))
    require(statuses == [30, 30], f"ended with {statuses}")
    require(told == [4, 4] and place.made() == 8, f"{place.made()} cells made, {told} told")
    require(len(pages) == 1, f"{len(pages)} pages")
    for name in ("first", "second"):
        require("nfulfilled" not in (place.folder / f"{name}.log").read_text(), "a dependency was unfulfilled")
    return "8 made, 4 told by both, one page, both ended with 30"


def commands(place: Place, options: argparse.Namespace) -> str:
    """Two commands with schedulers of their own."""
    began = time.monotonic()
    started = [place.start(name, "-m", "luigi", "--module", "tasks", *place.grid()) for name in ("first", "second")]
    statuses = [command.wait(timeout=options.limit) for command in started]
    require(statuses == [0, 0], f"ended with {statuses}")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return f"{place.cells} cells by {len(place.makers())} processes, {time.monotonic() - began:.0f} s"


def luigid(place: Place, options: argparse.Namespace) -> str:
    """Two commands on Luigi's own scheduler as it comes; one is killed."""
    port = str(free_port())
    program = "import sys; from luigi.cmdline import luigid; luigid(sys.argv[1:])"
    # It neither reads nor writes what another `luigid` of this machine keeps.
    words = ("-c", program, "--address", "127.0.0.1", "--port", port, "--state-path", str(place.folder / "none"))
    serving = place.start("luigid", *words, witness=False)
    try:
        wait_for(int(port))
        words = ("-m", "luigi", "--module", "tasks", *place.grid(), "--scheduler-port", port)
        first, second = (place.start(name, *words) for name in ("first", "second"))
        while not (2 <= place.made() < place.cells - 2 and place.at_work(first.pid) and place.at_work(second.pid)):
            require(first.poll() is None and second.poll() is None, "one ended before both were at work at a time")
            time.sleep(0.05)
        killed, made = time.monotonic(), place.made()
        place.kill(first.pid)
        first.wait()
        while place.made() < place.cells - 1 and second.poll() is None:
            time.sleep(0.2)
        last = time.monotonic() - killed
        status = second.wait(timeout=options.limit)
    finally:
        serving.kill()
        serving.wait()
    require(status == 0, f"the other one ended with status {status}")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return (
        f"{made} of {place.cells} cells were made when one of two was killed; the other made all the rest but the "
        f"killed one's in {last:.0f} s, and was done after {time.monotonic() - killed:.0f} s"
    )


DRILLS: dict[str, Callable[[Place, argparse.Namespace], str]] = {
    drill.__name__: drill for drill in (kills, scheduler, failing, commands, luigid)
}


def main() -> int:
    options = _options()
    broken = 0
    for name in options.drills or DRILLS:
        place = Place.make(12 if name == "failing" else options.cells)
        try:
            seen = DRILLS[name](place, options)
            require(not place.twice_at_a_time(), f"made twice at a time: {place.twice_at_a_time()}")
            require(not place.left_behind(), f"left behind: {place.left_behind()}")
        except (Broken, subprocess.TimeoutExpired) as error:
            broken += 1
            place.end()
            print(f"{name}: DOES NOT HOLD: {error}; see {place.folder}", flush=True)
        else:
            shutil.rmtree(place.folder)
            print(f"{name}: holds: {seen}", flush=True)
    return 1 if broken else 0


def _children(pid: int, module: str) -> list[int]:
    """The processes that a process has started and that run a module."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parent = (each / "stat").read_text().rpartition(")")[2].split()[1]
                words = (each / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if int(parent) == pid and module in words:
                found.append(int(each.name))
    return found


def wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise Broken("the scheduler does not answer")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drills", nargs="*", choices=[[], *DRILLS], help="which; default: all")
    parser.add_argument("--cells", type=int, default=60, help="a multiple of 6")
    parser.add_argument("--seconds-between-kills", type=float, default=5.0)
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds after which a drill has failed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
