"""Which device and how many threads each worker of a machine gets."""

from __future__ import annotations

import os

import pytest

from nstcore import ConfigError
from tasks.workers import machine
from tasks.workers.machine import devices, environment


@pytest.fixture
def gpus(monkeypatch):
    """Say which GPUs this machine has."""

    def say(*names: str) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(names))

    return say


def test_there_is_a_worker_for_each_gpu_unless_fewer_are_asked_for(gpus):
    gpus("0", "2")
    assert devices(None, None) == ["0", "2"]
    assert devices(1, None) == ["0"]


def test_without_gpus_there_are_as_many_as_are_asked_for(gpus):
    gpus()
    assert devices(None, None) == [None]
    assert devices(3, None) == [None] * 3
    gpus("-1")
    assert devices(2, None) == [None] * 2


@pytest.mark.parametrize(
    ("cores", "workers", "told"),
    [(2, [None] * 2, "--processes 1 "), (16, [None] * 8, "--processes 4 "), (16, [None] * 4, ""), (2, [None], "")],
)
def test_more_workers_than_cores_keep_busy_are_told_of(monkeypatch, cores, workers, told):
    monkeypatch.setattr(machine, "_cores", lambda: cores)
    line = machine.advice(workers)
    assert told in line
    assert bool(line) == bool(told)
    assert not machine.advice(["0"] * len(workers))  # GPUs are not shared cores


def test_no_gpu_is_shared_unless_it_is_said(gpus):
    gpus("0")
    with pytest.raises(ConfigError, match="--gpus 0,0"):
        devices(2, None)
    assert devices(None, "0,0") == ["0", "0"]


@pytest.mark.parametrize(("processes", "named"), [(3, "0,1"), (1, "0,1"), (None, "0,,1"), (None, "")])
def test_what_does_not_fit_is_refused(gpus, processes, named):
    with pytest.raises(ConfigError):
        devices(processes, named)


def test_each_sees_its_own_gpu_alone_and_shares_the_cores(monkeypatch):
    monkeypatch.setattr(machine, "_cores", lambda: 8)
    for name in machine._THREADS:
        monkeypatch.delenv(name, raising=False)
    own = environment("1", ["0", "1"])
    assert own["CUDA_VISIBLE_DEVICES"] == "1"
    assert {own[name] for name in machine._THREADS} == {"4"}
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in own
    shared = environment("0", ["0", "0", "1"])
    assert shared["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert float(shared["XLA_PYTHON_CLIENT_MEM_FRACTION"]) * 2 < 1
    assert environment(None, [None]) == {}  # one alone is as without this command
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert environment(None, [None] * 4)["OMP_NUM_THREADS"] == "3"


def test_cores_are_those_that_this_process_may_use():
    assert 1 <= machine._cores() <= (os.cpu_count() or 1)
