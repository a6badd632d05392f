"""What the tests share: small pictures, and a place of their own for everything that is cached."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nstcore.quiet import quiet_tensorflow

quiet_tensorflow()


def _blotches(seed: int, height: int, width: int) -> np.ndarray:
    """A picture with structure at several scales, uint8 (H, W, 3), the same for the same arguments."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for cells in (2, 5, 11):
        coarse = random.uniform(0, 255, (cells, cells, 3))
        rows, columns = (np.arange(side) * cells // side for side in (height, width))
        picture += coarse[rows][:, columns]
    return (picture / 3).astype(np.uint8)


@pytest.fixture(scope="session")
def content_picture() -> np.ndarray:
    return _blotches(1, 48, 64)


@pytest.fixture(scope="session")
def style_picture() -> np.ndarray:
    return _blotches(2, 64, 40)


@pytest.fixture(scope="session")
def blotches() -> Callable[[int, int, int], np.ndarray]:
    """Seed, height, width -> a picture of its own."""
    return _blotches


@pytest.fixture(scope="session")
def run_on_backend() -> Callable[..., None]:
    """Backend, program, its arguments -> run in a process of its own on that backend, on the CPU."""

    def run(backend: str, program: Path, *arguments: Path) -> None:
        finished = subprocess.run(
            [sys.executable, str(program), *map(str, arguments)],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "KERAS_BACKEND": backend,
                "PYTHONPATH": str(Path(__file__).parents[1]),
                "CUDA_VISIBLE_DEVICES": "-1",
                "JAX_PLATFORMS": "cpu",
                # On a busy machine torch's threads spend fifty times longer waiting for each other.
                "OMP_NUM_THREADS": "1",
            },
        )
        assert finished.returncode == 0, finished.stderr

    return run


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can look into and write to; those of pytest are their owner's alone."""
    folder = Path(tempfile.mkdtemp(prefix="nst-test-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    for above, names, _ in os.walk(folder):  # so that also who is not root can remove what tests have closed
        for name in names:
            (Path(above) / name).chmod(0o777)
    shutil.rmtree(folder)


@pytest.fixture
def unprivileged() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Make a block run without root's rights, before which no permission holds. For others it changes nothing."""

    @contextlib.contextmanager
    def unprivileged() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        group = os.getegid()
        os.setegid(65534)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(group)

    return unprivileged
