"""Cells that do not fit into memory together are made in halves, and one that does not fit alone fails alone."""

from __future__ import annotations

import json
import logging

import luigi
import pytest

from nstcore import MemoryShortageError
from pipeline.sharing import shared_run
from tasks import Transfer, logs, policy


@pytest.fixture
def drops(monkeypatch):
    """How often what is loaded was dropped; nothing waits."""
    monkeypatch.setattr("nstcore.failures.time.sleep", lambda seconds: None)
    dropped = []
    monkeypatch.setattr(policy, "_drop", lambda nature: dropped.append(nature))
    return dropped


@pytest.mark.parametrize("fits", [1, 2, 3, 8])
@pytest.mark.parametrize("told", [False, True], ids=["raised by the framework", "measured before"])
def test_each_is_made_in_as_large_a_part_as_fits(drops, fits, told):
    sizes = []

    def make(items):
        sizes.append(len(items))
        if len(items) <= fits:
            return [item * 10 for item in items]
        if told:
            return [MemoryShortageError("too large")] * len(items)
        raise MemoryError

    assert policy.within_memory(make, list(range(8))) == [item * 10 for item in range(8)]
    assert max(size for size in sizes if size <= fits) == {1: 1, 2: 2, 3: 2, 8: 8}[fits]


def test_one_that_does_not_fit_alone_is_tried_once_more_and_is_an_error_of_its_own(drops):
    tried = []

    def make(items):
        tried.append(items)
        if "large" in items:
            raise type("ResourceExhaustedError", (Exception,), {})("OOM when allocating tensor")
        return items

    small, large, other, more = policy.within_memory(make, ["small", "large", "other", "more"])
    assert (small, other, more) == ("small", "other", "more")
    assert isinstance(large, MemoryShortageError)
    assert "memory ran out; choose a smaller size" in str(large)
    assert tried.count(["large"]) == 2


def test_a_fault_of_ours_is_not_tried_again(drops):
    tried = []

    def make(items):
        tried.append(items)
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError):
        policy.within_memory(make, [1, 2])
    assert len(tried) == 1


def test_a_cell_that_runs_out_of_memory_costs_itself_and_is_told(two_cells, tmp_path, run, monkeypatch, caplog):
    """With a central scheduler's grid as with this one: page, status, log; and the next run makes it."""
    optimize = Transfer.optimize

    def short(self, *arguments):
        if self.content == "cat":
            raise MemoryError
        return optimize(self, *arguments)

    monkeypatch.setattr("nstcore.failures.time.sleep", lambda seconds: None)
    monkeypatch.setattr(Transfer, "optimize", short)
    caplog.set_level(logging.INFO, "luigi-interface")
    shared_run.leave()
    made = luigi.build([two_cells], local_scheduler=True, detailed_summary=True, log_level="INFO")
    assert made.status == luigi.LuigiStatusCode.FAILED
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if line.startswith("cat × ink, VGG16: failed: memory ran out; ")]
    assert [line for line in lines if line.startswith("bridge × ink, VGG16: done, 2 iterations in ")]
    assert {record.cell for record in caplog.records} >= {"", "cat × ink, VGG16", "bridge × ink, VGG16"}
    assert not [record for record in caplog.records if record.exc_info and record.exc_info[0] is MemoryError]
    (page,) = (tmp_path / "outputs").glob("reports/*/index.html")
    assert "memory ran out" in page.read_text()
    monkeypatch.setattr(Transfer, "optimize", optimize)
    assert run(two_cells).status == luigi.LuigiStatusCode.SUCCESS


def test_lines_of_json_name_the_cell_and_keep_a_traceback():
    logs.name_cells()
    lines = []
    handler = logging.Handler()
    handler.setFormatter(logs.JsonLines())
    handler.emit = lambda record: lines.append(handler.format(record))
    logger = logging.Logger("a test")
    logger.addHandler(handler)
    logs.about("a × b, VGG16")
    try:
        logger.warning("one\n%s", "two")
        raise ValueError("broken")
    except ValueError:
        logs.about("")
        logger.exception("three")
    first, second = map(json.loads, lines)
    assert (first["message"], first["cell"], first["level"]) == ("one\ntwo", "a × b, VGG16", "WARNING")
    assert "cell" not in second
    assert second["traceback"].endswith("ValueError: broken")
    assert not any("\n" in line for line in lines)
