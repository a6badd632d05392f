"""Input that nobody meant: files damaged in every way, texts of any kind. Nothing but the named errors comes of it.

Each example is a whole file or command, damaged in a few places. In the suite they are few and always the same;
`python -m benchmarks.drills.fuzz --minutes 30` tries others, as many as there is time for. Files made to ask for too
much (memory, time, other files) are in `test_bombs.py`; here they are damaged too.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import hypothesis
import numpy as np
import pytest
import tifffile
from hypothesis import strategies as st
from luigi import interface
from luigi.retcodes import run_with_retcodes
from PIL import Image, ImageCms

from nstcore.errors import ConfigError, InputError, MemoryShortageError, PictureError, StyleTransferError, WeightsError
from nstcore.mixture import read_mixture
from nstcore.networks.weights import Provenance
from nstcore.networks.weights.arrays import digest
from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.keras_files import opened
from nstcore.networks.weights.trial import try_out
from nstcore.pictures.images import load, read_picture
from nstcore.result import Iterate, Trace
from nstcore.system.npz import read_npz
from pipeline.grid.expansion import Grid
from pipeline.grid.study import read_study
from pipeline.nights.night import Night
from pipeline.subcommands import main
from tasks import FullGrid  # noqa: F401 - its import puts the checks in their places
from tasks.workers.command import main as run_workers
from tasks.workers.scheduler import main as run_scheduler
from tests import bombs_probe

#: How many examples a test of the drill makes in a round; "" in the suite.
EXAMPLES = os.environ.get("NST_FUZZ_EXAMPLES", "")
#: No input of ours takes longer, in seconds of this thread: the machine may be busy.
LIMIT = 10.0
#: Nor does any take more memory, in MiB, beside what the process has already: with that it stays below 2 GiB.
MOST_MEMORY = 1792


def some(examples: int) -> hypothesis.settings:
    """So many examples in the suite, always the same; others in the drill."""
    return hypothesis.settings(
        max_examples=int(EXAMPLES or examples),
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@contextmanager
def refused(*errors: type[Exception]) -> Iterator[None]:
    """Let a block end well or in one of some errors of one line, in time, in little memory, without a warning."""
    start = time.thread_time()
    with in_little_memory():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                yield
        except errors as error:
            line = str(error)
        else:
            line = "none"
    assert line
    assert "\n" not in line
    assert len(line) < 3000
    assert time.thread_time() - start < LIMIT


@contextmanager
def in_little_memory() -> Iterator[None]:
    """See that the memory of this process did not grow by too much, for however short a while, during a block.

    Only Linux lets a process ask anew for its peak (proc(5), clear_refs). The drill looks at the peak of all anyway.
    """
    before = _memory("VmRSS") if _ask_anew_for_the_peak() else None
    yield
    assert before is None or _memory("VmHWM") - before < MOST_MEMORY


def _ask_anew_for_the_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _memory(what: str) -> float:
    """A line of what the system says of this process, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(f"{what}:")[2].split()[0]) / 2**10


@pytest.mark.skipif(not _ask_anew_for_the_peak(), reason="only Linux tells the peak anew")
def test_memory_that_is_taken_for_a_moment_is_noticed(monkeypatch):
    monkeypatch.setitem(globals(), "MOST_MEMORY", 64)
    for taken in (16, 256, 16):  # what was taken once does not count against the next
        with pytest.raises(AssertionError) if taken > 64 else nullcontext(), in_little_memory():
            np.ones(taken * 2**20, np.uint8).sum()


NUMBERS = [0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]


def damage(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file that was cut, changed bit by bit, or in which fields are other ones."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        if not data:
            break
        # Small ones, in the head of a file, as likely as all others.
        at = draw(st.integers(0, min(200, len(data) - 1)) | st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["flip", "number", "cut", "remove", "repeat", "insert", "zero", "swap"])):
            case "flip":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "number":
                size = draw(st.sampled_from([1, 2, 4, 8]))
                number = draw(st.sampled_from(NUMBERS)) % 256**size
                data[at : at + size] = number.to_bytes(size, draw(st.sampled_from(["little", "big"])))
            case "cut":
                del data[at:]
            case "remove":
                del data[at : at + draw(st.integers(1, 64))]
            case "repeat":
                part = bytes(data[at : at + draw(st.integers(1, 256))])
                data[at:at] = part * draw(st.sampled_from([1, 2, 100]))
            case "insert":
                data[at:at] = draw(st.binary(max_size=64))
            case "zero":
                length = draw(st.integers(1, 64))
                data[at : at + length] = bytes(len(data[at : at + length]))
            case "swap":
                other = draw(st.integers(0, len(data) - 1))
                data[at], data[other] = data[other], data[at]
    return bytes(data)


