"""Which backend Keras starts with, who chose it, and what is told when it does not start."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nstcore.keras_settings import start
from nstcore.system.processor import best_precision

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder for Keras' settings, in a process that has not imported Keras."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "file", "name", "place"),
    [
        ("jax", '{"backend": "torch"}', "jax", "the environment variable KERAS_BACKEND"),
        ("", '{"backend": "torch"}', "torch", "keras.json"),
        (None, '{"backend": "abacus"}', "abacus", "keras.json"),
        (None, '{"floatx": "float16"}', "tensorflow", "the default"),
        (None, "no JSON", "tensorflow", "the default"),
        (None, "[]", "tensorflow", "the default"),
        (None, None, "tensorflow", "the default"),
    ],
)
def test_the_backend_is_named_with_the_place_that_chose_it(home, monkeypatch, environment, file, name, place):
    if environment is not None:
        monkeypatch.setenv("KERAS_BACKEND", environment)
    if file is not None:
        (home / "keras.json").write_text(file)
    expected = str(home / place) if place == "keras.json" else place
    assert start.chosen_backend() == start.Backend(name, expected)


def test_without_keras_home_the_settings_are_in_the_home(home, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(home))
    assert start.settings_file() == home / ".keras" / "keras.json"
    monkeypatch.setenv("HOME", str(home / "nowhere"))
    assert start.settings_file() == Path("/tmp/.keras/keras.json")


@pytest.mark.parametrize(("backend", "precision"), [("tensorflow", "bfloat16"), ("jax", "float32")])
def test_auto_precision_asks_the_file_too(home, monkeypatch, backend, precision):
    monkeypatch.setattr("nstcore.system.processor._may_have_accelerator", lambda: False)
    monkeypatch.setattr("nstcore.system.processor._flags", lambda: {"avx512_bf16"})
    (home / "keras.json").write_text(f'{{"backend": "{backend}"}}')
    best_precision.cache_clear()
    try:
        assert best_precision() == precision
    finally:
        best_precision.cache_clear()


def told(folder: Path, keras: str, **others: str) -> str:
    """What `start_keras` says in a process in which packages are these modules instead."""
    for name, source in {"keras": keras, **others}.items():
        path = folder / Path(*name.split("."))
        path.mkdir(parents=True)
        (path / "__init__.py").write_text(source)
    code = (
        "from nstcore import ConfigError\nfrom nstcore.keras_settings.start import start_keras\n"
        "try:\n    start_keras()\n"
        "except ConfigError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "KERAS_BACKEND": "torch"}
    finished = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    return finished.stdout.strip()


FAILURES = {
    "the backend is missing": (
        {"keras": "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"},
        "the backend 'torch', which the environment variable KERAS_BACKEND chooses, is not installed; install it, or "
        "set KERAS_BACKEND to one of tensorflow, jax, torch",
    ),
    "the backend does not start": (
        {"keras": "import torch", "torch": "raise OSError('libcudart.so.12: cannot open shared object file')"},
        "the backend 'torch', which the environment variable KERAS_BACKEND chooses, does not start (OSError: "
        "libcudart.so.12: cannot open shared object file); set KERAS_BACKEND to one of tensorflow, jax, torch",
    ),
    "another package is missing": (
        {"keras": "import no_such_package_at_all"},
        "no_such_package_at_all is not installed, but keras needs it; install it",
    ),
    "another package is broken": (
        {"keras": "import optree", "optree": "raise ValueError('numpy.dtype size changed')"},
        "optree cannot be imported, which Keras needs: ValueError: numpy.dtype size changed",
    ),
}


@pytest.mark.parametrize(("packages", "expected"), FAILURES.values(), ids=FAILURES)
def test_an_error_at_import_is_told_as_what_it_is(tmp_path, packages, expected):
    assert told(tmp_path, **packages) == expected


COLLECTIONS = """
import gc, sys
from nstcore.keras_settings.start import start_keras
if "off" in sys.argv:
    gc.disable()
if "theirs" in sys.argv:
    gc.freeze()
before, collections = gc.get_freeze_count(), []
gc.callbacks.append(lambda phase, info: collections.append(phase))
start_keras(frozen="frozen" in sys.argv)
gc.callbacks.clear()
again = gc.get_freeze_count()
start_keras(frozen=True)  # Keras is there already: freezes nothing more
places = {
    "frozen": again - before > 100_000,
    "old": len(gc.get_objects(generation=2)) > 100_000,
    "young": sum(len(gc.get_objects(generation=young)) for young in (0, 1)) > 100_000,
}
kept = again >= before and gc.get_freeze_count() == again
print(sys.modules["keras"].collections, gc.isenabled(), *[place for place in places if places[place]], kept)
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "0 True old True"),
        (("off",), "0 False young True"),
        (("frozen",), "0 True frozen True"),
        (("theirs",), "0 True young True"),
        (("theirs", "frozen"), "0 True frozen True"),
    ],
)
def test_no_garbage_is_collected_while_keras_is_imported(tmp_path, words, expected):
    """And what is there then is old, or frozen for commands; a collector that is off, or froze some, stays so."""
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/__init__.py").write_text(
        "objects = [[] for _ in range(100_000)]\nfrom __main__ import collections\ncollections = len(collections)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", COLLECTIONS, *words]
    finished = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == expected


PLOTS = """
import os, sys
from pipeline.report import plots
import matplotlib
print(matplotlib.rcParams["backend"], os.environ["MPLBACKEND"], "keras" in sys.modules)
"""


@pytest.mark.parametrize(
    ("variable", "kept"),
    [
        ("module://matplotlib_inline.backend_inline", importlib.util.find_spec("matplotlib_inline") is not None),
        ("nobackend", False),
        ("svg", True),
    ],
)
def test_figures_are_drawn_whatever_matplotlib_is_to_open_windows_with(variable, kept):
    finished = subprocess.run(
        [sys.executable, "-c", PLOTS],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": variable},
        capture_output=True,
        text=True,
        check=True,
    )
    backend = finished.stdout.split()[0]
    assert (backend == variable) is kept
    assert finished.stdout.strip().endswith(f"{variable} False")
