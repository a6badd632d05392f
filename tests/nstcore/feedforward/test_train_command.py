"""The command `nst train`: what it writes and says, that it goes on, and that bad input is one line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nstcore.feedforward import course
from nstcore.feedforward.held_out import HeldOut
from nstcore.feedforward.network_file import load_network
from nstcore.feedforward.step import Trainer
from nstcore.feedforward.train_command import left, parser, train_command
from nstcore.feedforward.training_trace import TrainingTrace
from nstcore.pictures.images import read_picture, write_picture
from nstcore.system.entry_point import run_command

LAYERS = json.dumps({"content_layers": ["block1_conv2"], "style_layers": ["block1_conv1", "block2_conv1"]})
FAST = (
    *("--backbone", "vgg16", "--weights", "random", "--settings", LAYERS, "--precision", "float32", "--quiet"),
    *("--pixels", "64", "--crop", "32", "--width", "4", "--blocks", "0", "--steps", "4", "--held-out-every", "2"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blotches: Callable[..., np.ndarray]) -> Path:
    monkeypatch.chdir(tmp_path)
    write_picture("style.png", blotches(1, 64, 64))
    Path("photographs").mkdir()
    for number in range(3):
        write_picture(f"photographs/{number}.png", blotches(number, 64, 80))
    return tmp_path


def run(*words: str) -> int:
    options = parser().parse_args(["style.png", "-o", "style.keras", "--photographs", "photographs", *FAST, *words])
    return run_command(train_command, options, "nst train", lambda: left(options))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"photographs"}


def test_a_network_its_trace_and_pictures_on_the_way(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--trace", "curve.csv", "--snapshots", "2") == 0
    assert names(folder) == {"style.png", "style.keras", "curve.csv", "style-00002.png", "style-00004.png"}
    trace = TrainingTrace.from_csv(Path("curve.csv").read_text().splitlines())
    assert [step.step for step in trace] == [1, 2, 3, 4]
    assert [step.step for step in trace.held_out] == [2, 4]
    network = load_network("style.keras")
    assert network.provenance["style"] == ["style.png"]
    assert network.provenance["steps"] == 4
    assert network.provenance["held-out loss"] == trace[-1].held_out
    assert str(folder) not in json.dumps(dict(network.provenance))
    assert read_picture("style-00004.png").shape == (51, 64, 3)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("style.keras: all 4 steps, ")
    assert "2 photographs, 1 held out; weights: random" in line


def test_what_is_finished_is_not_trained_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    before = Path("style.keras").read_bytes()
    capsys.readouterr()
    assert run() == 0
    assert capsys.readouterr().out == "style.keras: has been trained like this already, 4 steps; nothing done\n"
    assert Path("style.keras").read_bytes() == before
    picture = read_picture("style.png").copy()
    picture[0, 0] ^= 1  # another style, if only by a bit
    write_picture("style.png", picture)
    assert run() == 0
    assert "all 4 steps" in capsys.readouterr().out
    assert Path("style.keras").read_bytes() != before


@pytest.mark.parametrize(
    "place", [(Trainer, "step"), (HeldOut, "loss"), (course.Watch, "tell")], ids=lambda place: place[1]
)
def test_an_interrupted_one_says_how_to_go_on_and_goes_on(
    place: tuple[type, str], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of step 3, of the look after step 4, or when step 4 is told: what was whole before is kept."""
    run("-o", "whole.keras")
    whole = {"step": 2, "loss": 3, "tell": 3}[place[1]]
    calls, usual, stops = [], getattr(*place), [{"step": 3, "loss": 2, "tell": 4}[place[1]]]

    def interrupt(*arguments: object) -> object:
        calls.append(arguments)
        if [len(calls)] == stops:
            stops.clear()
            raise KeyboardInterrupt
        return usual(*arguments)

    monkeypatch.setattr(*place, interrupt)
    assert run() == 130
    assert capsys.readouterr().err.splitlines() == [
        f"nst train: interrupted; {whole} steps are kept; the same command goes on from style.keras.state"
    ]
    assert names(folder) == {"style.png", "whole.keras", "style.keras.state"}
    assert run() == 0
    assert f"taken up after step {whole}" in capsys.readouterr().out
    assert names(folder) == {"style.png", "whole.keras", "style.keras"}
    assert load_network("style.keras").sha256 == load_network("whole.keras").sha256


