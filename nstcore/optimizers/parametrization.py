"""What is optimised in place of the pictures themselves: maps around a problem, which optimisers do not notice."""

from __future__ import annotations

from nstcore.optimizers.fourier import Fourier
from nstcore.optimizers.pixel_range import WithinRange
from nstcore.optimizers.protocol import Minimizable
from nstcore.optimizers.settings import Parametrization


def parametrized(problem: Minimizable, parametrization: Parametrization) -> Minimizable:
    """A problem of pictures with the maps around it that are asked for."""
    if parametrization.bounded:
        problem = WithinRange(problem)
    if parametrization.fourier_exponent is None:
        return problem
    return Fourier(problem, parametrization.fourier_exponent, decorrelated=parametrization.decorrelated)
