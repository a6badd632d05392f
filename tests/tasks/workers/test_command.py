"""`nst-workers` with real processes, whose tasks need no network, and so take no time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from nstcore import ConfigError
from tasks.workers.command import main

ROOT = Path(__file__).parents[3]
#: Tasks that note which process did them. The first kills it, once.
LIGHT = """
import os, signal, time
from pathlib import Path
import luigi
import tasks
from tasks.parameters import output_dir

class Light(luigi.Task):
    number = luigi.IntParameter()
    retry_count = 5

    def output(self):
        return luigi.LocalTarget(f"made/{self.number}")

    def run(self):
        killed = Path("killed")
        if self.number == 0 and not killed.exists():
            killed.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.1)
        with self.output().open("w") as file:
            file.write(f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES')}")

class Lights(luigi.WrapperTask):
    def requires(self):
        return [Light(number=number) for number in range(12)]

class Slow(luigi.Task):
    number = luigi.IntParameter()

    def output(self):
        return luigi.LocalTarget(f"slow/{self.number}")

    def run(self):
        time.sleep(1)
        with self.output().open("w"):
            pass

class Slows(luigi.WrapperTask):
    def requires(self):
        return [Slow(number=number) for number in range(60)]

class Fails(luigi.Task):
    def run(self):
        raise RuntimeError("a fault of ours")

class Writes(luigi.Task):
    output_dir = output_dir()

    def output(self):
        return luigi.LocalTarget(f"{self.output_dir}/written")

    def run(self):
        with self.output().open("w"):
            pass
"""


@pytest.fixture
def command(tmp_path, free_port):
    """Start `nst-workers` in a folder of its own."""
    (tmp_path / "light.py").write_text(textwrap.dedent(LIGHT))
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    started = []

    def start(*words: str) -> subprocess.Popen[str]:
        own = ["-m", "tasks.workers.command", "--module", "light", "--scheduler", f"127.0.0.1:{free_port}"]
        process = subprocess.Popen(
            [sys.executable, *own, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": paths, "XDG_STATE_HOME": str(tmp_path / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=60)


def of_the_session(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                if os.readlink(each / "cwd") == str(folder) and (each / "cmdline").read_bytes():
                    found.append(each.name)
            except OSError:
                continue
    return found


@pytest.mark.slow
def test_one_that_is_killed_is_replaced_and_its_task_done_by_another(command, tmp_path):
    process = command("--gpus", "4,7", "--", "Lights")
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    said = [path.read_text().split() for path in (tmp_path / "made").iterdir()]
    assert len(said) == 12
    assert {gpu for _, gpu in said} <= {"4", "7"}
    assert (tmp_path / "made" / "0").read_text().split()[0] != (tmp_path / "killed").read_text()
    assert "was killed (SIGKILL, as the system does when memory runs out); another takes its place" in errors
    assert of_the_session(tmp_path) == []


@pytest.mark.slow
def test_a_command_does_nothing_of_one_that_was_killed_before(command, tmp_path):
    """In another folder, say, where the pictures of that one are not."""
    first = command("--processes", "1", "--", "Slows")
    slow = tmp_path / "slow"
    while not slow.exists() or len(os.listdir(slow)) < 8:  # by then its scheduler has written what it knows
        assert first.poll() is None
        time.sleep(0.2)
    first.terminate()
    first.communicate(timeout=60)
    made = os.listdir(slow)
    second = command("--processes", "1", "--", "Lights")
    _, errors = second.communicate(timeout=200)
    assert second.returncode == 0, errors
    assert os.listdir(slow) == made


@pytest.fixture
def scheduler(free_port, tmp_path):
    """One that outlives commands."""
    words = [sys.executable, "-m", "tasks.workers.scheduler", "--port", str(free_port), "--state", str(tmp_path / "s")]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    yield
    process.terminate()
    process.wait(60)


@pytest.mark.slow
@pytest.mark.usefixtures("scheduler")
def test_outputs_elsewhere_or_removed_are_made_although_the_scheduler_has_seen_the_same_done(command, tmp_path):
    for folder in ("one", "other", "other"):
        (tmp_path / folder / "written").unlink(missing_ok=True)
        process = command("--processes", "1", "--", "Writes", "--output-dir", folder)
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        assert (tmp_path / folder / "written").exists()


def test_what_fails_ends_with_the_status_of_luigi_and_is_not_tried_again(command, tmp_path):
    process = command("--processes", "1", "--", "Fails")
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 30, errors
    assert errors.count("RuntimeError: a fault of ours") == 1
    assert "RuntimeWarning" not in errors  # as runpy warns of a module that is run and was imported before
    assert of_the_session(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_so_do_all_its_processes(command, tmp_path, number):
    process = command("--processes", "2")
    assert process.stderr is not None
    while "at work for the scheduler" not in process.stderr.readline():
        assert process.poll() is None
    limit = time.monotonic() + 60
    while len(of_the_session(tmp_path)) < 4:  # itself, the scheduler and two workers
        assert time.monotonic() < limit
        time.sleep(0.1)
    process.send_signal(number)
    process.wait(timeout=30)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    limit = time.monotonic() + 30
    while of_the_session(tmp_path):
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.mark.parametrize(
    "words",
    [
        ("--processes", "0"),
        ("--processes", "3", "--gpus", "0,1"),
        ("--scheduler", "host:0"),
        ("--scheduler", ":80"),
        ("--scheduler", "x" * 70),
        ("--scheduler", "a..b:80"),
        ("--scheduler", "[::1:80"),
        ("--", "FullGrid", "--workers", "3"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(words, capsys):
    assert main([*words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_process_that_has_run_it_hears_signals_as_before(monkeypatch):
    def none_found(_):
        raise ConfigError("no scheduler")

    monkeypatch.setattr("tasks.workers.command._Workers._find_scheduler", none_found)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["--processes", "1"]) == 2
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
