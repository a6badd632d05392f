"""A meter at the functions that optimisers compile of a problem: how much of a run the network takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from nstcore.optimizers.protocol import LossFunction

#: (what is evaluated, arguments) -> tensors, the last of them the scalars that the host reads.
Compiled = Callable[..., tuple[Any, ...]]

# What an optimiser's module calls to get the compiled loss and gradient of a loss function.
_COMPILERS = ("_trial", "evaluation")


class Meter:
    """Takes the time of every evaluation, until the scalars of the loss are on the host.

    Attributes:
        seconds: of each call, by loss function, in the order in which they were used: the one that is approximated in
            bfloat16 comes before the one that it is refined to.
    """

    def __init__(self) -> None:
        self.seconds: dict[LossFunction, list[float]] = {}

    @property
    def first(self) -> list[float]:
        """Of each call of the loss function that was used first."""
        return next(iter(self.seconds.values()))

    @property
    def total(self) -> float:
        """Seconds of all calls."""
        return sum(sum(calls) for calls in self.seconds.values())

    def compiler(self, compile_loss: Callable[[LossFunction], Compiled]) -> Callable[[LossFunction], Compiled]:
        """What gives the same functions, measured."""
        from nstcore.backend import to_host

        def compiler(function: LossFunction) -> Compiled:
            compiled, calls = compile_loss(function), self.seconds.setdefault(function, [])

            def measured(*arguments: Any) -> tuple[Any, ...]:
                start = time.perf_counter()
                answer = compiled(*arguments)
                to_host(answer[-1])
                calls.append(time.perf_counter() - start)
                return answer

            return measured

        return compiler


@contextmanager
def metered(optimizer: str) -> Iterator[Meter]:
    """Measure the evaluations of every run of an optimiser that is registered, while the context lasts.

    Raises:
        RuntimeError: if nothing was measured.
    """
    from nstcore.optimizers import optimizer_class

    modules = [sys.modules[kind.__module__] for kind in optimizer_class(optimizer).__mro__]
    module, name = next((module, name) for module in modules for name in _COMPILERS if hasattr(module, name))
    meter = Meter()
    with patch.object(module, name, meter.compiler(getattr(module, name))):
        yield meter
    if not meter.seconds:
        raise RuntimeError(f"the optimizer {optimizer} evaluated nothing through {module.__name__}.{name}")
