"""What killed processes left is swept when a run begins: old temporary files, and nothing else; once a day."""

from __future__ import annotations

import os
import tempfile
import time

import pytest

from pipeline.upkeep.sweeping import sweep

DAY = 86400


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An output folder, a cache and a folder for temporary files, each with something half written."""
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    files = {
        "old": ["out/cells/a/b/.1.part.png", "out/targets/style/c/.2.part.npz", "cache/weights/.3.part.npz"],
        "fetch": ["tmp/nstcore-old/weights.npz"],
        "young": ["out/cells/a/b/.4.part.png", "cache/weights/.5.part.npz"],
        "whole": ["out/cells/a/b/result.png", "cache/weights/vgg16.npz", "tmp/other/weights.npz"],
    }
    for kind, names in files.items():
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            if kind != "young":
                os.utime(path, (time.time() - 2 * DAY,) * 2)
    for name in ("nstcore-old", "other"):
        os.utime(tmp_path / "tmp" / name, (time.time() - 2 * DAY,) * 2)
    (tmp_path / "tmp" / "nstcore-young").mkdir()
    return tmp_path, files


def test_what_is_old_and_half_written_goes(places):
    root, files = places
    assert sweep(root / "out") == 4
    assert not [name for name in (*files["old"], *files["fetch"]) if (root / name).exists()]
    assert all((root / name).exists() for name in (*files["young"], *files["whole"]))
    assert (root / "tmp" / "nstcore-young").is_dir()


def test_outputs_are_walked_through_once_a_day(places):
    root, files = places
    sweep(root / "out")
    old = root / files["old"][0]
    old.write_text("x")
    os.utime(old, (time.time() - 2 * DAY,) * 2)
    assert sweep(root / "out") == 0
    (marker,) = (root / "cache" / "swept").iterdir()
    os.utime(marker, (time.time() - 2 * DAY,) * 2)
    assert sweep(root / "out") == 1


def test_a_folder_that_is_not_there_or_takes_nothing_is_left_alone(places, monkeypatch):
    root, _ = places
    sweep(root / "nowhere")
    assert not (root / "nowhere").exists()

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("pipeline.upkeep.sweeping.storage_time", refuse)
    sweep(root / "out")