damaged = st.composite(damage)


def saved(mode: str, kind: str, **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").convert(mode).save(file, kind, **options)
    return file.getvalue()


def as_tiff(shape: tuple[int, ...], dtype: str, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.arange(np.prod(shape)).reshape(shape).astype(dtype), **options)
    return file.getvalue()


def rle_bmp() -> bytes:
    pixels = b"".join(b"\x08" + bytes([row]) + b"\0\0" for row in range(8)) + b"\0\1"
    head = b"".join(
        number.to_bytes(size, "little") for number, size in [(40, 4), (8, 4), (8, 4), (1, 2), (8, 2), (1, 4)]
    )
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    start = 14 + 40 + len(palette)
    whole = head + len(pixels).to_bytes(4, "little") + bytes(16) + palette + pixels
    return b"BM" + (14 + len(whole)).to_bytes(4, "little") + bytes(4) + start.to_bytes(4, "little") + whole


def pictures() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[274] = 6
    about: dict[str, Any] = {
        "exif": exif.tobytes(),
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    }
    planes = {"photometric": "rgb", "planarconfig": "separate"}
    found = {
        "png": saved("RGBA", "PNG", **about),
        "palette.png": saved("P", "PNG", transparency=3),
        "few bits.png": saved("L", "PNG", bits=4),
        "jpg": saved("RGB", "JPEG", **about),
        "progressive.jpg": saved("CMYK", "JPEG", progressive=True),
        "gif": saved("P", "GIF", save_all=True, append_images=[Image.new("P", (20, 24), 3)]),
        "webp": saved("RGBA", "WEBP", **about),
        "lossless.webp": saved("RGB", "WEBP", lossless=True),
        "tif": saved("RGB", "TIFF", compression="tiff_lzw", **about),
        "tiles.tif": as_tiff((40, 40, 3), "u1", photometric="rgb", tile=(16, 16), compression="zlib"),
        "planes.tif": as_tiff((3, 20, 30), "u2", **planes, compression="zlib"),
        "big.tif": as_tiff((20, 30), "u2", bigtiff=True),
        "bmp": saved("RGB", "BMP"),
        "rle.bmp": rle_bmp(),
        "ppm": saved("RGB", "PPM"),
        "plain.ppm": b"P3\n# made by hand\n3 2\n255\n" + b" 7 8 9\n" * 6,
    }
    if "AVIF" in Image.SAVE:
        found["avif"] = saved("RGB", "AVIF", **about)
    return found


PICTURES = pictures()


@pytest.mark.parametrize("name", PICTURES)
@some(25)
@hypothesis.given(data=st.data())
def test_a_damaged_picture_is_read_or_refused_in_one_line(name, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / f"fuzzed.{name}"
    path.write_bytes(data.draw(damaged(PICTURES[name]) | st.binary(max_size=40).map(PICTURES[name][:12].__add__)))
    with refused(PictureError, MemoryShortageError):
        picture = read_picture(path)
        assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 3)
    with refused(PictureError, MemoryShortageError):
        assert max(load(path, 16, smallest_side=2, backbone="it").shape) == 16


#: Pictures of `test_bombs.py` that are soon made.
BOMBS = {"flat.webp", "texts.png", "strips.tif", "tile.tif", "comments.ppm", "empty chunks.png"}


@lru_cache(maxsize=2)
def bomb(name: str) -> bytes:
    return bombs_probe.PICTURES[name]()


@pytest.mark.parametrize("name", sorted(BOMBS))
@some(3)
@hypothesis.given(data=st.data())
def test_a_damaged_picture_that_asks_for_too_much_is_read_or_refused(name, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / f"fuzzed.{name}"
    path.write_bytes(damage(data.draw, bomb(name)))  # drawn as a whole, megabytes would be kept of every example
    with refused(PictureError, MemoryShortageError):
        read_picture(path)
    with refused(PictureError, MemoryShortageError):
        load(path, 16, smallest_side=2, backbone="it")


@pytest.mark.parametrize("name", sorted(bombs_probe.WEIGHTS))
@some(3)
@hypothesis.given(data=st.data())
def test_a_damaged_weights_file_that_asks_for_too_much_is_read_or_refused(name, tmp_path_factory, data):
    whole, path = (tmp_path_factory.getbasetemp() / f"{kind}-{name}" for kind in ("whole", "fuzzed"))
    if not whole.exists():
        bombs_probe.WEIGHTS[name](whole)
    path.write_bytes(damage(data.draw, whole.read_bytes()))
    with refused(SourceError):
        try_out(path)
        with opened(path) as stored:
            for layer in stored.layers.values():
                for variable in layer.variables:
                    if variable.shape == (64, 64):  # as above: the network's
                        assert variable.read().shape == variable.shape


def weights_files(folder: Path) -> dict[str, bytes]:
    classic, present, zipped = folder / "a.h5", folder / "b.weights.h5", folder / "c.keras"
    with h5py.File(classic, "w") as file:
        file.attrs["layer_names"] = [b"one", b"two"]
        file.attrs["model_config"] = json.dumps({"config": {"name": "their own"}})
        for name in ("one", "two"):
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group[f"{name}/kernel:0"], group[f"{name}/bias:0"] = np.ones((3, 3, 2, 4), "f4"), np.ones(4, "f2")
    with h5py.File(present, "w") as file:
        for place in ("conv2d", "conv2d_1", "functional/layers/dense"):
            group = file.create_group(f"layers/{place}/vars")
            group.attrs["name"] = place
            group["0"], group["1"] = np.ones((3, 4), "f4"), np.ones(4, "f4")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(present, "model.weights.h5")
        archive.writestr("config.json", json.dumps({"config": {"name": "their own"}}))
    return {path.name: path.read_bytes() for path in (classic, present, zipped)}


@pytest.mark.parametrize("name", ["a.h5", "b.weights.h5", "c.keras"])
@some(4)
@hypothesis.given(data=st.data())
def test_a_damaged_weights_file_is_read_or_refused(name, made_weights, data):
    path = made_weights / f"fuzzed-{name}"
    path.write_bytes(data.draw(damaged((made_weights / name).read_bytes())))
    with refused(SourceError):
        try_out(path)
        with opened(path) as stored:
            for layer in stored.layers.values():
                for variable in layer.variables:
                    # As `fit` does: an array is read when its shape is known to be the network's.
                    if variable.shape in ((3, 3, 2, 4), (4,), (3, 4)):
                        assert variable.read().shape == variable.shape


@pytest.fixture(scope="module")
def made_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for name, content in weights_files(folder).items():
        (folder / name).write_bytes(content)
    return folder


@some(120)
@hypothesis.given(data=st.data())
def test_a_damaged_file_of_arrays_is_read_to_the_bit_or_refused(tmp_path_factory, data):
    file = io.BytesIO()
    arrays = {"a/kernel": np.arange(12, dtype=np.float32).reshape(3, 4).T, "b": np.array("text"), "c": np.ones(0, "u1")}
    np.savez(file, **arrays)
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    path.write_bytes(data.draw(damaged(file.getvalue())))
    with refused(InputError):
        found = read_npz(path)
        for name in found.keys() & arrays.keys():
            assert found[name].tolist() == arrays[name].tolist() or found[name].shape != arrays[name].shape


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**400, -1, 2**31, 0]) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every place in nested data that something else can be put into: a container and the key there."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [place for key in keys for place in [(data, key), *places(data[key])]]


