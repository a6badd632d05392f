"""The loss and the optimiser that the documentation shows, from Python, from the command and on every backend."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from nstcore import TransferConfig, cli, style_transfer
from nstcore.pictures.images import write_picture
from nstcore.result import Trace


def test_from_python(documented, content_picture, style_picture):
    config = TransferConfig("vgg16", weights="random", size=64, iterations=6, **documented.SETTINGS)
    result = style_transfer(content_picture, style_picture, config)
    first, last = result.trace[0], result.trace[-1]
    assert first.losses["channel_means"] == pytest.approx(1.0, rel=1e-4)  # balanced at the content picture
    assert first.style == pytest.approx(1.0 + 0.5, rel=1e-4)
    assert last.losses["channel_means"] < 0.7
    assert last.total < 0.7 * first.total
    assert len(result.trace) == 7
    again = Trace.from_csv(result.trace.to_csv().splitlines())
    assert again == result.trace
    assert TransferConfig.from_dict(json.loads(json.dumps(result.config.to_dict()))) == result.config


def test_from_the_command(documented, tmp_path, content_picture, style_picture, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_picture("content.png", content_picture)
    write_picture("style.png", style_picture)
    words = ["content.png", "style.png", "-o", "out.png", "--trace", "trace.csv", "--backbone", "vgg16", "--size", "64"]
    words += [
        "--weights",
        "random",
        "--iterations",
        "3",
        "--style-layers",
        ",".join(documented.LAYERS),
        "--optimizer",
        "cg",
    ]
    words += ["--losses", json.dumps(documented.SETTINGS["losses"]), "--optimizer-settings", '{"tolerance": 1e-9}']
    assert cli.main(words) == 0, capsys.readouterr().err
    header, *rows = csv.reader(Path("trace.csv").read_text().splitlines())
    assert header[-2:] == ["total_variation", "channel_means"]
    assert len(rows) == 4
    assert cli.main([*words, "--losses", '{"channel_medians": {}}']) == 2
    assert "channel_means" in capsys.readouterr().err  # it is among those that are expected


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_on_every_backend_and_taken_up_again(ask, backend):
    found = ask("extending", backend)
    assert found["means"][0] == pytest.approx(1.0, rel=1e-4)
    assert (np.diff(found["totals"]) < 0).all()
    assert found["resumed"][0] < found["totals"][3]
    assert found["resumed"][-1] < found["resumed"][0]
