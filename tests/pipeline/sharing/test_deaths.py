"""Work that kills every process that makes it is given up; what was merely killed now and then is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nstcore.failures import KILLED, OUT_OF_MEMORY
from pipeline.sharing import deaths
from pipeline.sharing.deaths import Deaths, deaths_over, first_words, handed_on
from pipeline.sharing.heart import heart
from pipeline.sharing.leases import Held, read, take
from pipeline.sharing.processes import memory_kills


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "lease.json"


@pytest.fixture
def killed_for_memory(monkeypatch) -> list[int]:
    """How many processes the system of this machine has killed, to be changed by a test."""
    kills = [7]
    monkeypatch.setattr(deaths, "memory_kills", lambda: kills[-1])
    return kills


def hold(path: Path, run: str = "run") -> Held:
    """Take the lease as tasks do."""
    return take(path, first_words(run), handed_on(run))


def die_over(path: Path, run: str = "run", share: float | None = None, **changes: Any) -> Held:
    """Take the lease, get so far, and leave it behind as a process does that is killed."""
    held = hold(path, run)
    if share is not None:
        held.tell(share=share)
        held.beat()
    heart.remove(held)
    gone = {"process_started": 1, **changes}  # this number, but of a process before
    path.write_text(json.dumps({**json.loads(path.read_text()), **gone}))
    return held


def test_nobody_has_died_over_what_was_not_begun_or_ended_well(path):
    hold(path).release()
    held = hold(path)
    assert deaths_over(held) == Deaths("run")
    assert deaths_over(held).line() == ""
    held.release()
    assert deaths_over(None).line() == ""


def test_what_was_killed_as_often_as_its_nature_allows_is_given_up(path, killed_for_memory):
    for number in range(KILLED.tries):
        held = die_over(path)
        assert (deaths_over(held).count, deaths_over(held).line()) == (number, "")
    held = hold(path)
    line = deaths_over(held).line()
    assert line.startswith(f"{KILLED.tries} processes that made it were killed, which the system does when memory runs")
    assert "choose a smaller size" in line
    held.release()
    assert deaths_over(hold(path)).count == 0


def test_it_is_given_up_sooner_where_the_system_says_that_it_was_for_memory(path, killed_for_memory):
    for number in range(OUT_OF_MEMORY.tries):
        held = die_over(path)
        assert (deaths_over(held).of_memory, deaths_over(held).line()) == (number, "")
        killed_for_memory.append(killed_for_memory[-1] + 1)
    line = deaths_over(hold(path)).line()
    assert line.startswith(
        f"the system has killed {OUT_OF_MEMORY.tries} processes that made it, because memory ran out"
    )


def test_of_another_machine_nobody_knows_what_its_system_has_killed(path, killed_for_memory):
    die_over(path, machine="another boot", host="there", beats=3)
    killed_for_memory.append(8)
    lease = read(path)
    assert lease is not None
    assert Deaths("run").and_of(lease) == Deaths("run", count=1)


def test_one_that_gets_further_each_time_is_never_given_up(path, killed_for_memory):
    for number in range(2 * KILLED.tries):
        held = die_over(path, share=number / 100)
        assert deaths_over(held).line() == ""
        killed_for_memory.append(killed_for_memory[-1] + 1)
    for number in range(OUT_OF_MEMORY.tries - 1):  # the last of those was one
        assert deaths_over(die_over(path, share=0.1)).of_memory == 1 + number
        killed_for_memory.append(killed_for_memory[-1] + 1)
    assert "because memory ran out" in deaths_over(hold(path)).line()


def test_the_next_run_begins_to_count_anew(path):
    for _ in range(KILLED.tries):
        die_over(path, "the run before")
    assert deaths_over(hold(path)) == Deaths("run")


def test_one_that_waited_for_its_turn_has_killed_nobody(path, killed_for_memory):
    die_over(path)
    die_over(path, at_work=False)
    assert deaths_over(die_over(path)).count == 1
    assert deaths_over(hold(path)).count == 2


@pytest.mark.parametrize("told", [None, 3, "x", {}, {"run": "run"}, {"run": "run", "count": "x"}, {"count": 10**400}])
def test_a_lease_that_says_nothing_of_it_that_can_be_read_counts_as_the_first(path, told):
    held = die_over(path, deaths=told)
    assert deaths_over(held) == Deaths("run")
    assert deaths_over(hold(path)).count <= 1


def test_the_system_tells_how_many_it_has_killed():
    kills = memory_kills()
    assert kills is None or kills >= 0