@st.composite
def altered(draw: st.DrawFn, whole: Callable[[], Any]) -> Any:
    """Data in which fields are missing, renamed or of other types."""
    data = whole()
    for _ in range(draw(st.integers(0, 3))):
        found = places(data)
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        if isinstance(container, dict) and draw(st.booleans()):
            value = container.pop(key)
            if draw(st.booleans()):
                container[draw(st.text(max_size=8))] = value
        else:
            container[key] = draw(values)
    return data


def plan() -> dict[str, Any]:
    file = {"path": "a.png", "sha256": "0" * 64}
    style = {"picture": dict(file), "weight": 1.0, "scale": 1.0, "region": "", "regions": dict(file)}
    cell = {
        **{name: name for name in ("content", "style", "content_path", "style_path", "digest", "weights_sha256")},
        "content_sha256": "0" * 64,
        "style_sha256": "1" * 64,
        "config": {"size": 64},
        "variant": [["size", "64"]],
        "ingredients": {"content": file, "styles": [style], "content_regions": None, "mixture": ""},
    }
    rejected = {"content": "a", "style": "b", "backbone": "vgg19", "reason": "none", "variant": []}
    return {
        "cells": [cell],
        "rejected": [rejected],
        "missing": {"vgg16": "none"},
        "settings": {"size": 64},
        "title": "t",
        "series": [{"backbone": "vgg19", "variant": []}],
        "passed_over": {"a": ["b"]},
    }


