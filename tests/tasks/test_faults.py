"""A fault of ours in one step costs the cells that need it: the page of the grid names it; one traceback is told."""

from __future__ import annotations

import logging

import luigi
import pytest

from nstcore.pictures.images import write_picture
from pipeline.sharing.leases import LeaseLost
from tasks import FullGrid, Transfer
from tasks.outcome import SettlingTask
from tasks.targets import ComputeContentTarget


@pytest.fixture
def grid(tmp_path, blotches, blank_figures):
    for seed, name in enumerate(("content/bridge", "content/cat", "style/ink")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(tmp_path / f"{name}.png", blotches(seed, 48, 64))
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
    places = {f"{name}_dir": str(tmp_path / name) for name in ("content", "style")}
    fast = {"backbones": "vgg16", "size": 48, "iterations": 1, "weights": "random", "settings": settings}
    return FullGrid(**places, **fast, output_dir=str(tmp_path / "outputs"))


@pytest.mark.parametrize(
    ("kind", "step", "about"),
    [(ComputeContentTarget, "_compute", lambda task: task.picture), (Transfer, "optimize", lambda task: task.content)],
    ids=["target", "transfer"],
)
def test_the_page_is_made_and_names_it(grid, run, tmp_path, monkeypatch, caplog, kind, step, about):
    does = getattr(kind, step)

    def fail(self, *arguments):
        if about(self) == "cat":
            raise KeyError("no such layer")
        return does(self, *arguments)

    monkeypatch.setattr(kind, step, fail)
    caplog.set_level(logging.INFO, "luigi-interface")
    assert run(grid).status == luigi.LuigiStatusCode.FAILED
    (page,) = (tmp_path / "outputs").glob("reports/*/index.html")
    assert "a fault of the program, whose log has a traceback: KeyError" in page.read_text()
    table = (page.parent / "grid.csv").read_text()
    assert (table.count('"done"'), table.count('"failed"')) == (1, 1)
    told = [record for record in caplog.records if record.exc_info and record.exc_info[0] is KeyError]
    assert len(told) == 1
    assert "cat" in told[0].getMessage()
    monkeypatch.setattr(kind, step, does)
    assert run(grid).status == luigi.LuigiStatusCode.SUCCESS


def test_a_lease_that_was_lost_is_no_failure(tmp_path):
    class Step(SettlingTask):
        def failure(self):
            raise AssertionError("no record of it is written or cleared")

    with pytest.raises(LeaseLost), Step().settled():
        raise LeaseLost("another process makes it")
