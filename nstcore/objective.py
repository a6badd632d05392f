"""The flat float64 face of the loss graph that SciPy calls."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nstcore import images
from nstcore.config import TransferConfig
from nstcore.errors import DivergenceError
from nstcore.gradients import Bind, ValueAndGradient, compile_value_and_gradient
from nstcore.loss_graph import TERMS, build_loss_graph
from nstcore.numerics import own_numerics


class Objective:
    """Loss and gradient of a picture, as a function of a flat vector.

    Call it with a float64 vector (H·W·3,) of RGB values, nominally 0..255; it returns the total loss (float) and its
    gradient (float64 (H·W·3,)). It keeps the terms of its last evaluation, counts evaluations, and may be switched once
    from a fast approximation of the loss to the loss itself.

    Attributes:
        x0: the initial picture, float64 (H·W·3,).
        shape: (H, W, 3).
        evaluations: how often loss and gradient were computed.
    """

    def __init__(
        self, value_and_gradient: ValueAndGradient, initial: np.ndarray, exact: ValueAndGradient | None = None
    ) -> None:
        """Wrap a bound graph.

        Args:
            value_and_gradient: the loss, or an approximation of it.
            initial: the float32 (H, W, 3) picture to start from.
            exact: the loss, where the former is an approximation; `refine` switches to it.
        """
        self.shape = initial.shape
        self.x0 = initial.astype(np.float64).ravel()
        self.evaluations = 0
        self._value_and_gradient = value_and_gradient
        self._exact = exact
        self._last_terms: dict[str, float] = {}

    def start_from(self, picture: np.ndarray) -> None:
        """Let the initial picture be another: uint8 (H', W', 3), resized if need be."""
        self.x0 = images.resize_to(picture, *self.shape[:2]).astype(np.float64).ravel()

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute the total loss and its gradient.

        Raises:
            DivergenceError: if a term or the gradient is NaN or infinite, naming the evaluation and the term.
        """
        terms, gradient = self._evaluate(x)
        self.count_evaluation(terms, bool(np.isfinite(gradient).all()))
        return terms["total"], gradient.astype(np.float64).ravel()

    def count_evaluation(self, terms: dict[str, float], gradient_is_finite: bool) -> None:
        """Count an evaluation and keep its terms; optimisers that evaluate the loss on the device tell of it here.

        Raises:
            DivergenceError: as calling the objective does.
        """
        self.evaluations += 1
        for name in (*TERMS[1:], TERMS[0]):
            if not np.isfinite(terms[name]):
                raise DivergenceError(
                    f"the {name} loss became {terms[name]} at evaluation {self.evaluations}; {_ADVICE}"
                )
        if not gradient_is_finite:
            raise DivergenceError(
                f"the gradient has a NaN or infinite entry at evaluation {self.evaluations}; {_ADVICE}"
            )
        self._last_terms = terms

    @property
    def value_and_gradient(self) -> ValueAndGradient:
        """What computes the loss, or the approximation of it until `refine` is called."""
        return self._value_and_gradient

    def refine(self) -> bool:
        """From now on compute the loss itself; tell whether that is a change."""
        if self._exact is None:
            return False
        self._value_and_gradient, self._exact = self._exact, None
        return True

    def components(self, x: np.ndarray) -> dict[str, float]:
        """The total and its three terms (before their weights) at x; not counted as an evaluation."""
        terms, _ = self._evaluate(x)
        return terms

    @property
    def last_components(self) -> dict[str, float]:
        """The terms of the last evaluation; empty before the first."""
        return self._last_terms

    def components_of_value(self, x: np.ndarray, total: float) -> dict[str, float]:
        """The terms at an x that was evaluated before with this total: free if it was the last one."""
        return self._last_terms if self._last_terms.get("total") == total else self.components(x)

    def to_image(self, x: np.ndarray) -> np.ndarray:
        """The picture at x: uint8 (H, W, 3), rounded and clipped to 0..255."""
        return images.to_uint8(x.reshape(self.shape))

    def _evaluate(self, x: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        return self._value_and_gradient(np.asarray(x, np.float32).reshape(1, *self.shape))


_ADVICE = "lower the weights, or choose another precision or style_normalization"


@lru_cache(maxsize=8)
@own_numerics()
def compiled_loss(structure: TransferConfig, height: int, width: int, batch: int = 1) -> Bind:
    """The compiled loss of a `TransferConfig.structure`, size and number of pictures, once per process.

    Graphs share the weights of their network; the bound keeps a long grid of many sizes from collecting workspaces.
    """
    return compile_value_and_gradient(build_loss_graph(structure, height, width, batch))