def night() -> dict[str, Any]:
    cell = {"content": "a", "style": "b", "backbone": "vgg19", "variant": [["size", "64"]], "status": "done"}
    return {
        "format": 1,
        "date": "2026-01-31",
        "title": "t",
        "settings": {},
        "cells": [cell],
        "compared_with": None,
        "worse": [["a", "b", "c", "d"]],
    }


def provenance() -> dict[str, Any]:
    return Provenance("vgg19", "test", "1", digest({}), None, "note").to_dict()


JSON: dict[str, tuple[Callable[[], Any], Callable[[str], Any], tuple[type[Exception], ...]]] = {
    "plan": (plan, Grid.from_json, (ConfigError,)),
    # Whoever reads a night says in the log why it is left alone.
    "night": (night, lambda text: Night.from_dict(json.loads(text)), (ValueError, RecursionError)),
    "provenance": (provenance, lambda text: Provenance.from_dict(json.loads(text)), (WeightsError, ValueError)),
}


@pytest.mark.parametrize("kind", JSON)
@some(80)
@hypothesis.given(data=st.data())
def test_altered_json_is_read_or_refused(kind, data):
    whole, read, errors = JSON[kind]
    text = json.dumps(data.draw(altered(whole)))
    if data.draw(st.integers(0, 3)) == 0:
        text = data.draw(damaged(text.encode())).decode("utf-8", "surrogateescape")
    with refused(*errors):
        read(text)


@some(150)
@hypothesis.given(data=st.data())
def test_a_damaged_trace_is_read_or_refused(data):
    losses = {"a, quoted": 1.5}
    trace = Trace(tuple(Iterate(step, step, 0.5, 1e9, 1.0, 2.0, float("nan"), losses) for step in range(3)))
    text = data.draw(damaged(trace.to_csv().encode()) | st.binary(max_size=200)).decode("utf-8", "surrogateescape")
    for lines in (text.splitlines(), text.splitlines(keepends=True), io.StringIO(text, newline="")):
        with refused(InputError):
            Trace.from_csv(lines).to_csv()


STUDY = """title = "a"
content_dir = "c"
contents = ["one"]
backbones = ["vgg19", "vgg16"]
preset = "balanced"
[settings]
size = 64
losses = {gram = {weight = 2.0}}
[sweep]
style_weight = [1, 2.5e3]
style_layers = [["block1_conv1"], []]
[[cases]]
name = "one"
seed = 3
"""
MIXTURE = """[[style]]
picture = "a.png"
weight = 0.5
scale = 2
region = "#ff0000"
[[style]]
picture = "b.png"
"""
words = st.sampled_from(
    [
        "nan",
        "-inf",
        "1e999",
        "9" * 5000,
        "0x7f",
        "1979-05-27",
        "[" * 300,
        "''",
        '"\\u0000"',
        '"../../x"',
        "{a=1}",
        "a." * 400,
    ]
)


@st.composite
def altered_toml(draw: st.DrawFn, whole: str) -> bytes:
    """A file in which values are others, lines are missing or come twice, or bytes are damaged."""
    lines = whole.splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        key, _equals, value = lines[at].partition("=")
        lines[at] = draw(
            st.sampled_from(["", lines[at] + "\n" + lines[at], value])
            | words.map(lambda word, key=key: f"{key} = {word}")
            | values.map(lambda other, key=key: f"{key} = {json.dumps(other)}")
            | st.text(max_size=20)
        )
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(damaged(text)) if draw(st.integers(0, 2)) == 0 else text


