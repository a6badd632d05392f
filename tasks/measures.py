"""What finished pictures measure, and the weights of the networks that measure them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Self

import luigi

from nstcore import StyleTransferError, TransferConfig
from nstcore.networks.weights.provenance import RANDOM_NOTE
from nstcore.system.quiet import import_keras_quietly
from pipeline.grid.cell import Cell
from pipeline.grid.paths import measures_file, weights_failure_file
from pipeline.measures import formulas, judges
from pipeline.outputs.made import digest_of
from pipeline.outputs.stores import JudgeStore, MeasuresStore
from pipeline.sharing.leases import lease_beside
from pipeline.storage.places import place_at
from tasks.completion_cache import remembered
from tasks.inputs import OutputFolder
from tasks.network_task import CellsTask
from tasks.outcome import FailureRecord, SettlingTask
from tasks.parameters import output_dir
from tasks.states import kept_meanwhile
from tasks.transfer import Transfer


class JudgeWeights(SettlingTask):
    """The trained weights of a network that measures pictures, found or fetched once per machine."""

    network: str = luigi.Parameter(description=", ".join(judges.NETWORKS))
    output_dir: str = output_dir()

    def requires(self) -> OutputFolder:
        return OutputFolder(path=self.output_dir)

    def output(self) -> JudgeStore:
        return JudgeStore(self.network)

    def failure(self) -> FailureRecord:
        path = weights_failure_file(place_at(self.output_dir), f"judge-{self.network}", TransferConfig.weights)
        return FailureRecord(path, self.output_dir)

    def work(self) -> None:
        self.set_status_message(f"looking for the weights of the judge {self.network}")
        import_keras_quietly()
        provenance = judges.fetch(self.network)
        self.set_status_message(f"{self.network}: {provenance.source}")


class MeasureCell(CellsTask):
    """The measures of one cell's picture. A judge whose weights cannot be had costs its own measures alone.

    It answers for one picture, the judges that are at hand, and one `MEASURES_VERSION`. Where a judge is not, every run
    tries again to get it. Luigi joins the pictures of a backbone that can be measured: a worker that is one of several
    loads the judges anew for each task, which takes longer than to measure a picture.
    """

    batchable = True
    max_batch_size = 16

    def transfer(self) -> Transfer:
        return Transfer.of(self.cell, self.output_dir, self.batch_size, **kept_meanwhile(self))

    def judge(self, network: str) -> JudgeWeights:
        return JudgeWeights(network=network, output_dir=self.output_dir)

    def requires(self) -> list[SettlingTask]:
        transfers = (Transfer.of(cell, self.output_dir, self.batch_size, **kept_meanwhile(self)) for cell in self.cells)
        return [*transfers, *(self.judge(network) for network in judges.NETWORKS)]

    def output(self) -> MeasuresStore:
        measured_by = f"{formulas.MEASURES_VERSION}-{_bench().identity}"
        names = (self.content, self.style, self.backbone, self.version, measured_by)
        return MeasuresStore(os.fspath(measures_file(place_at(self.output_dir), *names)))

    def failure(self) -> FailureRecord:
        return FailureRecord(place_at(self.output().path).with_suffix(".failure.json"), self.output_dir)

    @remembered
    def complete(self) -> bool:
        return all(super(MeasureCell, member).complete() for member in self.members()) and all(
            self.judge(network).complete() for network in _bench().missing
        )

    @remembered
    def identity(self) -> str:
        """What reports show of the measures: which they are, or why there are none."""
        return self.output().identity() if self.output().exists() else digest_of(self.failure().reason())

    def check_dependencies(self) -> None:
        reason = self.transfer().failure().reason()
        if reason:
            raise StyleTransferError(reason)

    def lease_file(self) -> PurePath:
        return lease_beside(place_at(self.output().path))

    def make(self, members: list[Self]) -> None:
        for member in members:
            self.set_status_message(f"measuring {member.content} × {member.style}, {self.backbone}")
            with member.settled():
                member.check_dependencies()
                member.work()
        self.tell_failures()

    def work(self) -> None:
        if self.output().exists():
            return  # a missing judge was looked for once more and is still missing
        content = self.cell.load_picture("content")
        styles = [(self.cell.load_file("style", place), share) for place, share in enumerate(self.cell.shares) if share]
        import_keras_quietly()
        from nstcore.backend.environment import versions

        absent = {network: self.judge(network).failure().reason() for network in judges.bench().missing}
        measured = formulas.measure_mixture(self.transfer().output().picture(), content, styles, absent)
        known = {"digest": self.version, "measures_version": formulas.MEASURES_VERSION, "versions": versions()}
        self.output().dump({**asdict(measured), **known})


@remembered
def _bench() -> judges.Bench:
    return judges.bench()


def is_measured(cell: Cell) -> bool:
    """Whether a cell's picture is worth measuring."""
    return cell.config.weights != "random"


def measures_of(cell: Cell, output_dir: str, batch_size: int) -> tuple[Mapping[str, float] | None, str]:
    """The measures of a finished cell, as far as they are taken, and in one line what is missing and why."""
    if not is_measured(cell):
        return None, RANDOM_NOTE
    task = MeasureCell.of(cell, output_dir, batch_size)
    if not task.output().exists():
        return None, task.failure().reason()
    record = task.output().load()
    return record["measures"], formulas.gaps(record["unmeasured"])
