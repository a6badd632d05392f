"""What finished pictures measure, and the weights of the networks that measure them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import luigi

from nstcore import StyleTransferError, TransferConfig
from nstcore.quiet import import_keras_quietly
from nstcore.weights.provenance import RANDOM_NOTE
from pipeline import judges, metrics
from pipeline.cell import Cell
from pipeline.paths import measures_file, weights_failure_file
from pipeline.stores import JsonStore, JudgeStore
from tasks.inputs import OutputFolder
from tasks.one_look import looked_up_once
from tasks.outcome import FailureRecord, SettlingTask
from tasks.parameters import output_dir
from tasks.transfer import CellsTask, Transfer


class JudgeWeights(SettlingTask):
    """The trained weights of a network that measures pictures, found or fetched once per machine."""

    network: str = luigi.Parameter(description=", ".join(judges.NETWORKS))
    output_dir: str = output_dir()

    def requires(self) -> OutputFolder:
        return OutputFolder(path=self.output_dir)

    def output(self) -> JudgeStore:
        return JudgeStore(self.network)

    def failure(self) -> FailureRecord:
        return FailureRecord(
            weights_failure_file(Path(self.output_dir), f"judge-{self.network}", TransferConfig.weights)
        )

    def work(self) -> None:
        self.set_status_message(f"looking for the weights of the judge {self.network}")
        import_keras_quietly()
        provenance = judges.fetch(self.network)
        self.set_status_message(f"{self.network}: {provenance.source}")


class MeasureCell(CellsTask):
    """The measures of one cell's picture. A judge whose weights cannot be had costs its own measures alone.

    It answers for one picture, the judges that are at hand, and one `METRICS_VERSION`. Where a judge is not, every run
    tries again to get it. Luigi joins the pictures of a backbone that can be measured: a worker that is one of several
    loads the judges anew for each task, which takes longer than to measure a picture.
    """

    batchable = True
    max_batch_size = 16

    def transfer(self) -> Transfer:
        return Transfer.of(self.cell, self.output_dir, self.batch_size)

    def judge(self, network: str) -> JudgeWeights:
        return JudgeWeights(network=network, output_dir=self.output_dir)

    def requires(self) -> list[SettlingTask]:
        transfers = (Transfer.of(cell, self.output_dir, self.batch_size) for cell in self.cells)
        return [*transfers, *(self.judge(network) for network in judges.NETWORKS)]

    def output(self) -> JsonStore:
        measured_by = f"{metrics.METRICS_VERSION}-{_bench().identity}"
        names = (self.content, self.style, self.backbone, self.version, measured_by)
        return JsonStore(os.fspath(measures_file(Path(self.output_dir), *names)))

    def failure(self) -> FailureRecord:
        return FailureRecord(Path(self.output().path).with_suffix(".failure.json"))

    @looked_up_once
    def complete(self) -> bool:
        return all(super(MeasureCell, member).complete() for member in self.members()) and all(
            self.judge(network).complete() for network in _bench().missing
        )

    @looked_up_once
    def finished_at(self) -> float:
        """When the measures were written or failed, seconds since the epoch."""
        return os.stat(self.output().path).st_mtime if self.output().exists() else self.failure().written_at()

    def check_steps(self) -> None:
        reason = self.transfer().failure().reason()
        if reason:
            raise StyleTransferError(reason)

    def run(self) -> None:
        for member in self.members():
            self.set_status_message(f"measuring {member.content} × {member.style}, {self.backbone}")
            with member.settled():
                member.check_steps()
                member.work()
        self.tell_failures()

    def work(self) -> None:
        if self.output().exists():
            return  # a missing judge was looked for once more and is still missing
        content, style = self.cell.load_picture("content"), self.cell.load_picture("style")
        import_keras_quietly()
        from nstcore.environment import versions

        absent = {network: self.judge(network).failure().reason() for network in judges.bench().missing}
        measured = metrics.measure(self.transfer().output().picture(), content, style, absent)
        known = {"digest": self.version, "metrics_version": metrics.METRICS_VERSION, "versions": versions()}
        self.output().dump({**asdict(measured), **known})


@looked_up_once
def _bench() -> judges.Bench:
    return judges.bench()


def is_measured(cell: Cell) -> bool:
    """Whether a cell's picture is worth measuring."""
    return cell.config.weights != "random"


def measures_of(cell: Cell, output_dir: str, batch_size: int) -> tuple[Mapping[str, float] | None, str]:
    """The measures of a finished cell, as far as they are taken, and in one line what is missing and why."""
    if not is_measured(cell):
        return None, RANDOM_NOTE
    step = MeasureCell.of(cell, output_dir, batch_size)
    if not step.output().exists():
        return None, step.failure().reason()
    record = step.output().load()
    return record["measures"], metrics.gaps(record["unmeasured"])
