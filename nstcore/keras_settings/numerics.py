"""The numbers that this project computes with are its own: float32, channels last, whatever a process is set up for.

Keras and its backends keep data format and precision in variables of the process, which its settings file, the
environment and other code set. Everything here that calls Keras does so within `own_numerics`. So what is computed, and
kept for others to use, does not depend on them; nor do they depend on what is computed here.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

import numpy as np

from nstcore.errors import ConfigError

_FLOAT, _EPSILON, _DATA_FORMAT = "float32", 1e-7, "channels_last"

#: Variables by which libraries compute float32 with fewer digits, and that cannot be overridden once they are loaded:
#: by name, whether a value does so. All other values, and other variables, change the order of sums at most.
_LOWERING: dict[str, Callable[[str], bool]] = {
    # oneDNN, "Floating-point math mode"; the older name is still read.
    "ONEDNN_DEFAULT_FPMATH_MODE": lambda value: value.upper() not in ("", "STRICT"),
    "DNNL_DEFAULT_FPMATH_MODE": lambda value: value.upper() not in ("", "STRICT"),
    "TF_SET_ONEDNN_FPMATH_MODE": lambda value: value != "",
    # cuBLAS and cuDNN: 0 forbids TF32, which is what is asked for here anyway.
    "NVIDIA_TF32_OVERRIDE": lambda value: value not in ("", "0"),
    "XLA_FLAGS": lambda value: any(
        word.startswith("--xla") and "fast_math" in word and not word.lower().endswith(("=false", "=0"))
        for word in value.split()
    ),
}


@contextlib.contextmanager
def own_numerics() -> Iterator[None]:
    """While the context lasts Keras and its backend compute as this project does; also a decorator.

    That is float32 with all its digits (no TF32, no mixed precision but that which the setting `precision` asks for),
    channels last, the usual epsilon, and NumPy's usual warnings. Contexts may be nested, and those of several threads
    may overlap. Afterwards everything is as it was. While one lasts, other threads of the process see part of it.

    Raises:
        ConfigError: if the environment makes libraries lower the precision, which cannot be overridden.
    """
    if getattr(_here, "inside", False):
        yield
        return
    import keras

    from nstcore.backend import thread_numerics

    _refuse_lower_precision()
    with contextlib.ExitStack() as stack:
        # Of types; each thread has its own. Keras makes it of the process' float type when it is first asked: before
        # that is changed.
        policy = keras.config.dtype_policy()
        stack.enter_context(_process())
        if policy.name != _FLOAT:
            stack.callback(keras.config.set_dtype_policy, policy)
            keras.config.set_dtype_policy(_FLOAT)
        stack.enter_context(thread_numerics())
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        _here.inside = True
        stack.callback(setattr, _here, "inside", False)
        yield


_here = threading.local()


class _Process:
    """The variables that all threads share: the first context sets them, the last sets them back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts = 0
        self._before = contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._contexts == 0:
                self._set()
            self._contexts += 1
        try:
            yield
        finally:
            with self._lock:
                self._contexts -= 1
                if self._contexts == 0:
                    self._before.close()

    def _set(self) -> None:
        import keras

        from nstcore.backend import process_numerics

        settings = [
            (keras.config.floatx, keras.config.set_floatx, _FLOAT),
            (keras.config.epsilon, keras.config.set_epsilon, _EPSILON),
            (keras.config.image_data_format, keras.config.set_image_data_format, _DATA_FORMAT),
            *process_numerics(),
        ]
        for read, write, value in settings:
            before = read()
            if before != value:
                self._before.callback(write, before)
                write(value)


_process = _Process()


def _refuse_lower_precision() -> None:
    for name, lowers in _LOWERING.items():
        value = os.environ.get(name, "")
        if lowers(value):
            raise ConfigError(
                f"the environment variable {name}={value!r} lets float32 be computed with fewer digits; unset it. "
                "What is to be computed in bfloat16 says the setting precision"
            )
