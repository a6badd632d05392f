"""L-BFGS on torch: `torch.optim.LBFGS` with its strong Wolfe line search, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import torch

from nstcore.device_lbfgs import (
    FIRST_STEP,
    HISTORY,
    MOST_EVALUATIONS_PER_STEP,
    DeviceLBFGS,
    Evaluated,
    EvaluateTogether,
    Trial,
    reports,
    values_and_terms,
)

# What is below this, in grey levels or scaled losses, is far below the rounding of either.
_NOTHING = 1e-6
_VECTORS = ("d", "prev_flat_grad")
_LISTS = ("old_dirs", "old_stps")
_NUMBERS = ("t", "H_diag", "prev_loss", "n_iter", "func_evals")


class Minimizer(DeviceLBFGS):
    def _place(self, picture: np.ndarray) -> None:
        self._picture = keras.ops.convert_to_tensor(picture).detach().clone()
        self._picture.grad = torch.zeros_like(self._picture)
        self._forget()

    def _evaluate(self) -> np.ndarray:
        vector, gradient = self._at_picture()
        state = self._optimizer.state[self._picture]
        if self._has_history:
            # torch makes a pair when the next step begins: the gradient it remembers becomes one that differs from
            # this one by what the old loss gave, lest the difference of two losses passes for curvature.
            state["prev_flat_grad"] += (gradient - self._picture.grad).flatten()
        self._picture.grad = gradient
        return vector

    def _at_picture(self) -> tuple[np.ndarray, torch.Tensor]:
        found, gradient = self._at(self._picture.detach())
        return _host(found), gradient

    def _rescale(self, factor: float) -> None:
        self._picture.grad *= factor

    def _forget(self) -> None:
        # A step begins with asking for the value where it is, which is known, and counts that as an evaluation.
        self._optimizer = torch.optim.LBFGS(
            [self._picture],
            max_iter=1,
            max_eval=MOST_EVALUATIONS_PER_STEP + 1,
            tolerance_grad=0.0,
            tolerance_change=_NOTHING,
            history_size=HISTORY,
            line_search_fn="strong_wolfe",
        )

    def _step(self) -> bool:
        # The first direction is -g, its first length lr / Σ|g|; later ones are tried with length lr.
        group = self._optimizer.param_groups[0]
        group["lr"] = 1.0 if self._has_history else FIRST_STEP * self._picture.numel()
        before, gradient = self._picture.clone(), self._picture.grad
        tried: list[tuple[torch.Tensor, np.ndarray, torch.Tensor]] = []
        asked = False

        def closure() -> float:
            nonlocal asked
            if not asked:
                asked = True
                return self._value
            vector, found = self._at_picture()
            self._count(vector)
            tried.append((self._picture.clone(), vector, found))
            self._picture.grad = found
            return float(vector[0])

        self._optimizer.step(closure)
        # torch keeps neither loss nor gradient of the point it chose; comparing pictures costs less than an evaluation.
        for picture, vector, found in reversed(tried):
            if vector[0] < self._value and torch.equal(picture, self._picture):
                self._picture.grad = found
                self._keep(vector)
                self._has_history = True
                return True
        self._picture.copy_(before)
        self._picture.grad = gradient
        return False

    def _z(self) -> torch.Tensor:
        return self._picture

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {"picture": _host(self._picture), "gradient": _host(self._picture.grad)}
        if self._has_history:
            state = self._optimizer.state[self._picture]
            arrays |= {name: _host(state[name]) for name in (*_VECTORS, *_NUMBERS)}
            arrays |= {name: np.array([_host(one) for one in state[name]]) for name in _LISTS}
            arrays["ro"] = np.array([_host(one) for one in state["ro"]])
        return arrays

    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        self._place(arrays["picture"])
        self._picture.grad = keras.ops.convert_to_tensor(arrays["gradient"])
        if self._has_history:
            state = self._optimizer.state[self._picture]
            state |= {name: self._device(arrays[name]) for name in (*_VECTORS, *_NUMBERS)}
            state |= {name: [self._device(one) for one in arrays[name]] for name in (*_LISTS, "ro")}

    def _device(self, array: np.ndarray) -> Any:
        """float32 arrays are tensors, others Python's own numbers."""
        if array.dtype != np.float32:
            return array.item()
        return torch.from_numpy(np.array(array)).to(self._picture.device)


@lru_cache(maxsize=8)
def compiled(terms: Callable[..., Any], bounded: bool) -> EvaluateTogether:
    """Torch computes as it goes: nothing is compiled."""

    def together(trials: Sequence[Trial], arguments: Any) -> Sequence[Evaluated]:
        zs, scales, stiffnesses = zip(*trials, strict=True)
        with torch.enable_grad():
            z = torch.cat(zs).requires_grad_(True)
            factors, springs = torch.tensor(scales).to(z), torch.tensor(stiffnesses).to(z)
            values, found = values_and_terms(terms, z, arguments, factors, springs, bounded)
            (gradients,) = torch.autograd.grad(values.sum(), z)
        rows = reports(values.detach(), found.detach(), gradients)
        return list(zip(rows, gradients.split(1), strict=True))

    return together


def _host(value: torch.Tensor | float) -> np.ndarray:
    return value.cpu().numpy().copy() if isinstance(value, torch.Tensor) else np.array(value)
