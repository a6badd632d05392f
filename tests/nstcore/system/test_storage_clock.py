"""How old files are by their storage's clock."""

from __future__ import annotations

import os
import time

import pytest

from nstcore.system import storage_clock
from nstcore.system.storage_clock import remove_older, storage_time


def test_the_storage_says_what_time_it_is_and_keeps_nothing(tmp_path):
    before = time.time()
    assert before - 1 <= storage_time(tmp_path) <= time.time() + 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0])
def test_age_is_told_by_the_storage_alone(tmp_path, monkeypatch, ahead):
    """A file server may be an hour ahead of this machine, or behind."""
    now = time.time() + ahead
    monkeypatch.setattr(storage_clock, "storage_time", lambda _: now)
    for name, age in ((".young.part", 50), (".old.part.png", 70), ("old.png", 70)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now - age, now - age))
    assert [path.name for path in remove_older(tmp_path, ".*.part*", 60)] == [".old.part.png"]
    assert sorted(os.listdir(tmp_path)) == [".young.part", "old.png"]


def test_in_a_folder_that_takes_no_files_nothing_is_removed(public_folder, unprivileged):
    (public_folder / ".old.part").touch()
    public_folder.chmod(0o555)
    with unprivileged():
        assert remove_older(public_folder, ".*.part*", -1) == []
