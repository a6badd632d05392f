"""What jobs that need a network have in common, and those that are done for the cells of a grid."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath
from typing import Any, ClassVar, Self

import luigi

from nstcore import WeightsError
from nstcore.failures import KILLED
from nstcore.system.quiet import import_keras_quietly
from pipeline.grid.cell import Cell, Kind
from tasks.inputs import BackboneWeights
from tasks.outcome import SettlingTask
from tasks.parameters import CellsParameter, batch_size, joined_text, output_dir
from tasks.sharing import Elsewhere, made_alone
from tasks.states import keep_state, kept_meanwhile, snapshots, state_every


class NetworkTask(SettlingTask):
    """A job that holds a network in memory. As many run at once as luigi.cfg allows accelerators."""

    backbone: str = luigi.Parameter()
    version: str = luigi.Parameter(description="digest of everything the output depends on")
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    resources: ClassVar[dict[str, int]] = {"accelerator": 1}
    #: Luigi's own name for how often a task may be left by workers that die before the scheduler gives it out no more.
    #: Before that whoever makes it gives it up, with a line of why (`pipeline.sharing.deaths`).
    retry_count = 2 * KILLED.tries
    #: Whether a process that has a network loaded does it sooner than one that was just started.
    needs_network: ClassVar[bool] = True

    @property
    def cell(self) -> Cell:
        """A cell that the job is done for."""
        raise NotImplementedError

    #: The picture that is looked at; a content picture, wherever both are.
    kind: ClassVar[Kind] = "content"

    def weights_tasks(self) -> list[BackboneWeights]:
        return [
            BackboneWeights(backbone=backbone, weights=weights, output_dir=self.output_dir)
            for backbone, weights in self.cell.networks(self.kind)
        ]

    def check_weights(self) -> None:
        """Load the networks, and see that they are those that the cell's digest speaks of."""
        import_keras_quietly()
        from nstcore.networks.extractor import pretrained_network

        for (backbone, weights), sha256 in self.cell.networks(self.kind).items():
            if pretrained_network(backbone, weights)[1].sha256 != sha256:
                raise WeightsError(f"the weights of {backbone} changed while the grid was running; run it again")


class CellsTask(NetworkTask):
    """A job for one cell, or for several that Luigi joins: it leaves what the tasks of the single cells would leave."""

    content: str = joined_text("the content picture's name")
    style: str = joined_text("the style picture's name")
    version: str = joined_text("digest of everything the output depends on")
    cells: tuple[Cell, ...] = CellsParameter()
    state_every: int = state_every()
    keep_state: bool = keep_state()
    snapshots: int = snapshots()

    @classmethod
    def of(cls, cell: Cell, output_dir: str, batch_size: int, **others: Any) -> Self:
        """The task of a planned cell."""
        task: Self = _task_of(cls, cell, output_dir, batch_size, tuple(others.items()))  # type: ignore[arg-type]
        return task

    @property
    def cell(self) -> Cell:
        """The cell, or the first of those that were joined."""
        return self.cells[0]

    @property
    def title(self) -> str:
        """Which cell it is for, in log lines; of several all."""
        return "; ".join(f"{cell.content} × {cell.style}, {cell.series.label}" for cell in self.cells)

    def members(self) -> list[Self]:
        """The tasks of the single cells, in one order however Luigi joined them: their state is taken up in it."""
        if len(self.cells) == 1:
            return [self]
        cells = sorted(self.cells, key=lambda cell: cell.digest)
        return [self.of(cell, self.output_dir, self.batch_size, **kept_meanwhile(self)) for cell in cells]

    def lease_file(self) -> PurePath:
        """The lease of whoever makes a single cell."""
        raise NotImplementedError

    def make(self, members: list[Self]) -> None:
        """Do the job for some of its members, whose leases are held."""
        raise NotImplementedError

    def run(self) -> Iterator[Elsewhere] | None:
        return made_alone(self, self.members(), self.make)

    def tell_failures(self) -> None:
        """Say on Luigi's page what the members failed with."""
        failed = [reason for member in self.members() if (reason := member.failure().reason())]
        if failed:
            self.set_status_message("failed: " + " ".join(failed))


@lru_cache(maxsize=100_000)
def _task_of(
    cls: type[CellsTask], cell: Cell, output_dir: str, batch_size: int, others: tuple[tuple[str, Any], ...]
) -> CellsTask:
    """Luigi keeps tasks too, but looks at every parameter to find one: each report asks for each of its cells."""
    return cls(
        content=cell.content,
        style=cell.style,
        backbone=cell.backbone,
        version=cell.digest,
        cells=(cell,),
        output_dir=output_dir,
        batch_size=batch_size,
        **dict(others),
    )
