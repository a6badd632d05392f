"""Pictures as weighted frequencies: a linear map around a problem that helps any optimiser (Mordvintsev et al. 2018).

A pixel's gradient is mostly of the smallest structures, and residual and Inception networks answer to a grid of single
pixels as they do to strokes. As frequencies, each weighted by a power of its wavelength, large structures move first.
For L-BFGS it is the same as beginning with a fixed filter for the inverse of the Hessian. In that form each step would
take a transform and its inverse, as here each evaluation does, and a step is hardly more than one evaluation: so there
is nothing to be saved by it, and this form suits every optimiser.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from nstcore.backend import on_device, to_host
from nstcore.optimizers.protocol import LossFunction, Minimizable, Tensor
from nstcore.system.kept import droppable

# What decorrelates the colors of ImageNet's photographs, divided by its longest column (Lucid, param/color.py).
_COLORS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])


class Fourier:
    """A problem of z, where x = IDCT(s ∘ z) Cᵀ: the orthonormal cosine transform of each channel, over the picture.

    s = max(f, 1 / longest side)^−exponent, f the cycles per pixel, scaled to a mean of 1. A picture's own frequencies
    fall about as 1 / f, and an exponent of 1 / 2 was measured to leave least of the style, judged by networks that were
    not optimised. C is the identity, or a matrix of decorrelated colors over its longest column.
    """

    def __init__(self, problem: Minimizable, exponent: float, *, decorrelated: bool) -> None:
        """Take a problem of pictures, which may be kept within a range."""
        self.shape = problem.shape
        self.terms = problem.terms
        self.variable = f"fourier ({exponent}, {'decorrelated' if decorrelated else 'rgb'}) of {problem.variable}"
        self.function = _of_frequencies(problem.function)
        self._problem = problem
        self._exponent, self._decorrelated = exponent, decorrelated
        self._basis = _basis(*problem.shape[1:3], exponent, decorrelated)

    @property
    def arguments(self) -> Any:
        return self._problem.arguments, self._basis

    def pictures(self, z: Tensor) -> Tensor:
        return self._problem.pictures(_synthesized(z, self._basis))

    def at(self, pictures: np.ndarray) -> np.ndarray:
        x = np.asarray(self._problem.at(pictures), np.float64)
        _, height, width, _ = self.shape
        scale = frequency_scale(height, width, self._exponent)[..., np.newaxis]
        mixed = x @ np.linalg.inv(_mixing(self._decorrelated)).T
        rows, columns = cosines(height), cosines(width)
        z = np.einsum("fh,bhwc,gw->bfgc", rows, mixed, columns, optimize=True) / scale
        return np.array(z, np.float32)

    def calibrate(self, slopes: np.ndarray, gradient: Tensor) -> None:
        by_pixels = _slopes(gradient, self._basis)
        self._problem.calibrate(to_host(ops.mean(ops.abs(by_pixels), axis=(1, 2, 3))), by_pixels)

    def state_dict(self) -> dict[str, np.ndarray]:
        return self._problem.state_dict()

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        self._problem.load_state(state)

    def of(self, problem: Minimizable) -> Fourier:
        """The same map around another loss."""
        inner = self._problem.of(problem)
        return Fourier(inner, self._exponent, decorrelated=self._decorrelated)


def frequency_scale(height: int, width: int, exponent: float) -> np.ndarray:
    """s, float64 (height, width), > 0, with mean 1; row and column 0 are the frequency 0."""
    down, across = np.arange(height) / (2 * height), np.arange(width) / (2 * width)
    cycles = np.hypot(down[:, np.newaxis], across)
    scale = np.maximum(cycles, 1 / max(height, width)) ** -exponent
    return np.asarray(scale / scale.mean())


def cosines(length: int) -> np.ndarray:
    """The orthonormal discrete cosine transform (type II) as a matrix, float64 (length, length), a row a frequency."""
    frequency, position = np.indices((length, length))
    matrix: np.ndarray = np.sqrt(2 / length) * np.cos(np.pi * frequency * (2 * position + 1) / (2 * length))
    matrix[0] /= np.sqrt(2)
    return matrix


def _mixing(decorrelated: bool) -> np.ndarray:
    return _COLORS / np.linalg.norm(_COLORS, axis=0).max() if decorrelated else np.eye(3)


@droppable
@lru_cache(maxsize=4)
def _basis(height: int, width: int, exponent: float, decorrelated: bool) -> dict[str, Tensor]:
    arrays = {
        "rows": cosines(height).T,
        "columns": cosines(width),
        "scale": frequency_scale(height, width, exponent)[np.newaxis, ..., np.newaxis],
    }
    if decorrelated:
        mixing = _mixing(decorrelated)
        arrays |= {"colors": mixing.T, "no colors": np.linalg.inv(mixing)}
    return {name: on_device(array.astype(np.float32)) for name, array in arrays.items()}


def _synthesized(z: Tensor, basis: Mapping[str, Tensor]) -> Tensor:
    """The pictures (B, H, W, 3) of frequencies."""
    x = _inverse_transform(basis["scale"] * z, basis)
    return ops.matmul(x, basis["colors"]) if "colors" in basis else x


def _slopes(gradient: Tensor, basis: Mapping[str, Tensor]) -> Tensor:
    """The gradient by pixels of a loss whose gradient by frequencies is given."""
    by_pixels = _inverse_transform(gradient / basis["scale"], basis)
    return ops.matmul(by_pixels, basis["no colors"]) if "colors" in basis else by_pixels


def _inverse_transform(frequencies: Tensor, basis: Mapping[str, Tensor]) -> Tensor:
    """From cosines to pixels, (B, H, W, 3), by matrix products: not every backend has a cosine transform."""
    batch, height, width, channels = frequencies.shape
    x = ops.matmul(basis["rows"], ops.reshape(frequencies, (batch, height, width * channels)))
    x = ops.transpose(ops.reshape(x, (batch, height, width, channels)), (0, 1, 3, 2))
    return ops.transpose(ops.matmul(x, basis["columns"]), (0, 1, 3, 2))


@droppable
@lru_cache(maxsize=16)
def _of_frequencies(function: LossFunction) -> LossFunction:
    def composed(z: Tensor, arguments: Any) -> tuple[Tensor, Tensor]:
        inner, basis = arguments
        return function(_synthesized(z, basis), inner)

    return composed
