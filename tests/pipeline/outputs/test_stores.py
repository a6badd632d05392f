"""What a store writes it reads back, and nothing half-written is ever taken for a result."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from nstcore import InputError, Iterate, OutputError, Trace, TransferConfig, TransferResult
from nstcore.networks.weights import locate
from nstcore.targets import Targets
from pipeline.grid.expansion import Grid
from pipeline.outputs.cell_store import CellStore
from pipeline.outputs.stores import GridStore, JsonStore, MeasuresStore, TargetsStore, TextStore
from pipeline.storage.sealed import DamagedError


def test_targets_come_back_to_the_bit(tmp_path):
    """Names of layers may hold slashes."""
    random = np.random.default_rng(1)
    targets = Targets(
        {
            (loss, layer): {name: random.normal(size=(size, size)).astype(np.float32) for name in ("gram", "mean")}
            for size, loss, layer in ((9, "gram", "layer/9"), (3, "gram", "layer/3"), (5, "other", "layer/9"))
        }
    )
    store = TargetsStore(str(tmp_path / "deep/style.npz"))
    store.dump(targets)
    loaded = store.load()
    assert loaded.kept.keys() == targets.kept.keys()
    for place, arrays in targets.kept.items():
        assert loaded.kept[place].keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded.kept[place][name], array)
            assert loaded.kept[place][name].dtype == np.float32


def result():
    iterates = (Iterate(0, 1, 0.5, 3.0, 0.0, 1.0, 2.0), Iterate(1, 3, 1.25, 2.5, 0.1, 0.9, 1e9))
    provenance = locate("vgg16", "random")
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    return TransferResult(image, Trace(iterates), TransferConfig(backbone="vgg16"), provenance, "stopped", 1.5)


def test_a_cell_comes_back(tmp_path):
    store = CellStore(tmp_path / "cell")
    assert not store.exists()
    store.dump(result(), {"name": "Großmutter", "total": 2.5})
    assert store.exists()
    np.testing.assert_array_equal(store.picture(), result().image)
    assert store.trace() == result().trace
    assert store.manifest().items() > {"name": "Großmutter", "total": 2.5}.items()


@pytest.mark.parametrize("name", ["result.png", "trace.csv", "manifest.json"])
def test_a_cell_that_lacks_a_file_is_not_there(tmp_path, name):
    store = CellStore(tmp_path / "cell")
    store.dump(result(), {})
    (tmp_path / "cell" / name).unlink()
    assert not store.exists()


def test_a_cell_whose_manifest_cannot_be_written_is_not_there(tmp_path):
    store = CellStore(tmp_path / "cell")
    with pytest.raises(TypeError):
        store.dump(result(), {"no JSON": object()})
    assert not store.exists()
    assert not (tmp_path / "cell").exists()


def test_writing_again_replaces_and_a_failure_keeps_what_was_there(tmp_path):
    text = TextStore(str(tmp_path / "text"))
    text.dump("one\r\n")
    text.dump("two\r\n")
    assert (tmp_path / "text").read_bytes() == b"two\r\n"
    data = JsonStore(str(tmp_path / "data"))
    data.dump({"kept": True})
    with pytest.raises(TypeError):
        data.dump({"no JSON": object()})
    assert data.load().items() > {"kept": True}.items()
    assert {path.name for path in tmp_path.iterdir()} == {"text", "data"}


def test_a_cell_that_loses_its_folder_is_kept_elsewhere_to_be_laid_over_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = CellStore(tmp_path / "cells" / "cat" / "ink" / "vgg16-0123")
    (tmp_path / "cells").touch()
    with pytest.raises(
        OutputError, match=r"cells/cat/ink/vgg16-0123: cannot be made \(Not a directory\).*kept instead"
    ):
        store.dump(result(), {"name": "Großmutter"})
    (tmp_path / "cells").unlink()
    (kept,) = tmp_path.glob("nst-kept-*")
    kept.rename(tmp_path / "cells")
    assert store.exists()
    np.testing.assert_array_equal(store.picture(), result().image)
    assert (store.trace(), store.manifest()["name"]) == (result().trace, "Großmutter")


@pytest.mark.parametrize("kind", [TextStore, JsonStore, GridStore, TargetsStore])
def test_a_file_that_may_not_be_read_or_written_is_named(public_folder, unprivileged, kind):
    (public_folder / "file").touch(mode=0)
    with unprivileged(), pytest.raises(InputError, match=r"file: cannot be read \(Permission denied\); change"):
        kind(str(public_folder / "file")).load()
    public_folder.chmod(0o555)
    store = kind(str(public_folder / "below" / "file"))
    with unprivileged(), pytest.raises(OutputError, match=r"below: cannot be made \(Permission denied\); change"):
        store.written().__enter__()


def test_a_cell_in_a_folder_that_may_not_be_looked_into_is_not_there(public_folder, unprivileged):
    (public_folder / "closed").mkdir(mode=0)
    store = CellStore(public_folder / "closed" / "cell")
    with unprivileged():
        assert not store.exists()
        with pytest.raises(OutputError, match=r"cell: cannot be written \(Permission denied\)"):
            store.require_place()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def flip_unseen(path):
    """As on a disk that decays: no time tells of it."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES = {
    "cut": lambda path: os.truncate(path, path.stat().st_size - 1),
    "empty": lambda path: os.truncate(path, 0),
    "garbage": lambda path: path.write_bytes(b"\x7f" * path.stat().st_size),
    "one bit": flip,
    "missing": lambda path: path.unlink(),
}
damages = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
old_and_new = pytest.mark.parametrize("old", [False, True], ids=["sealed", "of before"])


