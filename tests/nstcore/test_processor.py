"""What precision="auto" chooses."""

import pytest
from threadpoolctl import threadpool_info

from nstcore import TransferConfig, processor


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
    monkeypatch.setattr(processor, "_flags", lambda: flags)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert TransferConfig(precision="auto").resolved().precision == precision


def test_what_is_asked_for_is_not_changed(monkeypatch):
    monkeypatch.setattr(processor, "_flags", set)
    for precision in ("float32", "bfloat16"):
        assert TransferConfig(precision=precision).resolved().precision == precision


def test_runs_in_threads_share_one_limit_of_blas():
    """The first to end is not the first to begin, nor may it lift the limit under the other."""

    def blas():
        return {pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openblas"}

    before = blas()
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
