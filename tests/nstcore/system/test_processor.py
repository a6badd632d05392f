"""What precision="auto" chooses."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nstcore import TransferConfig
from nstcore.keras_settings.start import Backend
from nstcore.system import processor

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _asked_anew():
    processor.best_precision.cache_clear()
    yield
    processor.best_precision.cache_clear()


@pytest.mark.parametrize(
    ("flags", "backend", "precision"),
    [
        ({"fpu", "avx512_bf16"}, "tensorflow", "bfloat16"),
        ({"fpu", "amx_bf16"}, "tensorflow", "bfloat16"),
        ({"asimd", "bf16"}, "tensorflow", "bfloat16"),
        ({"fpu", "avx512f"}, "tensorflow", "float32"),
        (set(), "tensorflow", "float32"),
        ({"fpu", "avx512_bf16"}, "jax", "float32"),
        ({"fpu", "avx512_bf16"}, "torch", "float32"),
    ],
)
def test_auto_is_what_was_measured_to_be_faster(monkeypatch, flags, backend, precision):
    monkeypatch.setattr(processor, "_may_have_accelerator", lambda: False)
    monkeypatch.setattr(processor, "_flags", lambda: flags)
    monkeypatch.setattr(processor, "chosen_backend", lambda: Backend(backend, "a test"))
    assert TransferConfig(precision="auto").resolved().precision == precision


@pytest.mark.parametrize(
    ("answer", "flags", "precision"),
    [
        (True, set(), "bfloat16"),
        (False, {"avx512_bf16"}, "float32"),
        (None, {"avx512_bf16"}, "bfloat16"),
        (None, set(), "float32"),
    ],
)
def test_an_accelerator_that_computes_counts_before_the_processor(monkeypatch, answer, flags, precision):
    monkeypatch.setattr(processor, "_may_have_accelerator", lambda: True)
    monkeypatch.setattr(processor, "_accelerator_multiplies_bfloat16", lambda: answer)
    monkeypatch.setattr(processor, "_flags", lambda: flags)
    monkeypatch.setattr(processor, "chosen_backend", lambda: Backend("tensorflow", "a test"))
    assert TransferConfig(precision="auto").resolved().precision == precision


_ANSWERS = {"True": "return True", "False": "return False", "fails": "raise RuntimeError"}


@pytest.mark.parametrize(
    ("driver", "answer", "precision"),
    [
        (True, "True", "bfloat16"),
        (True, "False", "float32"),
        (True, "fails", "float32"),
        (False, "True", "float32"),  # not asked
    ],
)
def test_the_backend_is_asked_in_a_process_of_its_own_where_there_is_a_driver(tmp_path, driver, answer, precision):
    """On JAX, where a processor of any kind means float32; `sitecustomize` answers in the backend's place."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\n"
        "sys.modules['nstcore.backend'] = adapter = types.ModuleType('nstcore.backend')\n"
        f"def answer():\n    open({str(tmp_path / 'asked')!r}, 'a').write('x')\n    {_ANSWERS[answer]}\n"
        "adapter.multiplies_bfloat16 = answer\n"
    )
    commands = tmp_path / "bin"
    commands.mkdir()
    if driver:
        (commands / "nvidia-smi").write_text("#!/bin/sh\n")
        (commands / "nvidia-smi").chmod(0o755)
    code = (
        "import sys\n"
        "from nstcore import TransferConfig\n"
        "found = {TransferConfig(precision='auto').resolved().precision for _ in range(3)}\n"
        "print(*found, 'keras' in sys.modules)\n"
    )
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PATH": str(commands),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
    }
    finished = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == [precision, "False"]
    asked = tmp_path / "asked"
    assert (asked.read_text() if asked.exists() else "") == ("x" if driver else "")  # once, however often


CAPABILITIES = pytest.mark.parametrize(
    ("capability", "answer"), [((7, 5), False), ((8, 0), True), ((9, 0), True), ((10, 3), True), (None, False)]
)


@CAPABILITIES
def test_tensorflow_tells_of_a_gpu_by_its_capability(monkeypatch, capability, answer):
    adapter = importlib.import_module("nstcore.backend.tensorflow")
    details = {"device_name": "a GPU"} | ({"compute_capability": capability} if capability else {})
    monkeypatch.setattr(adapter.tf.config, "list_physical_devices", lambda kind: ["the first"])
    monkeypatch.setattr(adapter.tf.config.experimental, "get_device_details", lambda gpu: details)
    assert adapter.multiplies_bfloat16() is answer


@CAPABILITIES
def test_torch_tells_of_a_gpu_by_its_capability(monkeypatch, capability, answer):
    pytest.importorskip("torch")
    adapter = importlib.import_module("nstcore.backend.torch")
    monkeypatch.setattr(adapter.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(adapter.torch.cuda, "get_device_capability", lambda: capability or (9, 0))
    monkeypatch.setattr(adapter.torch.version, "cuda", "12.6" if capability else None)  # None: built for AMD
    assert adapter.multiplies_bfloat16() is answer


@CAPABILITIES
def test_jax_tells_of_a_gpu_by_its_capability(monkeypatch, capability, answer):
    pytest.importorskip("jax")
    adapter = importlib.import_module("nstcore.backend.jax")
    name = ".".join(map(str, capability)) if capability else "gfx90a"
    device = SimpleNamespace(platform="gpu", compute_capability=name)
    monkeypatch.setattr(adapter.jax, "devices", lambda: [device])
    assert adapter.multiplies_bfloat16() is answer


def test_jax_tells_of_a_tpu(monkeypatch):
    pytest.importorskip("jax")
    adapter = importlib.import_module("nstcore.backend.jax")
    monkeypatch.setattr(adapter.jax, "devices", lambda: [SimpleNamespace(platform="tpu")])
    assert adapter.multiplies_bfloat16() is True


def test_what_is_asked_for_is_not_changed(monkeypatch):
    monkeypatch.setattr(processor, "_flags", set)
    for precision in ("float32", "bfloat16"):
        assert TransferConfig(precision=precision).resolved().precision == precision


@pytest.fixture
def _two_threads_of_blas():
    """Whatever the machine has and the environment says, so that one thread is fewer."""
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("_two_threads_of_blas")
def test_runs_in_threads_share_one_limit_of_blas():
    """The first to end is not the first to begin, nor may it lift the limit under the other."""

    def blas():
        return {pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openblas"}

    before = blas()
    assert before == {2}
    first, second = processor.single_threaded_blas(), processor.single_threaded_blas()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas() == {1}
    second.__exit__(None, None, None)
    assert blas() == before
    with pytest.raises(ZeroDivisionError), processor.single_threaded_blas():
        raise ZeroDivisionError
    assert blas() == before
