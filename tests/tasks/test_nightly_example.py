"""The ready example of a nightly grid: its study can be read, its script says to Luigi what Luigi understands."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from luigi.cmdline_parser import CmdlineParser

from nstcore import BACKBONES
from pipeline.grid.study import read_study
from tasks import NightlyGrid, RangeDailyBase

EXAMPLE = Path(__file__).parents[2] / "examples" / "nightly"

pytestmark = pytest.mark.skipif(not shutil.which("flock"), reason="the script's lock needs util-linux")


@pytest.fixture
def project(tmp_path):
    """A project's folder with the example in it, and a luigi that writes down what it is told."""
    shutil.copytree(EXAMPLE, tmp_path / "examples" / "nightly")
    fake = tmp_path / "bin" / "luigi"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" > told\necho "tasks.outcome.CellFailed: worse: cat"\nexit ${FAKE:-0}\n'
    )
    fake.chmod(0o755)
    return tmp_path


def run(project: Path, *flags: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(project / "examples/nightly/nightly.sh"), *flags]
    environment = {**os.environ, "NST_BIN": str(project / "bin"), "FAKE": str(status)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def logs(project: Path) -> list[Path]:
    return sorted((project / "outputs/nights/logs").glob("*.log"))


def test_the_study_asks_for_what_there_is():
    study = read_study(EXAMPLE / "study.toml")
    assert set(study.backbones) <= set(BACKBONES)
    assert list(study.combinations())


def test_luigi_understands_what_the_script_tells_it(project, monkeypatch):
    monkeypatch.chdir(project)
    for kind in ("content", "style"):
        (project / "inputs" / kind).mkdir(parents=True)
        (project / "inputs" / kind / "one.png").touch()
    finished = run(project, "--NightlyGrid-keep-nights", "30")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    with CmdlineParser.global_instance((project / "told").read_text().splitlines()) as parsed:
        task = parsed.get_task_obj()
        night = NightlyGrid(task.start)
    assert isinstance(task, RangeDailyBase)
    assert task.of is NightlyGrid
    assert task.days_back == 4
    assert (night.config, night.keep_nights) == ("examples/nightly/study.toml", 30)


def test_a_failed_night_is_told_with_its_cells_and_its_status(project):
    finished = run(project, status=30)
    (log,) = logs(project)
    assert finished.returncode == 30
    assert finished.stdout == f"nightly: luigi ended with 30; {log} has all of it\nworse: cat\n"


def test_a_second_run_leaves_the_first_alone(project):
    run(project)
    (project / "told").unlink()
    with (project / "outputs/nights/logs/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(project).returncode == 75
    assert not (project / "told").exists()
    assert run(project).returncode == 0


def test_old_logs_go(project):
    run(project)
    for name in ("2020-01-01.log", "notes.log"):
        old = project / "outputs/nights/logs" / name
        old.touch()
        os.utime(old, (0, 0))
    run(project)
    assert "2020-01-01.log" not in {path.name for path in logs(project)}
    assert "notes.log" in {path.name for path in logs(project)}
