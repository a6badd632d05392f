"""What the tests of the tasks share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import luigi
import pytest
from luigi.execution_summary import LuigiRunResult

from benchmarks.common import ports
from nstcore.pictures.images import write_picture
from pipeline.sharing import shared_run
from tasks import FullGrid


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


def _run(task: luigi.Task) -> LuigiRunResult:
    shared_run.leave()
    try:
        return luigi.build([task], local_scheduler=True, detailed_summary=True, log_level="WARNING")
    finally:
        shared_run.leave()


@pytest.fixture(scope="session")
def run() -> Callable[[luigi.Task], LuigiRunResult]:
    """Run a task as a new `luigi` process would."""
    return _run


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Name, what fills a folder -> that folder as it was when it had been filled, whatever tests did to it since.

    For grids from which many tests start. The folder is at the same place each time, because reports name the folders
    of their pictures, and its files have the times and links that they had.
    """
    root = tmp_path_factory.mktemp("kept")

    def kept(name: str, fill: Callable[[Path], None]) -> Path:
        folder, original = root / name, root / f"{name}-original"
        if not original.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a filling that failed
            folder.mkdir()
            fill(folder)
            _copy_whole(folder, original)
        shutil.rmtree(folder)
        _copy_whole(original, folder)
        return folder

    return kept


@pytest.fixture
def two_cells(tmp_path: Path, blotches: Callable[..., Any]) -> FullGrid:
    """A grid of the contents "bridge" and "cat" in one style, through VGG16 with random weights, nothing made yet."""
    for seed, name in enumerate(("content/bridge", "content/cat", "style/ink")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(tmp_path / f"{name}.png", blotches(seed, 60, 70))
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
    places = {f"{name}_dir": str(tmp_path / name) for name in ("content", "style")}
    fast = {"backbones": "vgg16", "size": 48, "iterations": 2, "weights": "random", "settings": settings}
    return FullGrid(**{**places, **fast, "output_dir": str(tmp_path / "outputs")})


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are laid out and written, but not drawn: for tests of when they are made, and of what is beside them.

    To draw them is most of what a small grid takes. What figures show is seen to in tests/pipeline/report, and that
    grids draw it in test_full_grid.py.
    """
    from matplotlib.figure import Figure

    from pipeline.report import plots

    blank = {suffix: plots.encode(Figure(figsize=(1, 1)), suffix) for suffix in (".png", ".svg")}
    monkeypatch.setattr(plots, "encode", lambda figure, suffix: blank[suffix])


def _copy_whole(folder: Path, copy: Path) -> None:
    subprocess.run(["cp", "-a", str(folder), str(copy)], check=True)
