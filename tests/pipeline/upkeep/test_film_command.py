"""`nst film`: the snapshots of a cell as a film."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from nstcore import TransferConfig
from nstcore.networks.weights import Provenance
from nstcore.result import Iterate, Trace, TransferResult
from pipeline import subcommands
from pipeline.outputs.cell_store import CellStore
from pipeline.outputs.strips import StripRecorder
from pipeline.storage.sealed import sealed


@pytest.fixture
def cell(tmp_path, monkeypatch) -> Path:
    """Four frames, each brighter than the last."""
    monkeypatch.chdir(tmp_path)
    recorder = StripRecorder(48, 64, {})
    take = recorder.snapshots().take
    for iteration in range(3):
        take(64, iteration, np.full((48, 64, 3), 50 * iteration, np.uint8))
    trace = Trace(tuple(Iterate(each, each, 0.0, 9.0 - each, 1.0, 1.0, 0.0) for each in range(4)))
    weights = Provenance("vgg19", "a test", "", "0")
    image = np.full((48, 64, 3), 150, np.uint8)
    result = TransferResult(image, trace, TransferConfig(size=64), weights, message="", seconds=0.0)
    folder = tmp_path / "cells/cat/ink/vgg19-0123"
    CellStore(folder).dump(result, {"digest": "0123"}, recorder.finished(result))
    return folder


def refused(capsys, *words: object) -> str:
    assert subcommands.main(["film", *map(str, words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_a_film_shows_the_frames_in_order(cell, capsys, suffix):
    if suffix == ".mp4":
        pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed; pip install '.[film]'")
    film = Path(f"film{suffix}")
    assert subcommands.main(["film", str(cell), "-o", str(film)]) == 0
    assert capsys.readouterr().out == f"{film}: 4 frames\n"
    if suffix == ".mp4":
        assert film.read_bytes()[4:8] == b"ftyp"  # an MP4
        return
    with Image.open(film) as file:
        shown = np.stack([np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(file)])
    assert shown.shape[1:3] == (48, 64)
    means = [frame.mean() for frame in shown[:4]]
    assert np.abs(np.subtract(means, [0, 50, 100, 150])).max() < 6


def test_what_cannot_be_is_told_in_one_line(cell, capsys):
    assert "no suffix of a film" in refused(capsys, cell, "-o", "film.png")
    assert "would overwrite a file of the cell" in refused(capsys, cell, "-o", cell / "strip.webp")
    assert "no cell of a grid is there" in refused(capsys, cell.parent, "-o", "film.gif")
    assert "the folder none does not exist" in refused(capsys, cell, "-o", "none/film.gif")
    strip = (cell / "strip.webp").read_bytes()
    (cell / "strip.webp").write_bytes(strip + b"x")
    assert f"strip.webp: has {len(strip) + 1} of {len(strip)} bytes" in refused(capsys, cell, "-o", "film.gif")
    (cell / "strip.webp").write_bytes(strip)
    data = json.loads((cell / "manifest.json").read_bytes())
    (cell / "manifest.json").write_bytes(sealed({name: value for name, value in data.items() if name != "strip"}))
    assert "make its grid with --snapshots" in refused(capsys, cell, "-o", "film.gif")
    (cell / "manifest.json").write_bytes((cell / "manifest.json").read_bytes().replace(b"0123", b"0124"))
    assert "was changed since it was written" in refused(capsys, cell, "-o", "film.gif")
    assert not list(Path().glob("film.*"))
