"""The cache on disk: whole or absent, checked, and filled by one process at a time."""

import encodings.cp437  # noqa: F401 - of zip files; a Python that is root's own can be closed to whom a test becomes
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nstcore.errors import ConfigError, WeightsError
from nstcore.networks.weights import Provenance, cache
from nstcore.networks.weights.arrays import digest

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "cache"))


def some_weights(value=1.0, size=1000):
    arrays = {"a/kernel": np.full((size, 2), value, np.float32), "a/bias": np.arange(3, dtype=np.float32)}
    return arrays, Provenance("vgg19", "test", "1", digest(arrays), None, "a note")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NSTCORE_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a/weights"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/nstcore/weights"),
        ({"HOME": "/h"}, "/h/.cache/nstcore/weights"),
    ],
)
def test_where_the_cache_lies(monkeypatch, environment, expected):
    for name in ("NSTCORE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache.folder() == Path(expected)


def test_what_was_written_is_read():
    assert cache.peek("vgg19") is None
    assert cache.read("vgg19") is None
    arrays, provenance = some_weights()
    cache.write(arrays, provenance)
    assert cache.peek("vgg19") == provenance
    received, origin = cache.read("vgg19")
    assert origin == provenance
    assert {name: array.tolist() for name, array in received.items()} == {n: a.tolist() for n, a in arrays.items()}
    assert cache.peek("vgg16") is None
    assert sorted(path.name for path in cache.folder().iterdir()) == ["vgg19.json", "vgg19.npz"]


def truncate(folder):
    path = folder / "vgg19.npz"
    path.write_bytes(path.read_bytes()[:-10])


def change_a_byte(folder):
    path = folder / "vgg19.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_the_arrays(folder):
    (folder / "vgg19.npz").unlink()


def lose_the_record(folder):
    (folder / "vgg19.json").unlink()


def halve_the_record(folder):
    path = folder / "vgg19.json"
    path.write_text(path.read_text()[:40])


def make_the_record_a_list(folder):
    (folder / "vgg19.json").write_text("[1]")


def make_the_record_old(folder):
    path = folder / "vgg19.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))


def change_a_checksum_in_the_record(folder):
    path = folder / "vgg19.json"
    record = json.loads(path.read_text())
    record["provenance"]["sha256"] = "0" * 64
    path.write_text(json.dumps(record))


def take_the_record_of_another(folder):
    path = folder / "vgg19.json"
    path.write_text(path.read_text().replace("vgg19", "vgg16"))


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        change_a_byte,
        lose_the_arrays,
        lose_the_record,
        halve_the_record,
        make_the_record_a_list,
        make_the_record_old,
        change_a_checksum_in_the_record,
        take_the_record_of_another,
    ],
)
def test_a_damaged_entry_counts_as_none_and_can_be_written_again(damage):
    arrays, provenance = some_weights()
    cache.write(arrays, provenance)
    damage(cache.folder())
    assert cache.read("vgg19") is None
    if damage is not change_a_byte:
        assert cache.peek("vgg19") is None
    cache.write(arrays, provenance)
    assert cache.read("vgg19") is not None


def test_a_record_of_before_there_were_seals_is_believed():
    arrays, provenance = some_weights()
    cache.write(arrays, provenance)
    path = cache.folder() / "vgg19.json"
    record = json.loads(path.read_text())
    assert record.pop("seal")
    path.write_text(json.dumps(record))
    assert cache.peek("vgg19") == provenance


def test_a_write_that_fails_half_way_leaves_no_entry(monkeypatch):
    arrays, provenance = some_weights()
    cache.write(arrays, provenance)

    def half(path, **arrays):
        path.write_bytes(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.np, "savez", half)
    with pytest.raises(WeightsError, match="No space left on device; set NSTCORE_CACHE"):
        cache.write(*some_weights(2.0))
    assert cache.peek("vgg19") is None
    assert [path.name for path in cache.folder().iterdir()] == ["vgg19.npz"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="cannot write the weights cache"), cache.lock("vgg19"):
        pass
    with pytest.raises(WeightsError, match="cannot write the weights cache"):
        cache.write(*some_weights())


COUNT_FETCHES = """
import os, sys, time
from nstcore.networks.weights import sources, cache
from nstcore.networks.weights.failures import SourceError

def no_keras(backbone):
    raise SourceError("none")

def slow(self):
    with open(sys.argv[1], "a") as file:
        file.write("fetched\\n")
    time.sleep(1.0)
    import numpy as np
    return {"a/kernel": np.ones((2, 3), np.float32)}

sources.keras_host.fetch = no_keras
type(sources.PACKAGES["vgg19"]).fetch = slow
print(sources._obtain("vgg19", {"a/kernel": (2, 3)})[1].sha256)
"""


