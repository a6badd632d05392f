"""The folder of a trained network: whole, damaged, and where it does not take files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nstcore import OutputError
from nstcore.feedforward.training_trace import TrainingTrace
from pipeline.outputs.network_store import NETWORK, NetworkStore
from pipeline.outputs.strips import LearningRecorder
from pipeline.storage.sealed import DamagedError

TRACE = TrainingTrace.from_csv(
    "step,seconds,total,content,style,total_variation,held_out\n1,0.1,5,1,1,0,4.5\n".splitlines()
)
MANIFEST = {"digest": "00ff00ff00ff00ff", "result": {"steps": 1}}


def recorded(blotches, *steps: int) -> LearningRecorder:
    recorder = LearningRecorder({48: steps})
    for step in steps:
        recorder.snapshots().take(48, step, blotches(step, 30, 48))
    return recorder


@pytest.fixture
def store(tmp_path, blotches) -> NetworkStore:
    store = NetworkStore(tmp_path / "outputs" / "networks" / "ink" / "vgg16-00ff00ff00ff00ff")
    store.dump(b"a network", TRACE, MANIFEST, recorded(blotches, 0, 1).strip(lambda step: 5.0 - step))
    return store


def test_what_is_written_is_read_again(store, tmp_path):
    assert store.exists()
    with store.at_hand() as path:
        assert path.read_bytes() == b"a network"
    assert store.trace() == TRACE
    assert [(step, frame.shape) for step, frame in store.frames()] == [(0, (30, 48, 3)), (1, (30, 48, 3))]
    assert store.record()["size"] == 9
    assert store.manifest()["result"] == {"steps": 1}
    assert [each["total"] for each in store.manifest()["strip"]["frames"]] == [5.0, 4.0]


def test_a_network_without_pictures_has_none(tmp_path):
    store = NetworkStore(tmp_path / "vgg16-00ff00ff00ff00ff")
    store.dump(b"a network", TRACE, MANIFEST, None)
    assert store.exists()
    assert store.frames() == []
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["manifest.json", "network.keras", "trace.csv"]


def cut(store: NetworkStore, name: str) -> None:
    (store._folder / name).write_bytes(b"")


def forget_seal(store: NetworkStore) -> None:
    path = store._folder / "manifest.json"
    path.write_text(path.read_text().replace('"steps": 1', '"steps": 2'))


def of_another(store: NetworkStore) -> None:
    store.dump(b"a network", TRACE, {**MANIFEST, "digest": "1" * 16}, None)


def without_files(store: NetworkStore) -> None:
    (store._folder / "manifest.json").write_text(json.dumps(MANIFEST))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda store: cut(store, NETWORK), "network.keras is empty"),
        (lambda store: cut(store, "trace.csv"), "trace.csv is empty"),
        (lambda store: (store._folder / "strip.webp").unlink(), "strip.webp is missing"),
        (forget_seal, "was changed since it was written"),
        (of_another, "is that of another network"),
        (without_files, "lacks what a manifest says"),
    ],
)
def test_damage_is_seen_told_and_set_aside(store, tmp_path, harm, words, caplog):
    harm(store)
    assert words in store.damage()
    assert words in store.damage(to_the_bit=True)
    assert not store.exists()
    store.set_aside_damaged()
    assert words in caplog.text
    assert not store.damage()
    assert (tmp_path / "outputs/damaged/networks/ink/vgg16-00ff00ff00ff00ff-1/manifest.json").exists()


def test_a_changed_bit_is_seen_before_a_network_is_used(store):
    path = store._folder / NETWORK
    path.write_bytes(b"A network")
    assert store.damage(to_the_bit=True) == "network.keras was changed since it was written"
    with (
        pytest.raises(DamagedError, match=r"network\.keras: was changed since it was written; run the grid again"),
        store.at_hand(),
    ):
        pass


def test_a_network_that_its_folder_does_not_take_is_kept_elsewhere(tmp_path, monkeypatch):
    from pipeline import storage

    def refuse(place, content):
        raise OutputError(f"{place}: no space left")

    monkeypatch.setattr(storage, "write", refuse)
    monkeypatch.chdir(tmp_path)
    store = NetworkStore(tmp_path / "networks" / "ink" / "vgg16-00ff00ff00ff00ff")
    with pytest.raises(OutputError, match="no space left; ") as refused:
        store.dump(b"a network", TRACE, MANIFEST, None)
    assert "\n" not in str(refused.value)
    (kept,) = tmp_path.glob("nst-kept-*/networks/ink/vgg16-00ff00ff00ff00ff/network.keras")
    assert kept.read_bytes() == b"a network"


def test_a_recorder_goes_on_from_what_it_kept(blotches):
    first, second = recorded(blotches, 0, 1), LearningRecorder({48: (0, 1, 5)})
    second.take_up(first.arrays())
    second.snapshots().take(48, 5, blotches(5, 30, 48))
    strip = second.strip(lambda step: float(step))
    assert [moment.iteration for moment in strip.moments] == [0, 1, 5]
    assert (strip.height, strip.width) == (30, 48)
    assert LearningRecorder({}).strip(lambda step: 0.0) is None
    assert np.array_equal(second.arrays()["frames"][0], blotches(0, 30, 48))
