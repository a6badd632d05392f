"""The file of a state: whole or refused, whatever happened to it."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import random

import numpy as np
import pytest

from nstcore.state_file import UnusableStateError, is_state, read_state, write_state

ARRAYS = {
    "z": np.random.default_rng(0).normal(size=(1, 8, 9, 3)).astype(np.float32),
    "a/b": np.array(["no step lowers the loss", ""]),
    "empty": np.zeros((0, 7)),
    "flag": np.array(True),
}


def written(description=None, arrays=None) -> bytes:
    file = io.BytesIO()
    write_state(file, description or {"level": 1, "names": ["é"]}, ARRAYS if arrays is None else arrays)
    return file.getvalue()


def test_what_is_written_comes_back_to_the_bit():
    description, arrays = read_state(written())
    assert description == {"level": 1, "names": ["é"]}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        assert (array == ARRAYS[name]).all()


def test_numpy_reads_it_as_a_file_of_its_own(tmp_path):
    (tmp_path / "state.npz").write_bytes(written())
    with np.load(tmp_path / "state.npz") as found:
        assert (found["z"] == ARRAYS["z"]).all()


def test_any_flipped_bit_and_any_cut_is_noticed():
    content, chance = written(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        with pytest.raises(UnusableStateError, match="is damaged"):
            read_state(bytes(damaged))
    for length in (0, 1, 63, 64, 65, 1000, len(content) - 1):
        with pytest.raises(UnusableStateError, match="is damaged"):
            read_state(content[:length])
    with pytest.raises(UnusableStateError, match="is damaged"):
        read_state(content + b"\0")


class Planted:
    def __reduce__(self):
        return os.mkdir, ("planted",)


@pytest.mark.parametrize("entry", ["z", "nst-state"])
def test_nothing_in_it_is_run(tmp_path, monkeypatch, entry):
    """Somebody made it, with the right checksum."""
    monkeypatch.chdir(tmp_path)
    file = io.BytesIO()
    np.savez(file, **{"nst-state": np.frombuffer(b"{}", np.uint8), entry: np.array([Planted()], object)})
    held = file.getvalue()
    assert b"planted" in held
    for planted in (held, pickle.dumps(Planted())):
        with pytest.raises(UnusableStateError, match="none of this program's"):
            read_state(planted + hashlib.sha256(planted).hexdigest().encode())
    assert not list(tmp_path.iterdir())


def test_a_state_is_known_by_its_beginning():
    content = written()
    assert is_state(content[:200])
    other = io.BytesIO()
    np.savez(other, z=ARRAYS["z"])
    for beginning in (b"", b"\x89PNG\r\n\x1a\n" + bytes(100), other.getvalue()[:200], content[10:210]):
        assert not is_state(beginning)
