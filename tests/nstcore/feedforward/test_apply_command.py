"""`nst apply` and `nst export`: folders and files, names, what is left out, and what is told."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nstcore.errors import ConfigError, NetworkFileError, OutputError, PictureError
from nstcore.feedforward import application
from nstcore.feedforward import export as export_module
from nstcore.feedforward.export_formats import require_export
from nstcore.feedforward.network import NetworkSettings, build_network
from nstcore.feedforward.network_file import load_network, save_network
from nstcore.feedforward.places import Place, places
from nstcore.pictures.images import read_picture, write_picture
from nstcore.system import quiet
from pipeline.subcommands import main

SETTINGS = NetworkSettings(2, 1, (2,))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "style.keras"
    save_network(path, build_network(SETTINGS, 3), {"style": {"name": "a style"}})
    return path


@pytest.fixture(autouse=True)
def as_in_a_process_that_has_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nstcore.networks.weights.trial.try_out", lambda path: None)
    monkeypatch.setattr(quiet, "start_keras", lambda **_: None)


@pytest.fixture
def pictures(tmp_path: Path, blotches: Callable[[int, int, int], np.ndarray]) -> Path:
    """Three pictures of different size and format, and what is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_picture(folder / "a.png", blotches(1, 20, 31))
    write_picture(folder / "b.jpg", blotches(2, 33, 16))
    Image.fromarray(blotches(3, 18, 18)).save(folder / "c.webp")
    (folder / "notes.txt").write_text("no picture")
    (folder / "a.regions.png").write_bytes(b"no picture of its own")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def test_a_folder_is_rendered_picture_by_picture_with_their_names(network, pictures, tmp_path, capfd):
    assert main(["apply", str(network), str(pictures), "-o", str(tmp_path / "out" / "new")]) == 0
    made = {path.name: read_picture(path).shape[:2] for path in (tmp_path / "out" / "new").iterdir()}
    assert made == {"a.png": (20, 31), "b.jpg": (33, 16), "c.png": (18, 18)}
    assert "3 pictures" in capfd.readouterr().out
    loaded = load_network(network)
    picture = read_picture(pictures / "a.png")
    expected = np.asarray(loaded.model(picture[np.newaxis].astype(np.float32)))[0]
    given = read_picture(tmp_path / "out" / "new" / "a.png")
    assert np.abs(given - np.clip(expected, 0, 255)).max() <= 0.51


def test_one_that_cannot_be_read_costs_itself_alone(network, pictures, tmp_path, capfd):
    (pictures / "broken.png").write_bytes((pictures / "a.png").read_bytes()[:200])
    Image.new("RGB", (2, 40)).save(pictures / "narrow.png")
    words = ["apply", str(network), str(pictures), str(tmp_path / "none.png"), "-o", str(tmp_path / "out")]
    assert main(words) == 1
    told = capfd.readouterr()
    lines = [line for line in told.err.splitlines() if line.startswith("nst apply: ")]
    assert [Path(line.split()[2]).name for line in lines] == ["broken.png", "narrow.png", "none.png"]
    assert "2 x 40" in lines[1]
    assert "3 pictures" in told.out
    assert "3 could not be made" in told.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.jpg", "c.png"]


