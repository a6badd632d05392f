"""How fast are matrix products here? The best rate of one library in one precision, over several sizes.

python -m benchmarks.common.matrix_rate --library torch --precision bfloat16
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks.common.measure import run_module
from benchmarks.common.problem import numbers
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

#: Makes a product of two square matrices of a size, and waits for a product's end.
Product = tuple[Callable[[], Any], Callable[[Any], object]]

_PRODUCTS, _BATCHES = 3, 3


def best_rate(precision: str, libraries: tuple[str, ...], sizes: str = "1024,2048,4096") -> tuple[float, str]:
    """Operations per second of the best library of those installed, each in a fresh process, and its name."""
    rates = {}
    for library in libraries:
        if importlib.util.find_spec(library) is not None and not (library == "numpy" and precision != "float32"):
            words = ["--library", library, "--precision", precision, "--sizes", sizes]
            rates[library], _ = run_module("benchmarks.common.matrix_rate", words)
    best = max(rates, key=rates.__getitem__)
    return rates[best], best


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure matrix products.")
    parser.add_argument("--library", choices=sorted(_LIBRARIES), required=True)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--sizes", type=numbers, default=[1024, 2048, 4096])
    options = parser.parse_args()
    quiet_tensorflow()
    print(json.dumps(max(_rate(_LIBRARIES[options.library](size, options.precision), size) for size in options.sizes)))


def _rate(product: Product, size: int) -> float:
    multiply, wait = product
    wait(multiply())
    best = float("inf")
    for _ in range(_BATCHES):
        start = time.perf_counter()
        for _ in range(_PRODUCTS):
            last = multiply()
        wait(last)
        best = min(best, (time.perf_counter() - start) / _PRODUCTS)
    return 2.0 * size**3 / best


def _numpy(size: int, precision: str) -> Product:
    import numpy as np

    matrix = np.random.default_rng(0).normal(size=(size, size)).astype(precision)
    return lambda: matrix @ matrix, lambda answer: answer


def _tensorflow(size: int, precision: str) -> Product:
    import_keras_quietly()
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal((size, size)), precision)
    return lambda: tf.matmul(matrix, matrix), lambda answer: answer[0, 0].numpy()


def _torch(size: int, precision: str) -> Product:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(size, size, device=device).to(getattr(torch, precision))
    return lambda: matrix @ matrix, lambda answer: answer[0, 0].item()


def _jax(size: int, precision: str) -> Product:
    import jax

    matrix = jax.random.normal(jax.random.key(0), (size, size)).astype(precision)
    multiply = jax.jit(lambda x: x @ x)
    return lambda: multiply(matrix), lambda answer: answer.block_until_ready()


_LIBRARIES: dict[str, Callable[[int, str], Product]] = {
    "numpy": _numpy,
    "tensorflow": _tensorflow,
    "torch": _torch,
    "jax": _jax,
}


if __name__ == "__main__":
    main()