def test_two_cold_processes_fetch_once(tmp_path):
    command = [sys.executable, "-c", COUNT_FETCHES, str(tmp_path / "count")]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    identities = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(identities) == 1
    assert (tmp_path / "count").read_text() == "fetched\n"


def test_the_lock_of_a_killed_process_is_free():
    hold = (
        "import time\nfrom nstcore.networks.weights import cache\n"
        "with cache.lock('vgg19'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", hold], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        os.kill(process.pid, signal.SIGKILL)
    start = time.monotonic()
    with cache.lock("vgg19"):
        assert time.monotonic() - start < 5


def test_waiting_for_a_lock_ends(monkeypatch):
    monkeypatch.setattr(cache, "_LOCK_SECONDS", 0.2)
    with (
        cache.lock("vgg19"),
        pytest.raises(WeightsError, match=r"another process holds .*vgg19\.lock"),
        cache.lock("vgg19"),
    ):
        pass
    with cache.lock("vgg19"):
        pass


def own_cache(folder, monkeypatch):
    """A filled cache that others may look into, and no more."""
    monkeypatch.setenv("NSTCORE_CACHE", str(folder / "cache"))
    cache.write(*some_weights())
    for path in (folder / "cache", cache.folder()):
        path.chmod(0o555)
    return cache.folder()


def test_a_cache_that_another_user_has_filled_is_read(public_folder, unprivileged, monkeypatch):
    own_cache(public_folder, monkeypatch)
    with unprivileged():
        assert cache.peek("vgg19") == cache.read("vgg19")[1] == some_weights()[1]
        with pytest.raises(
            WeightsError, match=r"cannot write the weights cache .*Permission denied; set NSTCORE_CACHE"
        ):
            cache.require_writable("vgg16")


def test_a_lock_that_another_user_has_made_is_taken(public_folder, unprivileged, monkeypatch):
    place = own_cache(public_folder, monkeypatch)
    place.chmod(0o755)
    with cache.lock("vgg19"):
        pass
    (place / "vgg19.lock").chmod(0o444)
    place.chmod(0o555)
    monkeypatch.setattr(cache, "_LOCK_SECONDS", 0.2)
    with (
        unprivileged(),
        cache.lock("vgg19"),
        pytest.raises(WeightsError, match="another process holds"),
        cache.lock("vgg19"),
    ):
        pass
    with unprivileged(), pytest.raises(WeightsError, match="cannot write the weights cache"), cache.lock("vgg16"):
        pass


@pytest.mark.parametrize("closed", ["vgg19.json", "vgg19.npz", "."])
def test_a_cache_that_its_owner_keeps_from_others_says_so(public_folder, unprivileged, monkeypatch, closed):
    place = own_cache(public_folder, monkeypatch)
    (place / closed).chmod(0)
    try:
        with unprivileged():
            assert cache.read("vgg19") is None
            with pytest.raises(WeightsError, match=r"vgg19 in the cache .* may not be read .*chmod -R a\+rX"):
                cache.require_writable("vgg19")
            assert closed == "." or cache.stamp("vgg19") is not None
    finally:
        place.chmod(0o755)


def test_without_a_home_there_are_no_weights_but_a_line(monkeypatch):
    monkeypatch.delenv("NSTCORE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # as for a user that the system does not know
    unknown = "no home folder is known.*set NSTCORE_CACHE"
    assert (cache.peek("vgg19"), cache.read("vgg19"), cache.stamp("vgg19")) == (None, None, None)
    with pytest.raises(ConfigError, match=unknown), cache.lock("vgg19"):
        pass
    monkeypatch.setenv("NSTCORE_CACHE", "~nosuchuser/cache")
    assert cache.peek("vgg19") is None
    with pytest.raises(ConfigError, match="NSTCORE_CACHE='~nosuchuser/cache'"), cache.lock("vgg19"):
        pass


def test_provenance_round_trip():
    _, provenance = some_weights()
    assert Provenance.from_dict(json.loads(json.dumps(provenance.to_dict()))) == provenance
    for wrong in ({"sha256": 1}, {"colour": "red"}, {"note": None}):
        with pytest.raises(WeightsError, match=f"wrong {next(iter(wrong))}"):
            Provenance.from_dict(provenance.to_dict() | wrong)