@pytest.mark.parametrize("kind", ["study", "mixture"])
@some(120)
@hypothesis.given(data=st.data())
def test_altered_toml_is_read_or_refused_with_the_name_of_the_file(kind, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / f"fuzzed-{kind}.toml"
    path.write_bytes(data.draw(altered_toml(STUDY if kind == "study" else MIXTURE)))
    with refused(ConfigError if kind == "study" else PictureError):
        if kind == "study":
            read_study(path).require_possible()
        else:
            read_mixture(path)


anything = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "\0",
        "\udc80",
        "a/../../b.png",
        "/",
        "~nobody/x.png",
        "x" * 5000 + ".png",
        "-",
        "--",
        "..",
        "a\nb",
        "%s{}",
        "nan",
    ]
)


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two pictures and nothing beside it, in which the command is run up to its work."""
    place = tmp_path_factory.mktemp("commands") / "work"
    place.mkdir()
    for name in ("c.png", "s.png"):
        (place / name).write_bytes(PICTURES["png"])

    def no_work(*_: Any, **__: Any) -> None:
        raise StyleTransferError("here the work would begin")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("nstcore.cli._transfer", no_work)
        for command in ("train", "apply", "export"):
            patched.setattr(f"nstcore.feedforward.{command}_command.import_keras_quietly", no_work)
        patched.setattr("pipeline.picture_commands.import_keras_quietly", no_work)
        patched.chdir(place)
        yield place


@some(120)
@hypothesis.given(data=st.data())
def test_any_words_end_the_command_with_one_line_and_write_nothing(data, at_work):
    options = ["--size", "--iterations", "--losses", "--style-weights", "--seed", "--film", "--trace", "--weights"]
    options += ["--preset", "--init", "--coarse-sizes", "--optimizer-settings", "-o", "--save-every", "--no-regions"]
    some_words = st.lists(anything | st.sampled_from([*options, "c.png", "s.png", "out.png"]), max_size=8)
    ends_in_one_line(data.draw(some_words | some_words.map(["c.png", "s.png", "-o", "out.png"].__add__)), at_work)


def ends_in_one_line(words: list[str], place: Path) -> None:
    """Run the command `nst` up to its work; see that it says what is wrong, or what it is asked for, and no more."""
    for left in set(os.listdir(place)) - {"c.png", "s.png"}:  # by an example that went wrong
        shutil.rmtree(place / left) if (place / left).is_dir() else (place / left).unlink()
    said, told = io.StringIO(), io.StringIO()
    start = time.thread_time()
    with redirect_stdout(said), redirect_stderr(told):
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
    asked_to_tell = not told.getvalue() and bool(said.getvalue())  # --help, --version, presets, how a folder stands
    assert (status, told.getvalue().count("\n")) == ((0, 0) if asked_to_tell else (2, 1)), (words, told.getvalue())
    assert time.thread_time() - start < LIMIT
    assert sorted(os.listdir(place)) == ["c.png", "s.png"], words
    assert os.listdir(place.parent) == ["work"], words


#: The other commands: what each is given so that it comes far, and its options.
COMMANDS = {
    "train": (["c.png", "-o", "n.keras", "--photographs", "."], ["--held-out", "--state", "--trace", "--snapshots"]),
    "apply": (["n.keras", "c.png", "-o", "made"], ["--about", "--size", "--bands", "--format", "--strength"]),
    "export": (["n.keras", "-o", "n.onnx"], ["--size", "8x8", "0x-1"]),
    "measure": (["c.png", "s.png"], ["--size", "--json"]),
    "map": ([".", "-o", "map"], ["--size", "--judge"]),
    "film": (["made", "-o", "a.gif"], []),
    "votes": (["v.json"], ["-o", "--json", "a.csv"]),
    "layers": (["vgg19"], []),
    "presets": ([], ["--backbone", "balanced"]),
    "status": ([], ["--json"]),
    "check": ([], ["--mend", "--nights-dir"]),
    "gc": ([], ["--list", "--states", "--nights-dir"]),
    "fetch": (["gs://bucket/reports/x", "page"], []),
}


@pytest.mark.parametrize("command", COMMANDS)
@some(25)
@hypothesis.given(data=st.data())
def test_any_words_end_every_other_command_with_one_line_and_write_nothing(command, data, at_work):
    usual, options = COMMANDS[command]
    words = data.draw(st.lists(anything | st.sampled_from([*options, "c.png", "-o", "gs://x/y", "made"]), max_size=5))
    if data.draw(st.booleans()):
        words = data.draw(st.permutations([*usual, *words])) if data.draw(st.booleans()) else [*usual, *words]
    elif usual and data.draw(st.booleans()):  # one of the usual ones is another
        at = data.draw(st.integers(0, len(usual) - 1))
        words = [*usual[:at], data.draw(anything), *usual[at + 1 :]]
    # It would do what it is asked for.
    hypothesis.assume(command != "fetch" or not any("\0" not in word and os.path.isdir(word or ".") for word in words))
    ends_in_one_line([command, *words], at_work)


@pytest.mark.parametrize(
    ("run", "work", "options"),
    [
        (
            run_workers,
            "tasks.workers.command._Workers",
            ["--processes", "--gpus", "--scheduler", "--module", "--", "h:1"],
        ),
        (run_scheduler, "tasks.workers.scheduler.serve", ["--address", "--port", "--state", "8082"]),
    ],
    ids=["nst-workers", "nst-scheduler"],
)
@some(60)
@hypothesis.given(data=st.data())
def test_any_words_end_workers_and_scheduler_with_one_line_before_anything_is_started(
    run, work, options, data, at_work
):
    words = data.draw(st.lists(anything | st.sampled_from([*options, "2", "0,1", "FullGrid"]), max_size=6))
    said, told = io.StringIO(), io.StringIO()

    def no_work(*_: Any, **__: Any) -> None:
        raise StyleTransferError("here the work would begin")

    with pytest.MonkeyPatch.context() as patched, redirect_stdout(said), redirect_stderr(told):
        patched.setattr(work, no_work)
        try:
            status = run(words)
        except SystemExit as end:
            status = end.code
    asked_to_tell = bool(said.getvalue())  # --help
    lines = [line for line in told.getvalue().splitlines() if "share" not in line]  # that fewer would do as well
    assert (status, len(lines)) == ((0, 0) if asked_to_tell else (2, 1)), (words, told.getvalue())
    assert sorted(os.listdir(at_work)) == ["c.png", "s.png"], words


@pytest.mark.parametrize("command", COMMANDS)
def test_dashes_in_the_place_of_a_word_end_every_command_with_one_line(command, at_work):
    usual, _ = COMMANDS[command]
    for at in range(len(usual) + 1):
        ends_in_one_line([command, "--", *usual[:at], "--", *usual[at:]], at_work)
        ends_in_one_line([command, *usual[:at], "--", "--", *usual[at + 1 :]], at_work)


LUIGI = ["FullGrid", "Sweep", "NightlyGrid", "PaperFigures", "--settings", "--config", "--date", "--size", "--preset"]
LUIGI += [
    "--backbones",
    "--contents",
    "--output-dir",
    "--workers",
    "--batch-size",
    "--keep-nights",
    "--help",
    "--title",
]


@some(60)
@hypothesis.given(data=st.data())
@pytest.mark.filterwarnings("ignore::UserWarning")  # Luigi's, of a value of another type
def test_any_words_end_the_grid_with_one_line_before_anything_is_scheduled(data, at_work):
    words = data.draw(st.lists(anything | st.sampled_from(LUIGI), max_size=6))
    words = [data.draw(st.sampled_from(["FullGrid", "Sweep", "NightlyGrid", "PaperFigures", "Nonsense"])), *words]
    told, scheduled = io.StringIO(), []

    def no_work(*_: Any, **__: Any) -> None:
        scheduled.append(words)
        raise SystemExit(0)

    with pytest.MonkeyPatch.context() as patched, redirect_stdout(io.StringIO()), redirect_stderr(told):
        patched.setattr(interface, "_schedule_and_run", no_work)
        with pytest.raises(SystemExit) as end:
            run_with_retcodes(list(words))
    assert end.value.code in (0, None) or (end.value.code, told.getvalue().count("\n")) == (2, 1), (
        words,
        told.getvalue(),
    )
    assert sorted(os.listdir(at_work)) == ["c.png", "s.png"], words
