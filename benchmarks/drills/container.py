"""The container file of the examples, followed line by line without a container runtime, and the result in a grid.

    python -m benchmarks.drills.container [--root DIR]

As root, with Debian's `debootstrap`. A bare Debian whose Python has the version of the base image takes that image's
place, in a folder (`chroot`). It gets what `.dockerignore` lets through, the `RUN` lines are run in it, and its command
is started with the `ENV` of the file. It joins the scheduler of a small grid outside, makes every cell of it, and ends
as `STOPSIGNAL` asks. Not seen so: the base image itself, a runtime's networks and limits, GPUs. `--root` keeps the
folder, and goes on from what is in it.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from benchmarks.common.ports import free_port
from benchmarks.common.report import Report, add_results_option
from benchmarks.drills.place import Broken, Place, require, wait_for

_ROOT = Path(__file__).parents[2]
_FILE = _ROOT / "examples/many-machines/Containerfile"
#: What the machine outside knows of registries and certificates.
_OF_THE_MACHINE = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
_CELLS = 6


def main() -> int:
    options = _options()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("container: needs root, and debootstrap (Debian: apt-get install debootstrap)", file=sys.stderr)
        return 2
    report = Report("container", "The container file of the examples, without a container runtime", options.results)
    with tempfile.TemporaryDirectory(prefix="nst-container-") as temporary:
        try:
            seen = _drill(_Image(Path(options.root or temporary), _instructions()))
        except Broken as error:
            print(f"container: DOES NOT HOLD: {error}", flush=True)
            return 1
    report.say(seen)
    report.write()
    return 0


class _Image:
    """A folder with a system, which takes the place of the image that the file describes."""

    def __init__(self, root: Path, instructions: list[tuple[str, str]]) -> None:
        self.root, self._instructions = root, instructions
        self._environment = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}

    def build(self) -> None:
        """Do what the file says."""
        self._base(dict(self._instructions)["FROM"])
        for word, text in self._instructions:
            if word == "COPY":
                require(text == ". /src", f"COPY {text}: the drill knows COPY . /src alone")
                shutil.rmtree(self.root / "src", ignore_errors=True)
                self._copy()
            elif word == "ENV":
                self._environment |= dict(each.split("=", 1) for each in shlex.split(text))
            elif word == "ARG":
                self._environment |= dict([text.split("=", 1)])
            elif word == "WORKDIR":
                (self.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif word == "RUN":
                require(self.run("sh", "-c", text).wait() == 0, f"RUN {text}")
                print(f"RUN: {text}", flush=True)

    def _base(self, name: str) -> None:
        version = re.search(r"python:(\d+\.\d+)", name)
        require(version is not None, f"FROM {name}: no image of Python")
        asked = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
        least = tuple(map(int, asked.removeprefix(">=").split(".")))
        require(tuple(map(int, version[1].split("."))) >= least, f"FROM {name}: pyproject asks for {asked}")  # type: ignore[index]
        if not (self.root / "usr/bin/python3").exists():
            packages = "--include=python3,python3-venv,ca-certificates"
            words = ["debootstrap", "--variant=minbase", packages, "bookworm", str(self.root)]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        if not (self.root / "usr/local/bin/pip").exists():  # where the image of Python has it
            require(self.run("python3", "-m", "venv", "/usr/local").wait() == 0, "python3 -m venv /usr/local")
        told = subprocess.run(
            ["chroot", str(self.root), "/usr/local/bin/python3", "--version"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        require(told.startswith(f"Python {version[1]}."), f"{told} stands in for {name}")  # type: ignore[index]
        print(f"FROM {name}: {told} of Debian stands in for it; pyproject asks for {asked}", flush=True)

    def _copy(self) -> None:
        """What `.dockerignore` lets through, as a fresh clone has it."""
        lines = (_ROOT / ".dockerignore").read_text().splitlines()
        words = ["git", "ls-files", *(line[1:] for line in lines if line.startswith("!"))]
        listed = subprocess.run(words, cwd=_ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
        for name in listed:
            (self.root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_ROOT / name, self.root / "src" / name)
        print(f"COPY: {len(listed)} files", flush=True)

    def command(self) -> list[str]:
        """The words of CMD."""
        return re.findall(r'"([^"]*)"', dict(self._instructions)["CMD"])

    def run(self, *words: str, work: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a program in it, a folder outside at its /work; what is mounted goes with the process."""
        for name in filter(os.path.exists, _OF_THE_MACHINE):
            (self.root / name[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, self.root / name[1:])
        mounts = [f"mount --bind {name} {shlex.quote(f'{self.root}{name}')}" for name in ("/proc", "/dev")]
        at = "/"
        if work is not None:
            mounts.append(f"mount --bind {shlex.quote(str(work))} {shlex.quote(f'{self.root}/work')}")
            at = "/work"
        inside = f"cd {at} && exec {shlex.join(words)}"
        program = " && ".join([*mounts, f"exec chroot {shlex.quote(str(self.root))} sh -c {shlex.quote(inside)}"])
        pip = {name: value for name, value in os.environ.items() if name in ("PIP_CERT", "PIP_INDEX_URL")}
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", program],
            env={**self._environment, **pip},
            stdin=subprocess.DEVNULL,
        )


def _drill(image: _Image) -> str:
    """Build the image and have workers in it make a grid; what was seen, in a line."""
    image.build()
    place = Place.make(_CELLS)
    port = free_port()
    head = place.start("scheduler", "-m", "tasks.workers.scheduler", "--port", str(port))
    workers = None
    try:
        wait_for(port)
        workers = image.run(*image.command(), "--scheduler", f"127.0.0.1:{port}", work=place.folder)
        # Who asks for the grid makes nothing of it.
        words = ("-m", "luigi", "--module", "tasks", *place.grid(), "--workers", "0", "--scheduler-port", str(port))
        asked = place.start("grid", *words)
        status = asked.wait(timeout=200)
        require(status == 0, f"the grid ended with {status}; see {place.folder}")
        require(place.made() == _CELLS, f"{place.made()} of {_CELLS} cells are made; see {place.folder}")
        began = time.monotonic()
        workers.send_signal(signal.SIGTERM)
        ended, seconds = workers.wait(timeout=30), time.monotonic() - began
        require(ended == 143 and seconds < 4, f"ended with {ended} after {seconds:.1f} s")
    finally:
        for process in filter(None, (workers, head)):
            process.kill()
            process.wait()
    require(not place.left_behind(), f"left behind: {place.left_behind()}")
    shutil.rmtree(place.folder)
    return f"Holds: {_CELLS} cells made inside; SIGTERM ended it with 143 after {seconds:.1f} s."


def _instructions() -> list[tuple[str, str]]:
    lines = (line.partition(" ") for line in _FILE.read_text().splitlines() if line and not line.startswith("#"))
    return [(word, text.strip()) for word, _, text in lines]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="DIR", help="the folder; default: one that is removed")
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
