"""A fault of ours in one step costs the cells that need it: the page of the grid names it; one traceback is told."""

from __future__ import annotations

import logging

import luigi
import pytest

from pipeline.sharing.leases import LeaseLost
from tasks import Transfer
from tasks.outcome import SettlingTask
from tasks.targets import ComputeContentTarget


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize(
    ("kind", "step", "about"),
    [(ComputeContentTarget, "_compute", lambda task: task.picture), (Transfer, "optimize", lambda task: task.content)],
    ids=["target", "transfer"],
)
def test_the_page_is_made_and_names_it(two_cells, run, tmp_path, monkeypatch, caplog, kind, step, about):
    does = getattr(kind, step)

    def fail(self, *arguments):
        if about(self) == "cat":
            raise KeyError("no such layer")
        return does(self, *arguments)

    monkeypatch.setattr(kind, step, fail)
    caplog.set_level(logging.INFO, "luigi-interface")
    assert run(two_cells).status == luigi.LuigiStatusCode.FAILED
    (page,) = (tmp_path / "outputs").glob("reports/*/index.html")
    assert "a fault of the program, whose log has a traceback: KeyError" in page.read_text()
    table = (page.parent / "grid.csv").read_text()
    assert (table.count('"done"'), table.count('"failed"')) == (1, 1)
    told = [record for record in caplog.records if record.exc_info and record.exc_info[0] is KeyError]
    assert len(told) == 1
    assert "cat" in told[0].getMessage()
    monkeypatch.setattr(kind, step, does)
    assert run(two_cells).status == luigi.LuigiStatusCode.SUCCESS


def test_a_lease_that_was_lost_is_no_failure(tmp_path):
    class Step(SettlingTask):
        def failure(self):
            raise AssertionError("no record of it is written or cleared")

    with pytest.raises(LeaseLost), Step().settled():
        raise LeaseLost("another process makes it")
