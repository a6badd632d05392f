"""Every variable that numbers may depend on: overridden here, refused, or harmless for a reason that is told."""

from __future__ import annotations

import json
import threading

import keras
import pytest

from nstcore import ConfigError
from nstcore.keras_settings.numerics import own_numerics

#: Variables that are set to what they are here while anything is computed, and back afterwards, by backend. Those of
#: JAX and torch below are what environment variables of theirs (JAX_ENABLE_X64, JAX_DEFAULT_MATMUL_PRECISION,
#: TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, …) set; KERAS_HOME and keras.json set those of Keras.
OVERRIDDEN = {
    "tensorflow": (
        *("floatx float16", "floatx float64", "epsilon", "image_data_format", "numpy.seterr"),
        *("dtype_policy mixed_float16", "dtype_policy bfloat16", "dtype_policy float64"),
        *("tf32", "auto_mixed_precision", "auto_mixed_precision_onednn_bfloat16"),
    ),
    "jax": (
        *("floatx float16", "image_data_format", "dtype_policy mixed_float16"),
        *("jax_enable_x64", "jax_default_matmul_precision", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion"),
    ),
    "torch": (
        *("floatx float16", "image_data_format", "dtype_policy mixed_float16"),
        *("default dtype", "autocast", "float32_matmul_precision"),
        *("fp32_precision cudnn.conv", "fp32_precision mkldnn.conv"),
        *("fp32_precision cuda.matmul", "fp32_precision mkldnn.matmul"),
    ),
}
#: Variables of the environment that lower the precision inside libraries, where nothing can override them.
REFUSED = (
    ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16"),
    ("ONEDNN_DEFAULT_FPMATH_MODE", "any"),
    ("DNNL_DEFAULT_FPMATH_MODE", "TF32"),
    ("TF_SET_ONEDNN_FPMATH_MODE", "BF16"),
    ("NVIDIA_TF32_OVERRIDE", "1"),
    ("XLA_FLAGS", "--xla_dump_to=/nowhere --xla_cpu_enable_fast_math=true"),
    ("XLA_FLAGS", "--xla_cpu_enable_fast_math"),
)
#: Variables that change what another processor or number of threads changes too: the order of sums, in float32.
HARMLESS = (
    ("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT"),
    ("NVIDIA_TF32_OVERRIDE", "0"),  # forbids what is not used here
    ("XLA_FLAGS", "--xla_cpu_enable_fast_math=false --xla_force_host_platform_device_count=2"),
    ("TF_ENABLE_ONEDNN_OPTS", "0"),  # other kernels
    ("TF_XLA_FLAGS", "--tf_xla_auto_jit=2"),  # fused operations
    ("TF_DETERMINISTIC_OPS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("KERAS_NNX_ENABLED", "false"),
    ("KERAS_BACKEND", "jax"),  # the three agree (test_backends.py); the manifest names it
)


@pytest.fixture(scope="module")
def probe(ask):
    """backend -> what `numerics_probe.py` found on it."""
    return lambda backend: json.loads(str(ask("numerics", backend)["found"]))


@pytest.mark.parametrize(
    ("backend", "name"), [(backend, name) for backend, names in OVERRIDDEN.items() for name in names]
)
def test_a_variable_of_the_process_changes_no_number_and_is_left_as_it_is(probe, backend, name):
    found = probe(backend)[name]
    assert found["error"] == ""
    assert found["different"] == []
    assert found["meanwhile"] == [found["ours"]] != [found["theirs"]]
    assert found["afterwards"] == found["theirs"]


@pytest.mark.parametrize("backend", OVERRIDDEN)
def test_the_table_has_every_variable_that_the_probe_changes(probe, backend):
    assert set(probe(backend)) == set(OVERRIDDEN[backend])


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_cannot_be_overridden_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name), own_numerics():
        pass


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_what_is_harmless_is_not_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with own_numerics():
        assert keras.config.floatx() == "float32"


@pytest.fixture
def float64():
    """A process that someone set up for float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(policy)


def settings() -> tuple[str, str]:
    return keras.config.floatx(), keras.config.dtype_policy().name


@pytest.mark.usefixtures("float64")
def test_contexts_may_be_nested_and_end_with_an_error():
    seen = []

    @own_numerics()
    def outer() -> None:
        with own_numerics():
            seen.append(settings())
        seen.append(settings())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outer()
    assert seen == [("float32", "float32")] * 2
    assert settings() == ("float64", "float64")


@pytest.mark.usefixtures("float64")
def test_contexts_of_threads_overlap_and_each_has_the_policy():
    """The first to begin is the first to end, and must not set the others back."""
    begun, ended = threading.Event(), threading.Event()
    seen = []

    def other() -> None:
        with own_numerics():
            begun.set()
            ended.wait(10)
            seen.append(settings())

    thread = threading.Thread(target=other)
    with own_numerics():
        thread.start()
        assert begun.wait(10)
    ended.set()
    thread.join()
    assert seen == [("float32", "float32")]
    assert settings() == ("float64", "float64")
