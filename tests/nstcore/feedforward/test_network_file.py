"""A network's file: what was written comes back, plain Keras opens it, and no other file builds or runs anything."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from nstcore.errors import ConfigError, NetworkFileError, OutputError
from nstcore.feedforward import network_file
from nstcore.feedforward.network import NetworkSettings, build_network
from nstcore.feedforward.network_file import encode_network, load_network, read_metadata, save_network
from nstcore.networks.weights.network import read_arrays

SETTINGS = NetworkSettings(2, 1, (2,), "transposed")
PROVENANCE = {"style": {"name": "kandinsky", "sha256": "ab" * 32}, "steps": 12, "losses": {"gram": 0.5}, "note": "é\n"}
METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def network() -> keras.Model:
    made = build_network(SETTINGS, 3)
    made.get_layer("conv_in_norm").beta.assign([0.25, -0.5])
    return made


@pytest.fixture(scope="module")
def content(network: keras.Model) -> bytes:
    return encode_network(network, PROVENANCE)


@pytest.fixture
def without_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child per file costs half a second; `tests/nstcore/networks` has what it is for."""
    monkeypatch.setattr("nstcore.networks.weights.trial.try_out", lambda path: None)


def test_what_others_warn_of_while_a_network_is_written_comes_through(
    network: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = keras.Model.save

    def saved(*arguments: object) -> None:
        warnings.warn("of another", DeprecationWarning, stacklevel=1)
        save(*arguments)

    monkeypatch.setattr(keras.Model, "save", saved)
    with pytest.warns(DeprecationWarning, match="of another") as told:
        encode_network(network, PROVENANCE)
    assert len(told) == 1


Members = dict[str, bytes]


def rewritten(content: bytes, change: Callable[[Members], None], compression: int = zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, each in members.items():
            archive.writestr(name, each)
    return file.getvalue()


def ours(change: Callable[[dict], None]) -> Callable[[Members], None]:
    """Change what stands under "nst"."""

    def changed(members: Members) -> None:
        metadata = json.loads(members[METADATA])
        change(metadata["nst"])
        members[METADATA] = json.dumps(metadata).encode()

    return changed


def weights(change: Callable[[h5py.File], None]) -> Callable[[Members], None]:
    def changed(members: Members) -> None:
        file = io.BytesIO(members[WEIGHTS])
        with h5py.File(file, "r+") as opened:
            change(opened)
        members[WEIGHTS] = file.getvalue()

    return changed


def a_kernel(file: h5py.File) -> h5py.Dataset:
    return file["layers/conv2d/vars/0"]


def test_what_was_written_comes_back(network, tmp_path):
    path = tmp_path / "style.keras"
    save_network(path, network, PROVENANCE)
    loaded = load_network(path)
    assert (loaded.settings, loaded.provenance) == (SETTINGS, PROVENANCE)
    for name, array in read_arrays(network).items():
        np.testing.assert_array_equal(read_arrays(loaded.model)[name], array)
    assert all(variable.trainable for variable in loaded.model.trainable_variables)
    assert len(loaded.model.trainable_variables) == len(network.trainable_variables)
    assert [file.name for file in tmp_path.iterdir()] == ["style.keras"]


def test_plain_keras_opens_it_in_safe_mode(network, content, tmp_path, to_numpy):
    path = tmp_path / "style.keras"
    path.write_bytes(content)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 11, 14, 3)).astype(np.float32)
    opened = keras.saving.load_model(path, safe_mode=True)
    np.testing.assert_array_equal(to_numpy(opened(picture)), to_numpy(network(picture)))


def test_a_network_in_training_is_written_without_its_optimizer(tmp_path):
    network = build_network(SETTINGS)
    network.compile("adam", "mse")
    network.optimizer.build(network.trainable_variables)
    save_network(tmp_path / "style.keras", network, {})
    np.testing.assert_array_equal(
        read_arrays(load_network(tmp_path / "style.keras").model)["conv_in/kernel"],
        read_arrays(network)["conv_in/kernel"],
    )


