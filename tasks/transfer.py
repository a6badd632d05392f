"""The jobs that need a network: targets, each computed once for all cells that share it, and transfers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from nstcore import WeightsError
from nstcore.coarse_to_fine import levels
from nstcore.quiet import import_keras_quietly
from pipeline.digest import target_digest
from pipeline.grid import Cell, Kind
from pipeline.paths import cell_folder, target_file
from pipeline.stores import CellStore, ContentTargetStore, StyleTargetStore
from tasks.inputs import BackboneWeights, Picture
from tasks.outcome import FailureRecord, SettlingTask
from tasks.parameters import CellParameter, output_dir
from tasks.progress import progress

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nstcore.targets import ContentTarget, StyleTarget


class NetworkTask(SettlingTask):
    """A job that holds a network in memory. As many run at once as luigi.cfg allows accelerators."""

    backbone: str = luigi.Parameter()
    version: str = luigi.Parameter(description="digest of everything the output depends on")
    cell: Cell = CellParameter()
    output_dir: str = output_dir()

    resources: ClassVar[dict[str, int]] = {"accelerator": 1}

    def weights_task(self) -> BackboneWeights:
        return BackboneWeights(backbone=self.backbone, weights=self.cell.config.weights, output_dir=self.output_dir)

    def check_weights(self) -> None:
        """Load the network, and see that it is the one that the cell's digest speaks of."""
        import_keras_quietly()
        from nstcore.features import pretrained_network

        _, found = pretrained_network(self.backbone, self.cell.config.weights)
        if found.sha256 != self.cell.weights_sha256:
            raise WeightsError(f"the weights of {self.backbone} changed while the grid was running; run it again")


class ComputeTarget(NetworkTask):
    """A content or style target. Its cell is any of those that share it."""

    picture: str = luigi.Parameter(description="the picture's name")

    kind: ClassVar[Kind]
    store: ClassVar[type[ContentTargetStore] | type[StyleTargetStore]]

    @classmethod
    def of(cls, cell: Cell, output_dir: str) -> ComputeTarget:
        """The target that a cell needs."""
        version = target_digest(cell.sha256(cls.kind), cell.weights_sha256, cell.config)
        return cls(
            picture=cell.name(cls.kind), backbone=cell.backbone, version=version, cell=cell, output_dir=output_dir
        )

    def requires(self) -> list[luigi.Task]:
        return [Picture(path=self.cell.path(self.kind)), self.weights_task()]

    def output(self) -> ContentTargetStore | StyleTargetStore:
        path = target_file(Path(self.output_dir), self.kind, self.picture, self.backbone, self.version)
        return self.store(str(path))

    def failure(self) -> FailureRecord:
        return FailureRecord(Path(self.output().path).with_suffix(".failure.json"))

    def work(self) -> None:
        self.set_status_message(f"{self.backbone} looks at the {self.kind} of {self.picture}")
        picture = self.cell.load_picture(self.kind)  # before Keras: a bad picture fails at once

        self.check_weights()
        from nstcore.targets import target_network

        self.output().dump(self.compute(picture, target_network(self.cell.config)))

    def compute(self, picture: np.ndarray, extractor: keras.Model) -> Any:
        raise NotImplementedError


class ComputeContentTarget(ComputeTarget):
    """The content features of a picture, and the Gram matrices that "balanced" measures its references from."""

    kind = "content"
    store = ContentTargetStore

    def compute(self, picture: np.ndarray, extractor: keras.Model) -> ContentTarget:
        from nstcore.targets import content_target

        return content_target(picture, extractor, self.cell.config)


class ComputeStyleTarget(ComputeTarget):
    """The Gram matrices of a picture."""

    kind = "style"
    store = StyleTargetStore

    def compute(self, picture: np.ndarray, extractor: keras.Model) -> StyleTarget:
        from nstcore.targets import style_target

        return style_target(picture, extractor, self.cell.config)


class Transfer(NetworkTask):
    """One cell: a content picture in the style of another, through one backbone."""

    content: str = luigi.Parameter(description="the content picture's name")
    style: str = luigi.Parameter(description="the style picture's name")

    @classmethod
    def of(cls, cell: Cell, output_dir: str) -> Transfer:
        """The task of a planned cell."""
        return cls(
            content=cell.content,
            style=cell.style,
            backbone=cell.backbone,
            version=cell.digest,
            cell=cell,
            output_dir=output_dir,
        )

    def requires(self) -> list[luigi.Task]:
        return [ComputeContentTarget.of(self.cell, self.output_dir), ComputeStyleTarget.of(self.cell, self.output_dir)]

    def output(self) -> CellStore:
        return CellStore(self._folder())

    def failure(self) -> FailureRecord:
        return FailureRecord(self._folder() / "failure.json")

    def finished_at(self) -> float:
        """When the cell was written or failed, seconds since the epoch."""
        return self.output().finished_at() if self.output().exists() else self.failure().written_at()

    def _folder(self) -> Path:
        return cell_folder(Path(self.output_dir), self.content, self.style, self.backbone, self.version)

    def work(self) -> None:
        self.check_weights()
        from nstcore.memory import require_memory
        from nstcore.transfer import assemble_objective, optimize, run_coarse
        from pipeline.manifest import manifest

        content, style, config = self.cell.load_picture("content"), self.cell.load_picture("style"), self.cell.config
        self.set_status_message(require_memory(config, *content.shape[:2]))
        content_target, style_target = (target.load() for target in self.input())
        objective = assemble_objective(content, style, content_target, style_target, config)
        with progress(self, levels(content, style, config)) as on_iterate:
            result = optimize(objective, config, on_iterate, run_coarse(content, style, config, on_iterate))
        self.output().dump(result, manifest(self.cell, result))
