"""All processes that work on one output folder at a time are one run, and the next one is another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sharing import shared_run
from pipeline.sharing.shared_run import counts, join, leave, members, run_of

#: Joins the run of a folder, says which it is, and stays until its standard input ends.
CODE = """
import sys
from pipeline.sharing import shared_run
if sys.argv[2] == "serves":
    shared_run.serve_only()
shared_run.join(sys.argv[1])
print(shared_run.run_of(sys.argv[1]), flush=True)
sys.stdin.read()
print(shared_run.run_of(sys.argv[1], as_of_now=True), flush=True)
"""


@pytest.fixture(autouse=True)
def _own_run(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(shared_run, "_SECONDS_BETWEEN_LOOKS", 0.0)
    leave()
    yield
    leave()


def start(output: Path, way: str = "joins") -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(output), way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_who_starts_while_another_is_at_work_joins_its_run_until_nobody_is(tmp_path):
    first, run = start(tmp_path)
    second, same = start(tmp_path)
    assert same == run
    first.communicate()
    join(tmp_path)
    assert run_of(tmp_path) == run  # the one that began it has gone, the second goes on
    assert len(members(tmp_path)) == 2
    second.communicate()
    leave()
    assert not (tmp_path / "runs").exists()
    join(tmp_path)
    assert run_of(tmp_path) != run


def test_the_run_of_one_that_was_killed_is_over(tmp_path):
    process, run = start(tmp_path)
    process.kill()
    process.communicate()
    assert members(tmp_path) == []
    join(tmp_path)
    assert run_of(tmp_path) != run
    assert len(os.listdir(tmp_path / "runs")) == 1  # what the dead left is swept


def test_a_worker_that_only_serves_works_for_the_run_there_is_and_keeps_none_alive(tmp_path):
    worker, own = start(tmp_path, "serves")
    join(tmp_path)
    run = run_of(tmp_path)
    assert own != run
    assert len(members(tmp_path)) == 1
    answer, _ = worker.communicate()
    assert answer.strip() == run


def test_what_failed_counts_in_its_run_and_for_workers_that_nobody_asks_any_more(tmp_path, monkeypatch):
    """Two of those would else try it again in turns, for ever: neither is of the other's run."""
    assert counts(tmp_path, run_of(tmp_path))
    assert not counts(tmp_path, "another")
    monkeypatch.setattr(shared_run, "_only_serves", True)
    assert counts(tmp_path, "another")
    process, run = start(tmp_path)  # somebody asks again
    monkeypatch.setattr(shared_run, "_SECONDS_BETWEEN_LOOKS", 60.0)  # though it was looked just before
    assert not counts(tmp_path, "another")
    assert counts(tmp_path, run)
    process.communicate()
    assert counts(tmp_path, "another")


def test_a_folder_that_takes_nothing_has_a_run_of_its_own(tmp_path):
    place = tmp_path / "file"
    place.write_text("no folder")
    join(place)
    assert run_of(place) == run_of(tmp_path / "another") != ""


def test_to_look_leaves_nothing(tmp_path):
    assert run_of(tmp_path)
    assert members(tmp_path) == []
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"run": 3, "pid": "x"})])
def test_what_is_damaged_there_does_no_harm(tmp_path, text):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "x.json").write_text(text)
    join(tmp_path)
    assert run_of(tmp_path)


def test_who_leaves_takes_along_what_a_killed_one_has_left(tmp_path):
    join(tmp_path)
    killed, _ = start(tmp_path)
    killed.kill()
    killed.communicate()
    assert len(list((tmp_path / "runs").glob("*.json"))) == 2
    leave()
    assert not (tmp_path / "runs").exists()
