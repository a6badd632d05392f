"""What a store writes it reads back, and nothing half-written is ever taken for a result."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import InputError, Iterate, OutputError, Trace, TransferConfig, TransferResult
from nstcore.networks.weights import locate
from nstcore.targets import Targets
from pipeline.stores import CellStore, GridStore, JsonStore, TargetsStore, TextStore


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
    assert store.manifest() == {"name": "Großmutter", "total": 2.5}


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
    assert {path.name for path in (tmp_path / "cell").iterdir()} == {"result.png", "trace.csv"}


def test_writing_again_replaces_and_a_failure_keeps_what_was_there(tmp_path):
    text = TextStore(str(tmp_path / "text"))
    text.dump("one\r\n")
    text.dump("two\r\n")
    assert (tmp_path / "text").read_bytes() == b"two\r\n"
    data = JsonStore(str(tmp_path / "data"))
    data.dump({"kept": True})
    with pytest.raises(TypeError):
        data.dump({"no JSON": object()})
    assert data.load() == {"kept": True}
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
    assert (store.trace(), store.manifest()) == (result().trace, {"name": "Großmutter"})


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
