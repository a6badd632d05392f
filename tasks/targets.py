"""What the losses keep of pictures: computed once for all cells that share it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Self

import luigi

from pipeline.grid.cell import Cell
from pipeline.grid.digest import target_digest
from pipeline.grid.paths import picture_name, target_file
from pipeline.outputs.stores import TargetsStore
from pipeline.sharing.leases import lease_beside
from pipeline.storage.places import place_at
from pipeline.storage.sealed import DamagedError
from tasks.inputs import Picture
from tasks.network_task import NetworkTask
from tasks.outcome import FailureRecord
from tasks.parameters import CellParameter
from tasks.sharing import Elsewhere, made_alone

if TYPE_CHECKING:
    from nstcore.targets import Targets


class ComputeTarget(NetworkTask):
    """What the losses keep of a picture. Its cell is any of those that share it, at any place among its styles."""

    cell: Cell = CellParameter()
    place: int = luigi.IntParameter(default=0, significant=False, description="which of the cell's style pictures")
    picture: str = luigi.Parameter(description="the picture's name")

    @classmethod
    def of(cls, cell: Cell, output_dir: str, batch_size: int, place: int = 0) -> Self:
        """The targets that a cell needs of one of its pictures."""
        file = cell.file(cls.kind, place)
        weights = cell.weights_identity(cls.kind)
        return cls(
            picture=picture_name(Path(file.picture.path)),
            backbone=cell.backbone,
            version=target_digest(file.picture.sha256, weights, cls.kind, cell.config, file.scale),
            cell=cell,
            place=place,
            output_dir=output_dir,
            batch_size=batch_size,
        )

    @property
    def priority(self) -> int:
        """Luigi fills a batch with the cells that can be done now, so all targets come before the first batch."""
        return 2 if self.batch_size > 1 else 1

    def requires(self) -> list[luigi.Task]:
        return [Picture(path=self.cell.file(self.kind, self.place).picture.path), *self.weights_tasks()]

    def output(self) -> TargetsStore:
        path = target_file(place_at(self.output_dir), self.kind, self.picture, self.backbone, self.version)
        return TargetsStore(str(path))

    @property
    def title(self) -> str:
        return f"{self.kind} {self.picture}, {self.backbone}"

    def failure(self) -> FailureRecord:
        return FailureRecord(place_at(self.output().path).with_suffix(".failure.json"), self.output_dir)

    def lease_file(self) -> PurePath:
        return lease_beside(place_at(self.output().path))

    def run(self) -> Iterator[Elsewhere] | None:
        return made_alone(self, [self], lambda _: super(ComputeTarget, self).run())

    def work(self) -> None:
        self.set_status_message(f"{self.backbone} looks at the {self.kind} of {self.picture}")
        if damage := self.output().damage():
            self.output().set_aside(damage)
        self._compute()

    def kept(self) -> Targets:
        """Read what is kept, for a cell. Where the file is damaged that is only seen now: it is made anew at once."""
        try:
            return self.output().load()
        except DamagedError as error:
            self.output().set_aside(str(error))
        self._compute()
        return self.output().load()

    def _compute(self) -> None:
        picture = self.cell.load_file(self.kind, self.place)  # before Keras: a bad picture fails at once

        self.check_weights()
        from nstcore.recipe import resolve
        from nstcore.targets import compute_targets

        self.output().dump(compute_targets(picture, self.kind, resolve(self.cell.config)))


class ComputeContentTarget(ComputeTarget):
    """What the losses keep of a content picture."""

    kind = "content"


class ComputeStyleTarget(ComputeTarget):
    """What the losses keep of a style picture, which mixtures share with the cells that take it alone."""

    kind = "style"
