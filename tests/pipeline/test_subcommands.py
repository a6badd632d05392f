"""`nst measure`, `nst map`, `nst layers`, and that every other word still means a transfer."""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from nstcore import cli, memory
from nstcore.networks.weights import Provenance
from nstcore.pictures.images import read_picture, write_picture
from pipeline import picture_commands, subcommands
from pipeline.measures import formulas, judges
from pipeline.measures.comparison import QUANTITIES
from pipeline.measures.judges import JudgeFeatures


def run(*arguments):
    """Run the command in this process: (status, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = subcommands.main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's way
            status = stop.code
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch, blotches):
    """A working folder with three pictures in `gallery`, and judges that see colours alone."""
    monkeypatch.chdir(tmp_path)
    Path("gallery").mkdir()
    for seed, name in enumerate(("one.png", "two.jpg", "thrée.png")):
        write_picture(Path("gallery") / name, blotches(seed, 70, 100))

    def features(judge, picture):
        features = picture.reshape(-1, 3).astype(np.float32) / 255
        return JudgeFeatures(features, (features.T @ features / np.float32(len(features)),))

    monkeypatch.setattr(judges, "features_of", features)
    monkeypatch.setattr(judges, "provenance", lambda judge: Provenance(judge.name, "a test", "", "0"))
    monkeypatch.setattr(formulas, "lpips", lambda one, other: 0.5)
    from nstcore.networks import lpips

    monkeypatch.setattr(lpips, "provenance", lambda: Provenance("lpips", "a test", "", "0"))
    return tmp_path


def test_measure_prints_a_line_per_quantity(folder):
    status, out, err = run("measure", "gallery/one.png", "gallery/two.jpg", "--size", 64)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(QUANTITIES)
    for line, quantity in zip(lines, QUANTITIES, strict=True):
        assert line.startswith(quantity.title)
        assert line.endswith(quantity.meaning)


def test_measure_prints_json(folder):
    status, out, _ = run("measure", "gallery/one.png", "gallery/two.jpg", "--size", 64, "--json")
    assert status == 0
    data = json.loads(out)
    assert data["measures"].keys() == {quantity.name for quantity in QUANTITIES}
    assert data["unmeasured"] == {}
    compared = {judge.name for judge in judges.JUDGES.values() if judge.by_grams}
    assert data["judges"].keys() == compared | {"lpips"}


def test_measure_shows_why_a_quantity_is_missing(folder, monkeypatch):
    def gone(one, other):
        raise formulas.WeightsError("no network")

    monkeypatch.setattr(formulas, "lpips", gone)
    status, out, _ = run("measure", "gallery/one.png", "gallery/two.jpg", "--size", 64)
    assert status == 0
    assert any(line.startswith("LPIPS") and line.endswith("–  no network") for line in out.splitlines())


def test_map_writes_a_table_and_two_figures(folder):
    status, out, err = run("map", "gallery", "-o", "gallery/map", "--size", 64)
    assert (status, err) == (0, "")
    assert "gallery/map.csv" in out
    with open("gallery/map.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["picture"] for row in rows} == {"one", "two", "thrée"}
    assert read_picture("gallery/map.png").ndim == 3
    assert Path("gallery/map.svg").read_text(encoding="utf-8").startswith("<?xml")
    before = {path: path.read_bytes() for path in Path("gallery").iterdir()}
    assert run("map", "gallery", "-o", "gallery/map", "--size", 64)[0] == 0
    # Its own figure is no picture of the folder, and the same pictures give the same files.
    assert {path: path.read_bytes() for path in Path("gallery").iterdir()} == before


def test_pictures_that_share_a_name_keep_their_suffix(folder):
    write_picture("gallery/one.jpg", read_picture("gallery/two.jpg"))
    assert run("map", "gallery", "--size", 64)[0] == 0
    with open("map.csv", newline="", encoding="utf-8") as file:
        assert {row["picture"] for row in csv.DictReader(file)} == {"one.png", "one.jpg", "two", "thrée"}


def test_names_that_are_no_utf8_are_written_out(folder):
    odd = os.fsdecode(b"caf\xe9")
    Path("gallery/one.png").rename(f"gallery/{odd}.png")
    os.mkfifo("gallery/pipe.png")
    status, out, err = run("map", "gallery", "-o", f"map-{odd}", "--size", 64)
    assert status == 0
    assert out.encode() == b"3 pictures: map-caf\\xe9.csv, map-caf\\xe9.png, map-caf\\xe9.svg\n"
    assert err == "nst map: gallery: passed over: pipe.png (a pipe)\n"
    with open(f"map-{odd}.csv", newline="", encoding="utf-8") as file:
        assert {row["picture"] for row in csv.DictReader(file)} == {r"caf\xe9", "two", "thrée"}
    status, out, _ = run("measure", f"gallery/{odd}.png", "gallery/two.jpg", "--size", 64, "--json")
    assert status == 0
    assert json.loads(out.encode())["pictures"] == [f"gallery/{odd}.png", "gallery/two.jpg"]
    for words in ((f"no-{odd}.png", "gallery/two.jpg"), ("gallery/two.jpg", f"gallery/{odd}.png", f"--{odd}")):
        status, out, err = run("measure", *words)
        assert (status, out) == (2, "")
        assert b"caf\\xe9" in err.encode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("measure", "gallery/one.png"), "required: B"),
        (("measure", "gallery/one.png", "nope.png"), "nope.png does not exist"),
        (("measure", "gallery", "gallery/one.png"), "gallery is a folder"),
        (("measure", "gallery/one.png", "gallery/two.jpg", "--size", "8"), "--size must be a whole number >= 32.*8"),
        (("measure", "no\nname", "gallery/one.png"), "does not exist"),
        (("map", "nowhere"), "nowhere: no such folder"),
        (("map", "single"), "2 to 200 pictures. Received: 1"),
        (("map", "broken"), "broken.png is an empty file"),
        (("map", "gallery", "-o", "missing/map"), "folder missing does not exist"),
        (("map", "gallery", "--judge", "vgg99"), "vgg99.*vgg19"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, arguments, words):
    for name, content in (("single/one.png", Path("gallery/one.png").read_bytes()), ("broken/broken.png", b"")):
        Path(name).parent.mkdir()
        Path(name).write_bytes(content)
    Path("broken/one.png").write_bytes(Path("gallery/one.png").read_bytes())
    before = sorted(folder.rglob("*"))
    status, out, err = run(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"nst {arguments[0]}: ")
    assert re.search(words, err)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("folder_of_pictures", "output"), [("hidden", "map"), ("x" * 300, "map"), ("gallery", "closed/map")]
)
def test_a_place_that_the_system_refuses_is_known_before_keras(
    folder, public_folder, unprivileged, monkeypatch, folder_of_pictures, output
):
    (public_folder / "gallery").symlink_to(folder / "gallery")
    (public_folder / "hidden").mkdir(mode=0)
    (public_folder / "closed").mkdir(mode=0o555)

    def imported():
        raise AssertionError("Keras is imported")

    monkeypatch.setattr(picture_commands, "import_keras_quietly", imported)
    monkeypatch.chdir(public_folder)
    with unprivileged():
        status, out, err = run("map", folder_of_pictures, "-o", output, "--size", 64)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(r"(hidden|x|closed/map\.csv): cannot be (read|written) \((Permission|File name).*\); ch", err)
    assert "[Errno" not in err


def test_a_map_whose_folder_is_gone_when_it_is_drawn_is_not_lost(folder, monkeypatch):
    Path("there").mkdir()
    monkeypatch.setattr(picture_commands, "import_keras_quietly", Path("there").rmdir)
    status, out, err = run("map", "gallery", "-o", "there/map", "--size", 64)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert {path.name for path in folder.glob("nst-kept-*/*")} == {"map.csv", "map.png", "map.svg"}
    assert err.count("kept instead") == 3


@pytest.mark.parametrize("arguments", [("measure", "gallery/one.png", "gallery/two.jpg"), ("map", "gallery")])
def test_what_does_not_fit_into_memory_is_refused_in_one_line(folder, monkeypatch, arguments):
    monkeypatch.setattr(memory, "free_memory", lambda: 2**20)
    before = sorted(folder.rglob("*"))
    status, out, err = run(*arguments, "--size", 2000)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(r"2000 x 1400 pixels through the judges need about 6.3 GiB of memory, 1 MiB are free", err)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("arguments", [(), ("a.png", "b.png", "-o", "c.png"), ("./measure", "b.png"), ("--version",)])
def test_every_other_word_goes_to_the_engines_command(monkeypatch, arguments):
    received = []
    monkeypatch.setattr(cli, "main", lambda words, epilog: received.append(words) or 7)
    assert run(*arguments)[0] == 7
    assert received == [list(arguments)]


def test_help_tells_of_both_commands():
    status, out, _ = run("--help")
    assert status == 0
    assert "nst measure A B" in out
    assert "nst map FOLDER" in out
    assert "./measure" in out
    for command in ("measure", "map"):
        assert f"usage: nst {command}" in run(command, "--help")[1]


def test_it_is_the_entry_point():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["nst"] == "pipeline.subcommands:main"


@pytest.mark.parametrize("name", subcommands._COMMANDS)
def test_every_command_is_where_the_table_says_and_is_told_of(name):
    module, *found = subcommands._COMMANDS[name]
    assert all(callable(getattr(importlib.import_module(module), each)) for each in found if each)
    status, out, _ = run(name, "--help")
    assert (status, out.startswith(f"usage: nst {name}")) == (0, True)
    assert f"nst {name}" in run("--help")[1]


INTERRUPTED_AT_AN_IMPORT = """
import builtins, os, runpy, signal, sys

