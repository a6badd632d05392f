"""The state of a scheduler is on disk, and one that comes back goes on with it."""

from __future__ import annotations

import os
import time

import pytest
from luigi.scheduler import PENDING, RUNNING

from tasks.workers import scheduler as module
from tasks.workers.command import _address
from tasks.workers.scheduler import KeptScheduler, main


def test_it_goes_on_where_one_was_killed(tmp_path, monkeypatch):
    state = tmp_path / "state.pickle"
    first = KeptScheduler(state)
    first.add_task(worker="w", task_id="t", status=PENDING)
    first.dump_if_due()
    assert os.listdir(tmp_path) == ["state.pickle"]
    hour = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: hour)
    second = KeptScheduler(state)
    second.load()
    second.prune()  # nobody could be heard of meanwhile
    assert second.get_work(worker="w")["task_id"] == "t"


def test_a_task_that_is_asked_for_anew_takes_the_settings_that_it_is_asked_for_with(tmp_path):
    kept = KeptScheduler(tmp_path / "state.pickle")
    kept.add_task(worker="w", task_id="t", params={"keep_state": "False"})
    kept.add_task(worker="w", task_id="t", params={"keep_state": "True"})
    assert kept.get_work(worker="w")["task_params"] == {"keep_state": "True"}
    kept.add_task(worker="w", task_id="t", params={"keep_state": "False"})  # while it is being made
    (running,) = kept.task_list(status=RUNNING, upstream_status="").values()
    assert running["params"] == {"keep_state": "True"}


def test_a_state_that_has_not_changed_is_not_written(tmp_path):
    state = tmp_path / "state.pickle"
    kept = KeptScheduler(state)
    kept.dump()
    state.unlink()
    kept.dump()
    assert not state.exists()
    kept.add_task(worker="w", task_id="t", status=PENDING)
    kept.dump()
    assert state.exists()


def test_a_large_state_is_written_less_often(tmp_path, monkeypatch):
    kept = KeptScheduler(tmp_path / "state.pickle")
    took = []
    monkeypatch.setattr(kept, "dump", lambda: (took.append(1), time.sleep(0.02)))
    for _ in range(5):
        kept.dump_if_due()
    assert len(took) == 1


def test_a_state_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    kept = KeptScheduler(tmp_path / "missing" / "state.pickle")
    kept.dump()
    assert "the state is not kept" in caplog.text


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "٣"])
def test_a_port_that_cannot_be_is_refused_in_one_line(port, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--port", port])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_address_may_leave_out_the_port():
    assert _address("head") == ("head", module.PORT)
    assert _address("head:9000") == ("head", 9000)
