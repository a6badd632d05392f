"""A disk of a few MiB fills up in the middle of a grid: every cell has its reason, and with room again it completes."""

from __future__ import annotations

import logging
import subprocess

import luigi
import numpy as np
import pytest

from nstcore.pictures.images import write_picture
from pipeline.sharing import shared_run
from pipeline.upkeep.status import status_of
from tasks import FullGrid, transfer

MIB = 2**20


@pytest.fixture
def disk(tmp_path):
    """A disk of 8 MiB, of which a finished grid takes five."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_fills_up_and_with_room_again_the_grid_completes(disk, tmp_path, run, monkeypatch, caplog):
    random = np.random.default_rng(0)
    for name in ("content/a", "content/b", "content/c", "style/s"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(tmp_path / f"{name}.png", random.integers(0, 256, (64, 64, 3), np.uint8))
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
    places = {f"{name}_dir": str(tmp_path / name) for name in ("content", "style")}
    fast = {"backbones": "vgg16", "size": 64, "iterations": 1, "weights": "random", "settings": settings}
    grid = FullGrid(**{**places, **fast, "output_dir": str(disk)})
    filler, dump = disk / "filler", transfer.Transfer.dump

    def dump_while_another_fills(self, *arguments):
        """The first cell is written; then another program takes what is left but 5 pages."""
        if list(disk.glob("cells/*/*/*/manifest.json")) and not filler.exists():
            fill(filler)
            with filler.open("r+b") as file:
                file.truncate(filler.stat().st_size - 5 * 4096)
        return dump(self, *arguments)

    monkeypatch.setattr(transfer.Transfer, "dump", dump_while_another_fills)
    monkeypatch.chdir(tmp_path)  # where results that lost their place are kept
    caplog.set_level(logging.INFO, "luigi-interface")
    shared_run.leave()
    made = luigi.build([grid], local_scheduler=True, detailed_summary=True, log_level="INFO")
    assert made.status != luigi.LuigiStatusCode.SUCCESS
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
    assert "No space left on device" in caplog.text
    shared_run.leave()
    (study,) = status_of(disk)
    assert (study.done, len(study.failed) + study.waiting) == (1, 2)
    told = [record.getMessage() for record in caplog.records if "make room there" in record.getMessage()]
    for name in ("a", "b", "c"):
        is_done = (disk / "cells" / name).exists() and list((disk / "cells" / name).glob("*/*/manifest.json"))
        assert is_done or [line for line in told if f"/{name}/" in line], (name, told)  # of the cell, or its target
    assert list(tmp_path.glob("nst-kept-*/*/*/*/result.png"))  # what was made is not lost
    filler.unlink()
    monkeypatch.setattr(transfer.Transfer, "dump", dump)
    before = {path: path.stat().st_mtime_ns for path in disk.glob("cells/*/*/*/manifest.json")}
    assert run(grid).status == luigi.LuigiStatusCode.SUCCESS
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list(disk.rglob(".*.part*"))


def fill(path):
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
