"""What an optimiser is: it improves the pictures of a batch, each with an end of its own, by one protocol."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from keras import ops

from nstcore.backend import backend_name
from nstcore.errors import ConfigError, DivergenceError

#: A tensor of the active backend.
Tensor = Any
#: (z, arguments) -> (what is minimized (B,), the terms (B, T)), traceable and differentiable; B pictures (B, H, W, 3).
LossFunction = Callable[[Tensor, Any], tuple[Tensor, Tensor]]


class Minimizable(Protocol):
    """What optimisers see of a problem.

    Attributes:
        shape: of the variable, (B, H, W, 3); the pictures do not depend on each other.
        terms: names of the terms, "total" first.
        function: the loss. One object serves all problems of a structure, so that what is compiled from it is shared.
        arguments: the function's, on the device.
        variable: what the variable is: "pixels", pixels within a "range", or "fourier" of either.
    """

    variable: str
    shape: tuple[int, int, int, int]
    terms: tuple[str, ...]
    function: LossFunction

    @property
    def arguments(self) -> Any: ...

    def pictures(self, z: Tensor) -> Tensor:
        """The pictures that a value of the variable stands for."""
        ...

    def at(self, pictures: np.ndarray) -> np.ndarray:
        """The variable that stands for pictures, float32 (B, H, W, 3)."""
        ...

    def of(self, problem: Minimizable) -> Minimizable:
        """The same map around another loss of the pictures, what was learned included."""
        ...

    def calibrate(self, slopes: np.ndarray, gradient: Tensor) -> None:
        """Learn the gradient (B, H, W, 3) at the initial variable, and its mean absolute values (B,), once known."""
        ...

    def state_dict(self) -> dict[str, np.ndarray]:
        """What was learned."""
        ...

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Know what another problem had learned."""
        ...


@dataclass(frozen=True)
class Report:
    """How one picture of a batch fares.

    Attributes:
        row: its place in the batch.
        evaluations: of loss and gradient, so far.
        terms: name -> value at the current picture; of the start, or of a step that was taken.
        stuck: no step lowers the loss.
        error: what ended it.
    """

    row: int
    evaluations: int
    terms: Mapping[str, float]
    stuck: bool = False
    error: DivergenceError | None = None


class Optimizer(ABC):
    """A run over a batch of pictures: `start` it, or `load_state` of another run, then `step`.

    Rows that end, or that nobody asks to step, stay what they are. It is a context, whose end frees what it holds.
    """

    def __init__(self, settings: Any) -> None:
        """Take the settings that the optimiser is registered with."""
        self._settings = settings

    @property
    @abstractmethod
    def bytes_per_value(self) -> int:
        """Memory that it takes for each value of the pictures, besides the network's."""

    def expect_states(self) -> None:  # noqa: B027 - most optimisers need not know
        """Be told, before `start` or `load_state`, that `state_dict` will be asked for."""

    @abstractmethod
    def start(self, problem: Minimizable, x: np.ndarray) -> list[Report]:
        """Evaluate the initial variable, float32 (B, H, W, 3), and report each."""

    @abstractmethod
    def step(self, rows: Collection[int] | None = None) -> list[Report]:
        """Evaluate the rows that are to go on (None: all) once, and report those that took a step, or cannot.

        A step may take several evaluations; until it is taken there is nothing to report of its row.
        """

    @abstractmethod
    def refine(self, problem: Minimizable, *, is_another: bool = False) -> list[Report]:
        """Go on with another loss that the one so far approximates, keeping what was learned of the curvature.

        Only errors are reported, because no step was taken.

        Args:
            problem: the loss from now on.
            is_another: it is not one that was approximated: what was learned of the curvature does not hold for it.
        """

    @abstractmethod
    def picture(self) -> np.ndarray:
        """The pictures found so far, float32 (B, H, W, 3), on the host."""

    @abstractmethod
    def state_dict(self) -> dict[str, np.ndarray]:
        """All that the run depends on but the problem, as arrays that `np.savez` takes."""

    @abstractmethod
    def load_state(self, problem: Minimizable, state: Mapping[str, np.ndarray]) -> None:
        """Go on where another run of an equal problem was when its `state_dict` was made.

        Raises:
            ConfigError: if it is of another optimiser, backend or size.
        """

    def identity(self, problem: Minimizable) -> dict[str, np.ndarray]:
        """What a state must agree in to be taken up."""
        return {
            "optimizer": np.array(type(self).__name__),
            "backend": np.array(backend_name()),
            "variable": np.array(problem.variable),
            "shape": np.array(problem.shape),
        }

    def check_identity(self, problem: Minimizable, state: Mapping[str, np.ndarray]) -> None:
        """Raise a ConfigError unless a state is of a run like this one."""
        here, there = (
            {name: array.tolist() for name, array in identity.items()}
            for identity in (
                self.identity(problem),
                {name: np.asarray(state.get(name, "")) for name in self.identity(problem)},
            )
        )
        if here != there:
            raise ConfigError(f"the state of an optimizer must be of {here}. Received: {there}")

    def close(self) -> None:  # noqa: B027 - most optimisers hold nothing
        """Free what it holds besides memory."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def divergence(
    terms: Mapping[str, float],
    gradient_is_finite: bool,
    evaluation: int,
    advice: str = "lower the weights, or choose another precision or style_normalization",
) -> DivergenceError | None:
    """The error for an evaluation that gave a term or a gradient that is NaN or infinite; None if all is well."""
    for name in (*(name for name in terms if name != "total"), "total"):
        if not math.isfinite(terms[name]):
            return DivergenceError(f"the {name} loss became {terms[name]} at evaluation {evaluation}; {advice}")
    if not gradient_is_finite:
        return DivergenceError(f"the gradient has a NaN or infinite entry at evaluation {evaluation}; {advice}")
    return None


def per_row(rows: np.ndarray, new: Tensor, old: Tensor) -> Tensor:
    """A batch (B, …) with the rows of `new` where a (B,) mask says so, else those of `old`."""
    return ops.where(rows.reshape(-1, *(1,) * (len(new.shape) - 1)), new, old)
