"""Bringing a method to where it was by giving it the same answers again, because what it remembers cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Log:
    """What a method of flat vectors was answered since it began.

    Attributes:
        start: where it began, float64 (N,).
        values: what it was given as losses.
        gradients: float32 (N,) each, which is all the digits they have.
        went_on: how often it went on without an answer, after the last one.
    """

    start: np.ndarray
    values: list[float] = field(default_factory=list)
    gradients: list[np.ndarray] = field(default_factory=list)
    went_on: int = 0

    @property
    def nbytes(self) -> int:
        return sum(gradient.nbytes for gradient in self.gradients)

    def answered(self, value: float, gradient: np.ndarray) -> None:
        """Remember an answer."""
        self.values.append(value)
        self.gradients.append(gradient.astype(np.float32))
        self.went_on = 0

    def replay(self, resume: Callable[..., Any], waits: Callable[[Any], bool]) -> Any:
        """Give a method that was not begun all answers again; return its last pause.

        Args:
            resume: lets the method go on, with an answer or without, until its next pause.
            waits: whether a pause is one for an answer.
        """
        pause = resume()
        for value, gradient in zip(self.values, self.gradients, strict=True):
            while not waits(pause):
                pause = resume()
            pause = resume((value, gradient.astype(np.float64)))
        for _ in range(self.went_on):
            pause = resume()
        return pause

    def to_arrays(self) -> dict[str, np.ndarray]:
        gradients = {f"gradients/{place}": gradient for place, gradient in enumerate(self.gradients)}
        return {
            "start": self.start,
            "values": np.array(self.values, np.float64),
            "went_on": np.array(self.went_on),
            **gradients,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Log:
        """Read what `to_arrays` gave."""
        values = arrays["values"].tolist()
        gradients = [np.array(arrays[f"gradients/{place}"]) for place in range(len(values))]
        return cls(np.array(arrays["start"]), values, gradients, int(arrays["went_on"]))