name, imported = sys.argv.pop(1), builtins.__import__

def interrupting(wanted, *others, **more):
    if wanted == name and name not in sys.modules:
        os.kill(os.getpid(), signal.SIGINT)
    return imported(wanted, *others, **more)

builtins.__import__ = interrupting
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pipeline.subcommands", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "words", "name"),
    [
        ("numpy", ("a.png", "b.png", "-o", "c.png"), "nst"),
        ("PIL", ("apply", "style.keras", "a.png", "-o", "out"), "nst apply"),
        ("nstcore.system.entry_point", ("train", "a.png", "-o", "a.keras", "--photographs", "b"), "nst train"),
        ("luigi", ("status", "outputs"), "nst status"),
    ],
)
def test_an_interruption_while_it_starts_is_one_line(module, words, name):
    command = [sys.executable, "-c", INTERRUPTED_AT_AN_IMPORT, module, *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == f"{name}: interrupted; nothing written\n"


def test_one_while_the_words_are_read_is_one_line_too_and_the_signal_is_left_as_it_was(monkeypatch, capfd):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(picture_commands, "measure_parser", interrupted)
    assert subcommands.main(["measure", "a", "b"]) == 130
    assert capfd.readouterr() == ("", "nst measure: interrupted; nothing written\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_layers_lists_what_can_be_named_and_needs_no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path))
    status, out, err = run("layers", "vgg19")
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["layer", "kind", "channels", "side", "default"]
    assert rows[1] == ["picture", "InputLayer", "3", "1/1"]
    assert rows[2] == ["block1_conv1", "Conv2D", "64", "1/1", "style"]
    assert ["block4_conv2", "Conv2D", "512", "1/8", "content"] in rows
    assert ["block3_pool", "MaxPooling2D", "256", "1/8"] in rows
    assert len(rows) == 1 + 1 + 21
    assert not list(tmp_path.iterdir())
    status, out, _ = run("layers", "resnet50")
    assert re.search(r"^conv4_block1_1_relu +Activation +256 +1/16 +content, style$", out, re.MULTILINE)


@pytest.mark.parametrize("name", ["alexnet", "", "VGG19"])
def test_layers_of_an_unknown_backbone_are_one_line(name):
    status, out, err = run("layers", name)
    assert (status, out) == (2, "")
    assert re.fullmatch(rf"nst layers: unknown backbone; [^\n]*densenet121[^\n]*backbone='{name}'\n", err)
