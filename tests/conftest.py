"""What the tests share: small pictures, processors, and whatever is too dear to be made more than once.

How tests are spread over processes is said in the conftest.py above this folder. Each process imports Keras (4 s) and
makes the fixtures of the session for itself. What several files need and a child process can tell, such as the answers
of a Keras backend, is made through `made_once`: once for all processes. A grid from which many tests of the tasks start
is made through their `kept`, and put back for each test.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import numpy as np
import pytest

from nstcore.system.quiet import quiet_tensorflow
from tests.modules import module_of

quiet_tensorflow()

#: How long an example of an open-ended test takes says more about what else the machine does.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Name, what fills a folder -> that folder, filled by the first of all processes that asks; others wait for it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def made(name: str, fill: Callable[[Path], None]) -> Path:
        folder = root / f"made-once-{name}"
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            failure = folder.with_suffix(".failure")
            if failure.exists():
                pytest.fail(failure.read_text(encoding="utf-8"))
            if not folder.exists():
                unfinished = folder.with_suffix(".unfinished")
                unfinished.mkdir()
                try:
                    fill(unfinished)
                except Exception as error:  # told to all who ask, and not tried again by each
                    failure.write_text(f"{name}: {error}", encoding="utf-8")
                    raise
                unfinished.rename(folder)
        return folder

    return made


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
def run_on_backend() -> Callable[..., str]:
    """Backend, program (or -m and a module), its arguments -> what it prints, in a process of its own, on the CPU."""

    def run(backend: str, program: Path | str, *arguments: Path | str) -> str:
        finished = subprocess.run(
            [sys.executable, str(program), *map(str, arguments)],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "KERAS_BACKEND": backend,
                "PYTHONPATH": str(ROOT),
                "CUDA_VISIBLE_DEVICES": "-1",
                "JAX_PLATFORMS": "cpu",
                # On a busy machine torch's threads spend fifty times longer waiting for each other.
                "OMP_NUM_THREADS": "1",
                # JAX compiles longer than it computes here. (At level 0, which saves a quarter more, programs of many
                # losses crash now and then.)
                "XLA_FLAGS": "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true",
            },
        )
        assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr
        return finished.stdout

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


@pytest.fixture
def documented() -> Iterator[ModuleType]:
    """The loss and the optimiser of the documentation, registered; the module that knows their settings."""
    module = module_of(Path(__file__).parent / "nstcore/extending_probe.py")
    module.register()
    yield module
    module.unregister()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server on loopback, with credentials for it in the environment."""
    server_of = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    named = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {name: os.environ.get(name) for name in named}
    os.environ |= named
    yield named["AWS_ENDPOINT_URL"]
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    server.stop()


@pytest.fixture
def bucket(s3_server: str) -> str:
    """The address of a bucket of its own."""
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    with urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{name}", method="PUT")):
        return f"s3://{name}"
