"""The loss and the optimiser that the documentation shows, in a grid."""

from __future__ import annotations

import csv
import json

import luigi
import numpy as np

from nstcore.pictures.images import write_picture
from nstcore.result import Trace
from tasks import FullGrid


def test_in_a_grid(documented, tmp_path, content_picture, style_picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, picture in (("content", content_picture), ("style", style_picture)):
        (tmp_path / folder).mkdir()
        write_picture(tmp_path / folder / "one.png", picture)
    settings = json.loads(json.dumps({**documented.SETTINGS, "weights": "random"}))
    grid = FullGrid(
        content_dir="content",
        style_dir="style",
        backbones="vgg16",
        size=64,
        iterations=3,
        settings=settings,
    )
    assert luigi.build([grid], local_scheduler=True, log_level="WARNING")
    (cell,) = tmp_path.glob("outputs/cells/*/*/*")
    with (cell / "trace.csv").open(newline="") as file:
        trace = Trace.from_csv(file)
    last = trace[-1].losses["channel_means"]
    assert json.loads((cell / "manifest.json").read_text())["result"]["losses"] == {"channel_means": last}
    (report,) = tmp_path.glob("outputs/reports/*")
    with (report / "grid.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["channel_means_loss"]) == last
    assert "channel_means loss" in (report / "index.html").read_text()
    kept = [dict(np.load(path)) for path in tmp_path.glob("outputs/targets/**/*.npz")]
    assert all(f"channel_means/{layer}/mean" in arrays for arrays in kept for layer in documented.LAYERS)
    heavier = json.loads(json.dumps(settings))
    heavier["losses"]["channel_means"]["weight"] = 2.0
    assert luigi.build([grid.clone(settings=heavier)], local_scheduler=True, log_level="WARNING")
    assert len(list(tmp_path.glob("outputs/cells/*/*/*"))) == 2
    assert len(list(tmp_path.glob("outputs/targets/**/*.npz"))) == len(kept)  # a weight shapes no target
