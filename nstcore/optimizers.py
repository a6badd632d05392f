"""One verb per method: minimise a flat objective, report every accepted step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.optimize

from nstcore.config import Optimizer

#: x -> (loss, gradient), both float64.
ValueAndGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
#: Called after each step with x (a buffer that the next step overwrites) and the loss there.
OnStep = Callable[[np.ndarray, float], None]
#: (function, x0, iterations, on_step) -> (x, why it stopped).
Minimize = Callable[[ValueAndGradient, np.ndarray, int, OnStep], tuple[np.ndarray, str]]


def lbfgs(function: ValueAndGradient, x0: np.ndarray, iterations: int, on_step: OnStep) -> tuple[np.ndarray, str]:
    """Minimise with `scipy.optimize.fmin_l_bfgs_b`, in one call, so that the curvature history is never thrown away.

    It stops after `iterations` steps, or when no step lowers the loss any more. SciPy's own tolerances are off: `pgtol`
    is absolute and `factr` relative to max(|f|, 1), so what they mean would depend on the scale of the loss. No bounds
    are set: SciPy handles them pixel by pixel in Python.
    """

    def callback(intermediate_result: scipy.optimize.OptimizeResult) -> None:  # SciPy goes by the parameter's name
        on_step(intermediate_result.x, float(intermediate_result.fun))

    x, _, info = scipy.optimize.fmin_l_bfgs_b(
        function,
        x0,
        m=10,
        factr=0.0,
        pgtol=0.0,
        maxiter=iterations,
        maxfun=_MOST_EVALUATIONS_PER_STEP * iterations + 1,
        maxls=_MOST_EVALUATIONS_PER_STEP,
        callback=callback,
    )
    return x, str(info["task"])


# SciPy's default for one line search; the budget of evaluations must never end a run before its iterations do.
_MOST_EVALUATIONS_PER_STEP = 20

OPTIMIZERS: dict[Optimizer, Minimize] = {"lbfgs": lbfgs}