def a_cell(output, *, old=False):
    """A finished cell; one of before has a manifest that speaks of no files."""
    store = CellStore(output / "cells" / "cat" / "ink" / "vgg16-0123")
    sections = {name: {} for name in ("content", "style", "config", "weights", "result")}
    store.dump(result(), {"digest": "0123", **sections})
    if old:
        manifest = Path(store.path, "manifest.json")
        data = json.loads(manifest.read_bytes())
        del data["seal"], data["files"]
        manifest.write_text(json.dumps(data))
    assert store.exists()
    return store


@pytest.mark.parametrize(
    ("damage", "old"),
    # Nothing says of a file of before whether a bit of it is another.
    [(damage, old) for damage in DAMAGES for old in (False, True) if not (old and damage == "one bit")],
)
@pytest.mark.parametrize("name", ["result.png", "trace.csv", "manifest.json"])
def test_a_damaged_cell_is_not_there_and_set_aside_whole(tmp_path, caplog, damage, name, old):
    store = a_cell(tmp_path, old=old)
    DAMAGES[damage](Path(store.path, name))
    assert not store.exists()
    store.set_aside_damaged()
    aside = tmp_path / "damaged" / "cells" / "cat" / "ink" / "vgg16-0123-1"
    if (damage, name) == ("missing", "manifest.json"):
        assert caplog.messages == []  # a cell that was not finished
        return
    (line,) = caplog.messages
    assert line.startswith(f"{store.path}: {name} ")
    assert line.endswith(f"; set aside in {aside}, and made anew")
    there = {"result.png", "trace.csv", "manifest.json"} - ({name} if damage == "missing" else set())
    assert {path.name for path in aside.iterdir()} == there
    assert list(Path(store.path).iterdir()) == []
    store.set_aside_damaged()
    assert len(caplog.messages) == 1


def test_what_is_set_aside_later_is_beside_what_was(tmp_path):
    for number in (1, 2):
        store = a_cell(tmp_path)
        flip(Path(store.path, "result.png"))
        store.set_aside_damaged()
        assert (tmp_path / "damaged" / "cells" / "cat" / "ink" / f"vgg16-0123-{number}" / "result.png").is_file()


@old_and_new
def test_times_of_files_say_nothing(tmp_path, old):
    store = a_cell(tmp_path, old=old)
    identity = store.identity()
    for path in sorted(Path(store.path).iterdir()):
        for hours in (-1, 1):
            os.utime(path, (time.time() + 3600 * hours,) * 2)
            assert (store.exists(), store.damage(), store.identity()) == (True, "", identity)


def test_a_cell_made_again_is_another(tmp_path):
    first = a_cell(tmp_path).identity()
    store = CellStore(tmp_path / "cells" / "cat" / "ink" / "vgg16-0123")
    store.dump(result(), {"digest": "0123", "finished": "later"})
    assert store.identity() != first


@pytest.mark.parametrize("read", [CellStore.picture, CellStore.trace])
def test_a_bit_that_flipped_unseen_is_seen_when_the_file_is_read(tmp_path, caplog, read):
    store = a_cell(tmp_path)
    name = "result.png" if read is CellStore.picture else "trace.csv"
    if name == "trace.csv":
        store.trace()  # a trace is small, so a first look reads it; this is about a later one
    flip_unseen(Path(store.path, name))
    with pytest.raises(DamagedError, match=rf"{name}: was changed since it was written; run again"):
        read(store)
    store.set_aside_damaged(to_the_bit=True)
    assert not store.exists()
    (line,) = caplog.messages
    assert f"{store.path}: {name} was changed since it was written; set aside in " in line


