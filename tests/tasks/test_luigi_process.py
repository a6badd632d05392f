"""`luigi` as people start it: in an empty folder, as another user, with files of their own, and interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from luigi import interface
from luigi.configuration import LuigiConfigParser

from nstcore.pictures.images import write_picture
from tasks.defaults import bring_defaults

ROOT = Path(__file__).parents[2]


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that any user may enter, with the packages as pip installs them, and a grid that cannot be made."""
    folder = Path(tempfile.mkdtemp())
    for package in ("nstcore", "pipeline", "tasks"):
        shutil.copytree(ROOT / package, folder / "site" / package)  # with what Python has compiled, as pip leaves it
    for kind in ("content", "style"):
        (folder / "inputs" / kind).mkdir(parents=True)
        (folder / "inputs" / kind / "words.png").write_text("not a picture")
    (folder / "tmp").mkdir()
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o777 if each.is_dir() else 0o644)
    yield folder
    shutil.rmtree(folder)


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start `luigi` in a folder, with the packages that lie there."""
    own = {"PYTHONPATH": str(folder / "site"), "TMPDIR": str(folder / "tmp"), "NSTCORE_CACHE": str(folder / "cache")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LUIGI")}
    return subprocess.Popen(
        [sys.executable, "-m", "luigi", "--module", *words],
        cwd=folder,
        env={**kept, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where tests run in the background, a shell has switched the signal off for them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


GRID = ("tasks", "FullGrid", "--weights", "random", "--backbones", "vgg16")


def test_a_grid_whose_cells_fail_says_so_in_any_folder_unless_a_file_says_otherwise(elsewhere):
    first = start(elsewhere, *GRID)
    assert "localhost:8082" not in first.communicate(timeout=300)[1]
    assert first.returncode == 30
    (elsewhere / "own.cfg").write_text("[retcode]\ntask_failed = 77\n")
    own = start(elsewhere, *GRID, LUIGI_CONFIG_PATH="own.cfg")
    own.communicate(timeout=300)
    assert own.returncode == 77


def test_every_user_has_locks_of_their_own(monkeypatch):
    folders = set()
    for user in (1, 2):
        monkeypatch.setattr(os, "getuid", lambda user=user: user)
        monkeypatch.setattr(LuigiConfigParser, "_instance", LuigiConfigParser())
        bring_defaults()
        folders.add(interface.core().lock_pid_dir)
    assert len(folders) == 2


def test_whoever_names_a_scheduler_gets_no_local_one(monkeypatch):
    for name in ("scheduler_host", "default_scheduler_url", "default-scheduler-port"):
        config = LuigiConfigParser()
        config.set("core", name, "8082")
        monkeypatch.setattr(LuigiConfigParser, "_instance", config)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Luigi's, of names with dashes
            bring_defaults()
        assert not config.has_option("core", "local_scheduler")
    monkeypatch.setattr(LuigiConfigParser, "_instance", LuigiConfigParser())
    bring_defaults()
    assert interface.core().local_scheduler


#: Tasks that take long, and begin as imports of large packages do: they keep the interrupt to themselves.
LONG = r"""
import os, sys, time
import luigi
import tasks

class Long(luigi.Task):
    number = luigi.IntParameter()
    deaf = luigi.BoolParameter()

    def complete(self):
        return False

    def run(self):
        os.write(1, f"ready {os.getpid()}\n".encode())  # at once: two workers write
        try:
            time.sleep(60)
        except BaseException:
            if not self.deaf:
                raise
        time.sleep(60)

class All(luigi.Task):
    deaf = luigi.BoolParameter()

    def complete(self):
        return False

    def requires(self):
        return [Long(number=number, deaf=self.deaf) for number in range(2)]
"""


@pytest.mark.parametrize(
    ("number", "workers", "deaf"),
    [
        (signal.SIGINT, 1, False),
        (signal.SIGINT, 1, True),
        (signal.SIGINT, 2, False),
        (signal.SIGINT, 2, True),
        (signal.SIGTERM, 1, True),
        (signal.SIGTERM, 2, True),
        (signal.SIGKILL, 2, True),
    ],
)
def test_a_signal_ends_a_run_and_its_workers_with_one_line(elsewhere, number, workers, deaf):
    (elsewhere / "site" / "long.py").write_text(textwrap.dedent(LONG))
    words = ("long", "All", f"--workers={workers}", "--log-level=WARNING", *(["--deaf"] if deaf else []))
    process = start(elsewhere, *words)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(workers)]
    pids = [int(line.split()[1]) for line in lines]
    time.sleep(0.5)  # until the last worker is known to the process that forked it
    begun = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    while workers > 1 and any(is_running(pid) for pid in pids):
        assert time.monotonic() - begun < 3, "a worker goes on"
        time.sleep(0.05)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - begun < 30
    if number == signal.SIGKILL:
        return
    assert process.returncode == 128 + number, errors
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert errors == f"luigi: {word}; the same command goes on from there\n"
    assert not any(is_running(pid) for pid in pids)


def is_running(pid: int) -> bool:
    """Whether a process is there, and not merely waiting for someone to take note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_interrupted_grid_says_how_many_cells_are_made(elsewhere, blotches, monkeypatch):
    from tasks import FullGrid, border

    for seed, name in enumerate(("content/a", "content/b", "style/c")):
        write_picture(elsewhere / "inputs" / f"{name}.png", blotches(seed, 40, 50))
    for kind in ("content", "style"):
        (elsewhere / "inputs" / kind / "words.png").unlink()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("NSTCORE_CACHE", str(elsewhere / "cache"))
    monkeypatch.setattr(border, "_asked", [FullGrid(weights="random", backbones="vgg16", size=32)])
    assert border._how_far() == "0 of 2 cells are made; "


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--worker-timeout", "x"), "--worker-timeout"),
        (("--execution-summary-summary-length", "x"), "--execution-summary-summary-length"),
        (("--logging-conf-file", "/nowhere/at/all"), "--logging-conf-file must be a file that exists"),
        (("--settings", '{"backbone": "vgg16"}'), "settings must be without backbone, which --backbones names"),
    ],
)
def test_values_of_luigis_own_settings_are_checked_too(elsewhere, words, said):
    process = start(elsewhere, "tasks", "FullGrid", *words)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (2, 1), err
    assert said in err
    assert not (elsewhere / "outputs").exists()
