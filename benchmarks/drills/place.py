"""Where a drill takes place: pictures, processes that note what they make, and a scheduler for them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.common.ports import free_port

ROOT = Path(__file__).parents[2]
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
        paths = [str(self.folder / "site"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "NST_DRILL_LOG": str(self.folder / "cells.log"),
            "NST_DRILL_WITNESS": "1" if witness else "",
        }

    def start(
        self, name: str, *words: str, witness: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a Python program; what it says goes into a file."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=self.folder,
                env={**self.environment(witness=witness), **(variables or {})},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.started.append(process)
        return process

    def run(self, name: str, *words: str, variables: Mapping[str, str] | None = None) -> None:
        """Run a Python program to its end.

        Raises:
            Broken: it did not end with 0; with what it said.
        """
        status = self.start(name, *words, witness=False, variables=variables).wait(timeout=300)
        require(status == 0, f"{name} ended with {status}: {(self.folder / f'{name}.log').read_text()[-2000:]}")

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


def leave_when_terminated() -> None:
    """Let SIGTERM end a drill by way of every `finally`, where it ends what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


@contextlib.contextmanager
def serving(place: Place, *, plain: bool, settings: Path | None = ROOT / "luigi.cfg") -> Iterator[int]:
    """A scheduler, at a port: ours, or Luigi's own with a file of settings, or none."""
    port = free_port()
    if plain:
        program = "import sys; from luigi.cmdline import luigid; luigid(sys.argv[1:])"
        # It neither reads nor writes what another `luigid` of this machine keeps.
        kept = ("--state-path", str(place.folder / "none"))
        words = ("-c", program, "--address", "127.0.0.1", "--port", str(port), *kept)
        settings_at = {"LUIGI_CONFIG_PATH": os.fspath(settings)} if settings else {}
        process = place.start("luigid", *words, witness=False, variables=settings_at)
    else:
        process = place.start("scheduler", "-m", "tasks.workers.scheduler", "--port", str(port))
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def children(pid: int, module: str) -> list[int]:
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