def test_where_none_could_be_made_nothing_is(network, tmp_path, capfd):
    assert main(["apply", str(network), str(tmp_path / "none.png"), "-o", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert len([line for line in capfd.readouterr().err.splitlines() if "none.png" in line]) == 1


def test_one_picture_may_go_to_a_file(network, pictures, tmp_path):
    output = tmp_path / "one.tif"
    words = ["apply", str(network), str(pictures / "a.png"), "-o", str(output), "--bits", "16", "--size", "40"]
    assert main(words) == 0
    assert read_picture(output).shape == (26, 40, 3)
    import tifffile

    assert tifffile.imread(output).dtype == np.uint16


def test_what_was_compiled_for_many_sizes_is_forgotten_between_pictures(network, pictures, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(application, "forget_many_sizes", lambda: asked.append(len([*tmp_path.glob("out/*")])))
    assert main(["apply", str(network), str(pictures), "-o", str(tmp_path / "out")]) == 0
    assert asked == [0, 1, 2]


def test_options_reach_the_picture(network, pictures, tmp_path):
    given = {}
    for name, options in {
        "plain": [],
        "banded": ["--bands", "8"],
        "none": ["--strength", "0"],
        "colors": ["--keep-colors"],
    }.items():
        output = tmp_path / f"{name}.png"
        assert main(["apply", str(network), str(pictures / "a.png"), "-o", str(output), *options]) == 0
        given[name] = read_picture(output).astype(int)
    assert np.abs(given["banded"] - given["plain"]).max() <= 1
    np.testing.assert_array_equal(given["none"], read_picture(pictures / "a.png"))
    assert np.abs(given["colors"] - given["plain"]).max() > 10


def test_opacity_is_kept(network, pictures, tmp_path, blotches):
    opacity = np.tile(np.arange(0, 240, 8, dtype=np.uint8), (20, 1))
    Image.fromarray(np.dstack([blotches(1, 20, 30), opacity])).save(pictures / "clear.png")
    out = tmp_path / "out"
    assert main(["apply", str(network), str(pictures), "-o", str(out), "--keep-opacity"]) == 0
    with Image.open(out / "clear.png") as made:
        np.testing.assert_array_equal(np.asarray(made)[..., 3], opacity)
    assert (out / "b.png").exists()  # a JPEG holds none, and so its result is none


def test_what_the_file_says_is_told(network, capfd):
    assert main(["apply", str(network), "--about"]) == 0
    about = json.loads(capfd.readouterr().out)
    assert about["network"] == SETTINGS.to_dict()
    assert about["provenance"] == {"style": {"name": "a style"}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "name the pictures"),
        (["{pictures}"], "-o a folder"),
        (["{pictures}", "-o", "{tmp}/x.png"], "several pictures need a folder"),
        (["{pictures}", "-o", "{pictures}"], "would overwrite that picture"),
        (["{pictures}", "{tmp}/a.png", "-o", "{tmp}/out"], "would both be"),
        (["{pictures}", "-o", "{network}/out"], "cannot be a folder"),
        (["{tmp}", "-o", "{tmp}/out"], "no pictures in this folder"),
        (["{pictures}", "-o", "{tmp}/out", "--format", "gif"], "no suffix that can be written"),
        (["{pictures}", "-o", "{tmp}/out", "--format", "jpg", "--bits", "16"], "cannot hold 16 bits"),
        (["{pictures}", "-o", "{tmp}/out", "--bits", "12"], "bits must be 8 or 16"),
        (["{pictures}/a.png", "-o", "{tmp}/x.png", "--format", "png"], "--format is for a folder"),
        (["{pictures}/a.png", "-o", "{tmp}/x.jpg", "--keep-opacity"], "cannot hold opacity"),
        (["{pictures}", "-o", "{tmp}/out", "--size", "0"], "--size"),
        (["{pictures}", "-o", "{tmp}/out", "--strength", "2"], "strength"),
        (["{pictures}", "-o", "{tmp}/out", "--bands", "0"], "bands"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(words, expected, network, pictures, tmp_path, capfd):
    filled = [word.format(pictures=pictures, tmp=tmp_path, network=network) for word in words]
    assert main(["apply", str(network), *filled]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("nst apply: ")
    assert expected in line
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_network_is_one_line(pictures, tmp_path, capfd):
    assert main(["apply", str(pictures / "a.png"), str(pictures), "-o", str(tmp_path / "out")]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "no .keras file" in line
    assert not (tmp_path / "out").exists()


def test_pictures_that_were_made_before_are_made_again(network, pictures, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"older")
    assert main(["apply", str(network), str(pictures), "-o", str(tmp_path / "out")]) == 0
    assert read_picture(tmp_path / "out" / "a.png").shape == (20, 31, 3)


def test_names_that_differ_in_case_alone_are_no_two(tmp_path):
    for name in ("a.png", "A.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(OutputError, match="would both be"):
        places([str(tmp_path / "a.png"), str(tmp_path / "A.png")], str(tmp_path / "out"))
    # One that is named twice is made once.
    twice = places([str(tmp_path / "a.png")] * 2, str(tmp_path / "out"))
    assert twice == [Place(tmp_path / "a.png", tmp_path / "out" / "a.png")]


def test_a_folder_that_may_not_be_read_is_told(public_folder, unprivileged, tmp_path):
    (public_folder / "closed").mkdir()
    (public_folder / "closed").chmod(0)
    with unprivileged(), pytest.raises(PictureError, match="cannot be read"):
        places([str(public_folder / "closed")], str(public_folder / "out"))


def test_a_tensorflow_lite_file_gives_what_the_network_gives(network, tmp_path, capfd):
    output = tmp_path / "style.tflite"
    assert main(["export", str(network), "-o", str(output), "--size", "19x22"]) == 0
    said = capfd.readouterr().out
    assert "19 x 22" in said
    assert "away from the network" in said
    picture = np.random.default_rng(0).uniform(0, 255, (1, 22, 19, 3)).astype(np.float32)
    given = export_module.backend.run_tflite(output.read_bytes(), picture)
    assert given is not None
    np.testing.assert_allclose(given, np.asarray(load_network(network).model(picture)), atol=0.05)


def test_an_onnx_file_takes_any_size(network, tmp_path, capfd):
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed; pip install '.[onnx]'")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install '.[onnx]'")
    output = tmp_path / "style.onnx"
    assert main(["export", str(network), "-o", str(output)]) == 0
    assert "any size" in capfd.readouterr().out
    session = runtime.InferenceSession(output.read_bytes(), providers=["CPUExecutionProvider"])
    for height, width in ((22, 19), (31, 40)):
        picture = np.random.default_rng(0).uniform(0, 255, (1, height, width, 3)).astype(np.float32)
        (given,) = session.run(None, {session.get_inputs()[0].name: picture})
        np.testing.assert_allclose(given, np.asarray(load_network(network).model(picture)), atol=0.05)


def test_a_file_that_gives_something_else_is_not_kept(network, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module.backend, "to_tflite", lambda model, shape: b"a file")
    for given in (lambda pictures: pictures * 0, lambda pictures: pictures * np.nan):
        monkeypatch.setattr(export_module.backend, "run_tflite", lambda file, pictures, given=given: given(pictures))
        with pytest.raises(NetworkFileError, match="of no use"):
            export_module.export(load_network(network), ".tflite", 20, 20)
    monkeypatch.setattr(export_module.backend, "run_tflite", lambda file, pictures: None)
    assert export_module.export(load_network(network), ".tflite", 20, 20).difference is None


def test_what_cannot_be_exported_is_told_before_keras_is_imported(monkeypatch):
    with pytest.raises(ConfigError, match="one size"):
        require_export(".tflite", None, None, SETTINGS)
    require_export(".tflite", None, None, NetworkSettings(upsampling="transposed"))
    with pytest.raises(ConfigError, match="height"):
        require_export(".tflite", 2, 20, SETTINGS)
    with pytest.raises(ConfigError, match="one of"):
        require_export(".bin", None, None, SETTINGS)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="tf2onnx; pip install"):
        require_export(".onnx", None, None, SETTINGS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-o", "{tmp}/x.bin"], "must be one of .tflite, .onnx"),
        (["-o", "{tmp}/x.tflite"], "one size"),
        (["-o", "{tmp}/none/x.tflite", "--size", "20x20"], "does not exist"),
    ],
)
def test_a_bad_export_is_one_line(words, expected, network, tmp_path, capfd):
    assert main(["export", str(network), *(word.format(tmp=tmp_path) for word in words)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert expected in line
    assert list(tmp_path.iterdir()) == []
