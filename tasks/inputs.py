"""What comes from outside: pictures, the backbones' trained weights, and the folder that everything is written into."""

from __future__ import annotations

import luigi

from nstcore import StyleTransferError
from nstcore.networks import weights as trained
from nstcore.system.quiet import import_keras_quietly
from pipeline.grid.paths import parts_of_output, weights_failure_file
from pipeline.outputs.stores import WeightsStore
from pipeline.storage.folders import require_folder
from pipeline.storage.places import place_at
from tasks.light import LightTask
from tasks.outcome import FailureRecord, SettlingTask
from tasks.parameters import output_dir


class Picture(LightTask, luigi.ExternalTask):
    """A picture that a person put there."""

    path: str = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(self.path)


class OutputFolder(luigi.Task):
    """A folder that takes files. Asked for before anything that takes long, and it leaves nothing there."""

    path: str = luigi.Parameter()

    def complete(self) -> bool:
        try:
            self.run()
        except StyleTransferError:
            return False
        return True

    def run(self) -> None:
        output = place_at(self.path)
        for folder in (output, *parts_of_output(output)):
            require_folder(folder)


class BackboneWeights(SettlingTask):
    """The trained weights of a backbone, found or fetched once per machine."""

    backbone: str = luigi.Parameter()
    weights: str = luigi.Parameter(default="imagenet", description='"imagenet", "random" or a path')
    output_dir: str = output_dir()

    def requires(self) -> OutputFolder:
        return OutputFolder(path=self.output_dir)

    def output(self) -> WeightsStore:
        return WeightsStore(self.backbone, self.weights)

    def failure(self) -> FailureRecord:
        path = weights_failure_file(place_at(self.output_dir), self.backbone, self.weights)
        return FailureRecord(path, self.output_dir)

    def work(self) -> None:
        self.set_status_message(f"looking for trained weights of {self.backbone}")
        import_keras_quietly()
        provenance = trained.fetch(self.backbone, self.weights)
        self.set_status_message(f"{self.backbone}: {provenance.source}")