def test_one_that_is_interrupted_before_its_first_step_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "step", interrupt)
    assert run() == 130
    assert capsys.readouterr().err == "nst train: interrupted; nothing written\n"
    assert names(folder) == {"style.png"}


SLOWED = """
import sys, time
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow
quiet_tensorflow()
import_keras_quietly()
from nstcore.feedforward.step import Trainer
from pipeline.subcommands import main

step = Trainer.step

def slowed(*arguments):
    time.sleep(0.05)
    return step(*arguments)

Trainer.step = slowed
sys.exit(main(["train", *sys.argv[1:]]))
"""


@pytest.mark.slow
def test_signals_end_a_process_soon_and_cost_no_more_than_a_step(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["style.png", "-o", "style.keras", "--photographs", "photographs", *FAST, "--snapshots", "5"]
    words += ["--steps", "60"]
    kept = 0
    for number, word in ((signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")):
        process = subprocess.Popen(
            [sys.executable, "-c", SLOWED, *words],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        until = time.monotonic() + 120
        while len([*folder.glob("style-*.png")]) < 2:
            assert process.poll() is None, "it ended before it could be interrupted"
            assert time.monotonic() < until
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - begun < 3
        assert process.returncode == 128 + number
        *before, last = errors.splitlines()
        assert before == ([f"taken up after {kept} steps"] if kept else [])
        found = re.fullmatch(
            rf"nst train: {word}; (\d+) steps are kept; the same command goes on from style.keras.state", last
        )
        assert found, last
        assert int(found[1]) >= kept + 5
        kept = int(found[1])
        for picture in folder.glob("style-*.png"):
            picture.unlink()
    assert run("--steps", "60", "-o", "whole.keras") == 0
    assert run("--steps", "60") == 0
    assert f"taken up after step {kept}" in capsys.readouterr().out
    assert load_network("style.keras").sha256 == load_network("whole.keras").sha256


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--photographs", "nowhere"), "nowhere: no such folder; name one that holds photographs"),
        (("-o", "style.png"), "a network is kept in a file that ends in .keras. Received: style.png"),
        (("--size", "huge"), "--size must be one of small, johnson"),
        (("--steps", "0"), "steps and minutes are both 0"),
        (("--preset", "nonesuch"), "unknown preset"),
        (("--upsampling", "cubic"), "upsampling must be one of nearest, transposed"),
        (("--crop", "80"), "crop must be from 32"),
        (("--snapshots", "0"), "--snapshots must be a whole number >= 1"),
        (("--trace", "style.keras"), "style.keras: would be two of the network, the trace and the state"),
        (("--trace", "style.png"), "style.png: would overwrite that picture"),
        (("--state", "photographs/0.png"), "is not the state of a transfer"),
        (("--settings", '{"colour": 1}'), "unknown setting"),
    ],
)
def test_bad_input_is_one_line(
    words: tuple[str, ...], line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (told,) = printed.err.splitlines()
    assert told.startswith("nst train: ")
    assert line in told
    assert names(folder) == {"style.png"}


def test_a_file_that_is_no_network_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("style.keras").write_text("my notes")
    assert run() == 2
    assert "would be overwritten; name another file" in capsys.readouterr().err
    assert Path("style.keras").read_text() == "my notes"


def test_minutes_alone_take_as_many_steps_as_they_allow() -> None:
    from nstcore.feedforward.train_command import _training

    words = ["style.png", "-o", "o.keras", "--photographs", "p", "--minutes", "3"]
    training = _training(parser().parse_args(words))
    assert (training.steps, training.minutes) == (0, 3.0)
    training = _training(parser().parse_args([*words, "--steps", "7"]))
    assert (training.steps, training.minutes) == (7, 3.0)


def test_a_preset_brings_its_network_and_its_training() -> None:
    from nstcore.feedforward.train_command import _config, _network, _training

    words = ["style.png", "-o", "o.keras", "--photographs", "p", "--preset", "johnson2016"]
    options = parser().parse_args(words)
    assert _config(options).backbone == "vgg16"
    assert _network(options).upsampling == "transposed"
    assert (_training(options).steps, _training(options).batch) == (40_000, 4)
    options = parser().parse_args([*words, "--size", "small", "--steps", "9", "--backbone", "vgg19"])
    assert _config(options).backbone == "vgg19"
    assert _network(options).width == 16
    assert _training(options).steps == 9
