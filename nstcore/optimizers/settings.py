"""The settings of the optimisers: frozen, checked when built, and read without importing Keras."""

from __future__ import annotations

from dataclasses import dataclass

from nstcore.checks import expected, number, true_or_false, whole_number
from nstcore.errors import ConfigError


@dataclass(frozen=True)
class Parametrization:
    """What is optimised in place of the pictures.

    Attributes:
        bounded: keep values within 0..255 (`nstcore.optimizers.pixel_range`).
        fourier_exponent: optimise weighted frequencies (`nstcore.optimizers.fourier`); None is pixels.
        decorrelated: of decorrelated colors; of frequencies alone.
    """

    bounded: bool = True
    fourier_exponent: float | None = None
    decorrelated: bool = False


@dataclass(frozen=True)
class LBFGSSettings:
    """Settings of both L-BFGS.

    Attributes:
        history: pairs of steps and gradient differences that are remembered, >= 1; 10 as in SciPy.
        most_evaluations: of one line search, >= 1; 20 as in SciPy.
        restart_every: begin anew, without a memory, after so many evaluations, as the classic Keras example does after
            20; 0 never does.
    """

    history: int = 10
    most_evaluations: int = 20
    restart_every: int = 0

    def __post_init__(self) -> None:
        whole_number("optimizer_settings.history", self.history, 1, most=1000)
        whole_number("optimizer_settings.most_evaluations", self.most_evaluations, 1)
        whole_number("optimizer_settings.restart_every", self.restart_every, 0)


@dataclass(frozen=True)
class FirstOrderSettings:
    """Settings of the first-order methods, in the words of `keras.optimizers`.

    Attributes:
        learning_rate: factor of a step. None: the one at which the first step changes values by one grey level on
            average, whatever the scale of the loss.
        halving: of "sgd" and "gradient-descent": take a step back that leaves the loss above that of the start, and
            halve the rate. None: where no learning rate is given.
        decay_rate, decay_steps: after every so many steps the learning rate is multiplied by the rate.
        staircase: multiply it all at once then; false spreads this evenly over the steps.
        momentum: of "sgd" and "rmsprop".
        beta_1, beta_2: of "adam".
        rho: of "rmsprop".
        epsilon: what is added to divisors, in units of the gradient; of "adam" and "rmsprop".
    """

    learning_rate: float | None = None
    decay_rate: float = 1.0
    decay_steps: int = 100
    staircase: bool = True
    momentum: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    rho: float = 0.9
    epsilon: float = 1e-7
    halving: bool | None = None

    def __post_init__(self) -> None:
        whole_number("optimizer_settings.decay_steps", self.decay_steps, 1)
        if self.learning_rate is not None:
            number("optimizer_settings.learning_rate", self.learning_rate, above=0.0, below=1e30)
        number("optimizer_settings.decay_rate", self.decay_rate, above=0.0, below=1e30)
        for name, default in (("decay_steps", 100), ("staircase", True)):
            if self.decay_rate == 1.0 and getattr(self, name) != default:
                raise ConfigError(
                    f"optimizer_settings.{name} does nothing: the rate stays as it is while decay_rate is 1. "
                    f"Received: {name}={getattr(self, name)}"
                )
        for name in ("momentum", "beta_1", "beta_2", "rho"):
            number(f"optimizer_settings.{name}", getattr(self, name), below=1.0)
        number("optimizer_settings.epsilon", self.epsilon)
        true_or_false("optimizer_settings.staircase", self.staircase)
        if self.halving is not None and not isinstance(self.halving, bool):
            raise ConfigError(expected("optimizer_settings.halving", "true, false or none", self.halving))

    @property
    def halves(self) -> bool:
        """Whether steps that go too far are taken back; of descents."""
        return self.learning_rate is None if self.halving is None else self.halving