def test_what_it_says_is_read_without_keras(content, tmp_path):
    (tmp_path / "style.keras").write_bytes(content)
    code = (
        "import sys\nfrom nstcore.feedforward.network_file import read_metadata\n"
        f"print(read_metadata({str(tmp_path / 'style.keras')!r}).provenance['steps'], 'keras' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == ["12", "False"]


def test_what_cannot_be_kept_is_refused_and_nothing_is_written(network, tmp_path):
    for provenance in ({"loss": float("nan")}, {"picture": np.zeros(3)}, {"much": "x" * 2**21}):
        with pytest.raises(ConfigError, match="provenance"):
            save_network(tmp_path / "style.keras", network, provenance)
    with pytest.raises(ConfigError, match=r"\.keras"):
        save_network(tmp_path / "style.h5", network, {})
    with pytest.raises(OutputError):
        save_network(tmp_path / "missing" / "style.keras", network, {})
    diverged = build_network(SETTINGS)
    diverged.get_layer("conv_out").bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(NetworkFileError, match="not finite"):
        save_network(tmp_path / "style.keras", diverged, {})
    assert list(tmp_path.iterdir()) == []


CHANGED: dict[str, tuple[Callable[[Members], None], str]] = {
    "no member of ours": (lambda members: members.update({METADATA: b'{"keras_version": "3.0"}'}), "none of nst train"),
    "a list": (lambda members: members.update({METADATA: b"[1]"}), "none of nst train"),
    "no JSON": (lambda members: members.update({METADATA: b"{"}), "damaged"),
    "deep JSON": (lambda members: members.update({METADATA: b"[" * 10**5}), "damaged"),
    "NaN": (ours(lambda nst: nst.update(provenance={"loss": float("nan")})), "damaged"),
    "no metadata": (lambda members: members.pop(METADATA) and None, "no network of nst train"),
    "large metadata": (lambda members: members.update({METADATA: b" " * 2**21}), "no network of nst train"),
    "no config": (lambda members: members.pop(CONFIG) and None, "lacks config.json"),
    "large config": (lambda members: members.update({CONFIG: b" " * (2**24 + 1)}), "no network as nst train writes"),
    "an asset": (lambda members: members.update({"assets/../../x.py": b""}), "besides or twice"),
    "other settings": (ours(lambda nst: nst["network"].update(blocks=2)), "11 layers with weights"),
    "huge settings": (
        ours(lambda nst: nst["network"].update(width=512, blocks=64, strides=[2] * 4)),
        "those of the network that it says",
    ),
    "another way up": (
        ours(lambda nst: nst["network"].update(upsampling="nearest")),
        "conv2d_transpose|not .* layers|up1",
    ),
    "impossible settings": (ours(lambda nst: nst["network"].update(width="many")), "cannot be.*width"),
    "unknown settings": (ours(lambda nst: nst["network"].update(depth=1)), "cannot be.*depth"),
    "no settings": (ours(lambda nst: nst.update(network=None)), "cannot be"),
    "a newer format": (ours(lambda nst: nst.update(format=2)), "newer"),
    "no provenance": (ours(lambda nst: nst.update(provenance=None)), "incomplete"),
    "another identity": (ours(lambda nst: nst.update(sha256="0" * 64)), "not those that were written"),
    "NaN weights": (
        weights(lambda file: a_kernel(file).write_direct(np.full((9, 9, 3, 2), np.nan, "f"))),
        "not finite",
    ),
    "changed weights": (weights(lambda file: a_kernel(file).write_direct(np.ones((9, 9, 3, 2), "f"))), "not those"),
    "no weights": (lambda members: members.update({WEIGHTS: b"x" * 20_000}), "weights file of Keras"),
    "a layer more": (
        weights(lambda file: file["layers"].create_group("dense/vars").create_dataset("0", data=np.zeros(3, "f"))),
        "layers with weights",
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_file_that_is_changed_is_refused_in_one_line(what, content, tmp_path, without_trial):
    change, expected = CHANGED[what]
    path = tmp_path / "changed.keras"
    path.write_bytes(rewritten(content, change))
    with pytest.raises(NetworkFileError, match=expected) as told:
        load_network(path)
    assert str(told.value).startswith(str(path))
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 600


def test_weights_of_other_shapes_are_refused(content, tmp_path, without_trial):
    def reshape(file: h5py.File) -> None:
        variables = file["layers/conv2d/vars"]
        del variables["0"]
        variables.create_dataset("0", data=np.zeros((9, 9, 2, 3), "f"))

    path = tmp_path / "changed.keras"
    path.write_bytes(rewritten(content, weights(reshape)))
    with pytest.raises(NetworkFileError, match="conv_in/kernel is 9 × 9 × 2 × 3"):
        load_network(path)


def test_a_description_that_would_run_code_is_not_looked_at(content, tmp_path, without_trial, to_numpy, network):
    """Neither in a file of Keras nor in one that pretends to be ours: there it is passed over."""
    marker = tmp_path / "ran"
    picture = keras.Input((8, 8, 3))
    place = str(marker)
    ran = keras.Model(picture, keras.layers.Lambda(lambda x: [x, open(place, "w").close()][0])(picture))
    marker.unlink()  # it was built once, to be written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ran.save(tmp_path / "lambda.keras")
    with pytest.raises(NetworkFileError, match="none of nst train"):
        load_network(tmp_path / "lambda.keras")
    with zipfile.ZipFile(tmp_path / "lambda.keras") as archive:
        description = archive.read(CONFIG)
    assert b"Lambda" in description
    path = tmp_path / "pretends.keras"
    path.write_bytes(rewritten(content, lambda members: members.update({CONFIG: description})))
    pictures = np.zeros((1, 9, 9, 3), np.float32)
    np.testing.assert_array_equal(to_numpy(load_network(path).model(pictures)), to_numpy(network(pictures)))
    assert not marker.exists()


def test_a_file_that_unpacks_to_more_than_it_is_is_refused(content, tmp_path, without_trial):
    path = tmp_path / "bomb.keras"
    path.write_bytes(rewritten(content, lambda members: None, zipfile.ZIP_DEFLATED))
    with pytest.raises(NetworkFileError, match="compressed"):
        load_network(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_there_twice_are_refused(content, tmp_path, without_trial):
    path = tmp_path / "twice.keras"
    path.write_bytes(content)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CONFIG, "{}")
    with pytest.raises(NetworkFileError, match="twice"):
        load_network(path)


def test_files_that_are_cut_short_anywhere_are_refused(content, tmp_path, without_trial):
    path = tmp_path / "short.keras"
    for length in (0, 4, 300, len(content) // 2, len(content) - 30, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(NetworkFileError) as told:
            load_network(path)
        assert "\n" not in str(told.value)


def test_bytes_that_are_changed_anywhere_are_noticed_or_change_nothing(content, tmp_path, without_trial):
    path, random = tmp_path / "changed.keras", np.random.default_rng(0)
    expected, told = read_metadata_of(content, path), []
    for place in random.integers(0, len(content), 24):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        try:
            assert load_network(path).sha256 == expected
        except NetworkFileError as error:
            told.append(str(error))
    assert len(told) > 12
    assert not any("\n" in line for line in told)


def read_metadata_of(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    return read_metadata(path).sha256


def test_what_is_no_file_is_told(tmp_path, content):
    for path, expected in ((tmp_path, "no ordinary file"), (tmp_path / "none.keras", "No such file"), ("a\0b", "null")):
        with pytest.raises(NetworkFileError, match=expected):
            load_network(path)
    (tmp_path / "picture.keras").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(NetworkFileError, match=r"no \.keras file"):
        load_network(tmp_path / "picture.keras")


def test_a_list_of_members_without_end_is_tried_out_by_a_child_first(content, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("nstcore.networks.weights.trial.try_out", asked.append)
    monkeypatch.setattr(
        network_file.zipfile, "ZipFile", lambda *_: pytest.fail("opened before") if not asked else 1 / 0
    )
    (tmp_path / "style.keras").write_bytes(content)
    with pytest.raises(ZeroDivisionError):
        read_metadata(tmp_path / "style.keras")
