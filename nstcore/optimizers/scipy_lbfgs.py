"""SciPy's L-BFGS-B, the reference."""

from __future__ import annotations

import numpy as np
import scipy.optimize

from nstcore.optimizers.flat import FlatFunction, FlatOptimizer, OnStep
from nstcore.optimizers.settings import LBFGSSettings

# Whoever steps it ends it.
_UNLIMITED = 2**30


class ScipyLBFGS(FlatOptimizer):
    """`scipy.optimize.fmin_l_bfgs_b`, in one call, so that no curvature history is thrown away unasked."""

    @property
    def bytes_per_value(self) -> int:
        # Vectors of float64 that SciPy holds with its corrections, and those of its caller.
        settings: LBFGSSettings = self._settings
        return (15 + 2 * settings.history) * 8

    def minimize(self, function: FlatFunction, x0: np.ndarray, on_step: OnStep) -> None:
        """Minimise in one call, or in calls of so many evaluations as `restart_every` says.

        SciPy's own tolerances are off: `pgtol` is absolute and `factr` relative to max(|f|, 1), so what they mean would
        depend on the scale of the loss. No bounds are set: SciPy handles them pixel by pixel in Python.
        """
        settings: LBFGSSettings = self._settings

        stepped = False

        def callback(intermediate_result: scipy.optimize.OptimizeResult) -> None:  # SciPy goes by the parameter's name
            nonlocal stepped
            stepped = True
            on_step(intermediate_result.x, float(intermediate_result.fun))

        x = x0
        while True:
            stepped = False
            x, _, _ = scipy.optimize.fmin_l_bfgs_b(
                function,
                x,
                m=settings.history,
                factr=0.0,
                pgtol=0.0,
                maxiter=_UNLIMITED,
                maxfun=settings.restart_every or _UNLIMITED,
                maxls=settings.most_evaluations,
                callback=callback,
            )
            if not (settings.restart_every and stepped):
                return
