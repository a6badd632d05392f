"""Settings of Keras that this user may not read do not keep it from starting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nstcore.keras_settings.home import pass_over_unreadable_settings


@pytest.fixture
def home(public_folder, monkeypatch):
    (public_folder / ".keras").mkdir()
    monkeypatch.setenv("HOME", str(public_folder))
    monkeypatch.setenv("KERAS_HOME", "to be put back")
    monkeypatch.delenv("KERAS_HOME")
    return public_folder


def test_those_of_another_user_are_passed_over(home, unprivileged):
    (home / ".keras" / "keras.json").touch(mode=0)
    with unprivileged():
        pass_over_unreadable_settings()
        assert os.listdir(os.environ["KERAS_HOME"]) == []
        Path(os.environ["KERAS_HOME"]).rmdir()


@pytest.mark.parametrize("there", [False, True])
def test_ones_own_are_left_alone(home, there):
    if there:
        (home / ".keras" / "keras.json").write_text("{}")
    pass_over_unreadable_settings()
    assert "KERAS_HOME" not in os.environ


def test_those_of_keras_home_count(home, unprivileged, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(home / "other"))
    (home / "other").mkdir()
    (home / "other" / "keras.json").touch(mode=0)
    with unprivileged():
        pass_over_unreadable_settings()
        assert os.environ["KERAS_HOME"] != str(home / "other")
        Path(os.environ["KERAS_HOME"]).rmdir()
