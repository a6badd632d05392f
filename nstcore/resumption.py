"""What a transfer keeps of itself on the way, and how it goes on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from nstcore.checkpoint import Checkpoint
from nstcore.kept_ends import End, arrays_of, described, ends_of, further_losses, iterates_of, table
from nstcore.made_from import difference, made_from
from nstcore.networks.extractor import pretrained_network
from nstcore.recipe import Recipe
from nstcore.result import CoarseRun, Iterate, Resumption, TransferResult
from nstcore.run import Run
from nstcore.scene import Scene
from nstcore.state_file import UnusableStateError
from nstcore.state_keeper import StateKeeper, below

_NEW_MEMORY = "the optimizer's memory was too large to be kept: it began a new one"


@dataclass(frozen=True)
class Reached:
    """Where a transfer was when its state was kept.

    Attributes:
        level: the place of the run among its runs, coarse ones first.
        ends: of each scene in the run before.
        rows: the scenes of the run.
        run: the state of the run.
        iterates: of each picture of the run.
        elapsed: seconds that it had taken.
    """

    level: int
    ends: list[End]
    rows: tuple[int, ...]
    run: Mapping[str, np.ndarray]
    iterates: list[list[Iterate]]
    elapsed: float


class Keeper:
    """Keeps the states of one transfer, and gives the one that is there."""

    def __init__(
        self, checkpoint: Checkpoint, recipe: Recipe, levels: Sequence[Recipe], scenes: Sequence[Scene]
    ) -> None:
        """Take where states are kept and what they are of; `levels` are the coarse runs.

        Raises:
            StyleTransferError: if what the transfer depends on cannot be had.
        """
        self._states = StateKeeper(checkpoint, made_from(recipe, levels, scenes), checkpoint.every)
        self._keeps_the_last = checkpoint.keep
        self._recipes = [*levels, recipe]
        self._resumed: list[list[Resumption]] = [[] for _ in scenes]

    def take_up(self) -> Reached | None:
        """Give the state that is there, if it is one of this transfer; else say in the log why it is not used."""
        state = self._states.read(self._check)
        return self._reached(*state) if state else None

    def due(self) -> bool:
        """Whether it is time to keep a state."""
        return self._states.due()

    def save(
        self,
        level: int,
        ends: Sequence[End],
        rows: Sequence[int],
        run: Run,
        iterates: Sequence[Sequence[Iterate]],
        elapsed: float,
    ) -> None:
        """Keep a state, of what `Reached` says; `rows` are the scenes of the run.

        Where the system refuses, that is said once, and the transfer goes on.
        """
        began = time.monotonic()
        further = further_losses(iterates)
        description = {
            "iterations": self._recipes[-1].iterations,
            "level": level,
            "rows": list(rows),
            "elapsed": elapsed,
            "further losses": further,
            "ends": described(ends),
            "resumed": [[asdict(each) for each in of_scene] for of_scene in self._resumed],
        }
        arrays = {
            **{f"run/{name}": array for name, array in run.state_dict().items()},
            **{f"ends/{name}": array for name, array in arrays_of(ends, further).items()},
            **{f"trace/{place}": table(found, further) for place, found in enumerate(iterates)},
        }
        self._states.write(began, description, arrays)

    def keeps_the_last_of(self, level: int) -> bool:
        """Whether the state at the end of a run is to be kept too."""
        return self._keeps_the_last and level == len(self._recipes) - 1

    def resumed(self, scene: int) -> tuple[Resumption, ...]:
        """Where the transfer of a scene was taken up, each time."""
        return tuple(self._resumed[scene])

    def _check(self, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Raise an `UnusableStateError` unless going on from a state ends where this transfer would end."""
        if "level" not in description:
            raise UnusableStateError("is one of a training")
        here, there = self._recipes[-1].iterations, description["iterations"]
        more = f" for {there} iterations, not {here}" if there != here else ""
        if differing := difference(description["made from"], self._states.made_from):
            raise UnusableStateError(differing + more)
        if not more:
            return
        steps = int(arrays["run/steps"].max())
        if description["level"] == len(self._recipes) - 1 and steps > here:
            raise UnusableStateError(f"is {steps} iterations on, and {here} are asked for")
        if not arrays["run/waiting"].size and not arrays["run/refined"]:
            return
        if len(self._recipes[-1].stages) > 1:
            raise UnusableStateError(f"is in a later stage of its losses{more}")
        if self._recipes[-1].network.precision != "float32":
            raise UnusableStateError(f"was refined in float32 for the last fifth{more}")

    def _reached(self, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Reached:
        further, level, rows = description["further losses"], description["level"], description["rows"]
        run, ended = below("run/", arrays), below("ends/", arrays)
        network = self._recipes[-1].network
        weights = pretrained_network(network.backbone, network.weights)[1]
        configs = {recipe.size: recipe.config for recipe in self._recipes}
        ends = ends_of(description["ends"], ended, further, configs, weights)
        iterates = [iterates_of(arrays[f"trace/{place}"], further) for place in range(len(rows))]
        self._resumed = [[Resumption(**each) for each in of_scene] for of_scene in description["resumed"]]
        note = "" if run.get("optimizer/replayable", np.True_).all() else _NEW_MEMORY
        for row, found in zip(rows, iterates, strict=True):
            if found:
                size = self._recipes[level].size
                self._resumed[row].append(Resumption(size, found[-1].iteration, found[-1].seconds, note))
        at = f"at iteration {_furthest(iterates)} of {self._recipes[level].size} px"
        self._states.taken_up(arrays, at + (f", but not to the bit: {note}" if note else ""))
        return Reached(level, ends, tuple(rows), run, iterates, description["elapsed"])


@dataclass(frozen=True)
class RunStates:
    """The states of one run of a transfer.

    Attributes:
        level: the place of the run among those of the transfer.
        ends: of each scene of the transfer in the run before.
        reached: where the run is taken up; None if it is to be started.
        rows: the scenes of the run.
        resumed: of each of them, where its transfer was taken up, each time.
    """

    keeper: Keeper
    level: int
    ends: Sequence[End]
    reached: Reached | None
    rows: tuple[int, ...] = ()
    resumed: tuple[tuple[Resumption, ...], ...] = ()

    def of(self, rows: Sequence[int]) -> RunStates:
        """The same, for a run of these scenes."""
        return replace(self, rows=tuple(rows), resumed=tuple(self.keeper.resumed(row) for row in rows))

    def after_round(self, run: Run, iterates: Sequence[Sequence[Iterate]], elapsed: float) -> None:
        """Keep a state if it is time; after the last round if that is asked for."""
        if self.keeper.keeps_the_last_of(self.level) if run.has_ended else self.keeper.due():
            self.keeper.save(self.level, self.ends, self.rows, run, iterates, elapsed)


def tell_again(reached: Reached, callbacks: Sequence[Callable[[Iterate], None] | None]) -> None:
    """Tell callbacks of the iterates of before, as they were told then: run by run, all scenes step by step."""
    earlier: dict[int, dict[int, Sequence[Iterate]]] = {}
    for row, end in enumerate(reached.ends):
        if isinstance(end, TransferResult):
            for run in (*end.coarse, CoarseRun(end.config.size, end.trace)):
                earlier.setdefault(run.size, {})[row] = run.trace.iterates
    latest: dict[int, Sequence[Iterate]] = dict(zip(reached.rows, reached.iterates, strict=True))
    runs: list[dict[int, Sequence[Iterate]]] = [*(earlier[size] for size in sorted(earlier)), latest]
    for traces in runs:
        for step in range(max(map(len, traces.values()), default=0)):
            for row, found in traces.items():
                if step < len(found) and (callback := callbacks[row]) is not None:
                    callback(found[step])


def _furthest(iterates: Sequence[Sequence[Iterate]]) -> int:
    return max((found[-1].iteration for found in iterates if found), default=0)