def test_a_manifest_of_another_cell_is_none(tmp_path):
    store = a_cell(tmp_path)
    other = CellStore(tmp_path / "cells" / "cat" / "ink" / "vgg16-4567")
    shutil.copytree(store.path, other.path)
    assert other.damage() == "manifest.json is that of another cell"


@pytest.mark.parametrize(
    "trace",
    [
        b"iteration,evaluations,seconds,total,content,style,total_variation\n",
        b"iteration,evaluations,seconds,total,content,style,total_variation\n0,1,0.5,3.0,0.0,1.0\n",
        b"iteration,evaluations,seconds,total,content,style,total_variation\n0,1,0.5,3.0,0.0,1.0,2.0",
        b"iteration,evaluations,seconds,total,content,style,total_variation\n0.5,1,0.5,3.0,0.0,1.0,2.0\n",
        b"iteration,evaluations,seconds,total,content,style,total_variation\n0,1,0.5,3.0,x,1.0,2.0\n",
        b"something,else\n0,1\n",
        b"\xff\xfe",
    ],
)
def test_a_trace_of_before_that_is_none_is_noticed(tmp_path, trace):
    store = a_cell(tmp_path, old=True)
    Path(store.path, "trace.csv").write_bytes(trace)
    assert store.damage() == "trace.csv is no whole trace"


def some_targets():
    return Targets({("gram", "layer"): {"gram": np.arange(12, dtype=np.float32).reshape(3, 4)}})


@pytest.mark.parametrize("damage", [DAMAGES["cut"], DAMAGES["empty"], DAMAGES["garbage"]])
def test_targets_without_the_form_of_any_are_not_there(tmp_path, damage):
    store = TargetsStore(tmp_path / "targets" / "style" / "ink" / "vgg16-01.npz")
    store.dump(some_targets())
    assert store.exists()
    damage(Path(store.path))
    assert not store.exists()
    store.set_aside(store.damage())
    assert (tmp_path / "damaged" / "targets" / "style" / "ink" / "vgg16-01-1.npz").is_file()


def test_no_flipped_bit_of_targets_comes_through(tmp_path):
    """Most are noticed when they are read; the others are in dates and the like, and do no harm."""
    store = TargetsStore(tmp_path / "targets.npz")
    store.dump(some_targets())
    content, noticed = Path(store.path).read_bytes(), 0
    for place in range(0, 8 * len(content), 5):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        Path(store.path).write_bytes(flipped)
        try:
            loaded = store.load()
        except DamagedError as error:
            assert str(error).startswith(f"{store.path}: ")  # noqa: PT017
            noticed += 1
        else:
            np.testing.assert_array_equal(
                loaded.kept["gram", "layer"]["gram"], some_targets().kept["gram", "layer"]["gram"]
            )
    assert noticed > 0.6 * 8 * len(content) / 5


def test_targets_of_another_picture_under_the_same_name_are_noticed(tmp_path):
    store = TargetsStore(tmp_path / "targets.npz")
    store.dump(some_targets())
    with np.load(store.path) as file:
        arrays = dict(file)
    np.savez(store.path, **{**arrays, "gram/layer/gram": np.zeros((3, 4), np.float32)})
    with pytest.raises(DamagedError, match="was changed since it was written"):
        store.load()


def test_targets_of_before_are_read(tmp_path):
    np.savez(tmp_path / "targets.npz", **some_targets().to_arrays())
    store = TargetsStore(tmp_path / "targets.npz")
    assert store.exists()
    assert store.load().kept.keys() == some_targets().kept.keys()


@damages
@pytest.mark.parametrize("kind", [JsonStore, MeasuresStore, GridStore])
def test_damaged_records_are_not_there_and_told_of_when_they_are_made_anew(tmp_path, caplog, damage, kind):
    store = kind(tmp_path / "data.json")
    data = Grid((), (), {}, {}, "Cats", ()) if kind is GridStore else {"measures": {"ssim": 0.5}, "unmeasured": {}}
    store.dump(data)
    assert store.exists()
    identity = store.identity()
    damage(tmp_path / "data.json")
    assert not store.exists()
    store.dump(data)
    assert store.exists()
    assert store.identity() == identity
    told = [] if damage is DAMAGES["missing"] else [store.path]
    assert [line.partition(": ")[0] for line in caplog.messages] == told


@pytest.mark.parametrize(("kind", "text"), [(MeasuresStore, '{"measures": {}}'), (GridStore, '{"cells": [{}]}')])
def test_a_record_of_before_that_lacks_what_is_read_is_not_there(tmp_path, kind, text):
    (tmp_path / "data.json").write_text(text)
    assert not kind(tmp_path / "data.json").exists()
