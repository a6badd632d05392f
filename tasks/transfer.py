"""The jobs that need a network: targets, each computed once for all cells that share it, and transfers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import luigi

from nstcore import StyleTransferError, TransferResult, WeightsError
from nstcore.system.quiet import import_keras_quietly
from pipeline.grid.cell import Cell, Kind
from pipeline.grid.digest import target_digest
from pipeline.grid.paths import cell_folder, target_file
from pipeline.stores import CellStore, TargetsStore
from tasks.completion_cache import remembered
from tasks.inputs import BackboneWeights, Picture
from tasks.outcome import FailureRecord, SettlingTask
from tasks.parameters import CellParameter, CellsParameter, batch_size, joined_text, output_dir
from tasks.progress import of_the_first, progress

if TYPE_CHECKING:
    from nstcore.scene import Scene
    from nstcore.targets import SceneTargets


class NetworkTask(SettlingTask):
    """A job that holds a network in memory. As many run at once as luigi.cfg allows accelerators."""

    backbone: str = luigi.Parameter()
    version: str = luigi.Parameter(description="digest of everything the output depends on")
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    resources: ClassVar[dict[str, int]] = {"accelerator": 1}

    @property
    def cell(self) -> Cell:
        """A cell that the job is done for."""
        raise NotImplementedError

    def weights_task(self) -> BackboneWeights:
        return BackboneWeights(backbone=self.backbone, weights=self.cell.config.weights, output_dir=self.output_dir)

    def check_weights(self) -> None:
        """Load the network, and see that it is the one that the cell's digest speaks of."""
        import_keras_quietly()
        from nstcore.networks.extractor import pretrained_network

        _, found = pretrained_network(self.backbone, self.cell.config.weights)
        if found.sha256 != self.cell.weights_sha256:
            raise WeightsError(f"the weights of {self.backbone} changed while the grid was running; run it again")


class ComputeTarget(NetworkTask):
    """What the losses keep of a picture. Its cell is any of those that share it."""

    cell: Cell = CellParameter()
    picture: str = luigi.Parameter(description="the picture's name")

    kind: ClassVar[Kind]

    @classmethod
    def of(cls, cell: Cell, output_dir: str, batch_size: int) -> ComputeTarget:
        """The targets that a cell needs of one of its pictures."""
        version = target_digest(cell.sha256(cls.kind), cell.weights_sha256, cls.kind, cell.config)
        return cls(
            picture=cell.name(cls.kind),
            backbone=cell.backbone,
            version=version,
            cell=cell,
            output_dir=output_dir,
            batch_size=batch_size,
        )

    @property
    def priority(self) -> int:
        """Luigi fills a batch with the cells that can be done now, so all targets come before the first batch."""
        return 2 if self.batch_size > 1 else 1

    def requires(self) -> list[luigi.Task]:
        return [Picture(path=self.cell.path(self.kind)), self.weights_task()]

    def output(self) -> TargetsStore:
        path = target_file(Path(self.output_dir), self.kind, self.picture, self.backbone, self.version)
        return TargetsStore(str(path))

    def failure(self) -> FailureRecord:
        return FailureRecord(Path(self.output().path).with_suffix(".failure.json"))

    def work(self) -> None:
        self.set_status_message(f"{self.backbone} looks at the {self.kind} of {self.picture}")
        picture = self.cell.load_picture(self.kind)  # before Keras: a bad picture fails at once

        self.check_weights()
        from nstcore.recipe import resolve
        from nstcore.targets import compute_targets

        self.output().dump(compute_targets(picture, self.kind, resolve(self.cell.config)))


class ComputeContentTarget(ComputeTarget):
    """What the losses keep of a content picture."""

    kind = "content"


class ComputeStyleTarget(ComputeTarget):
    """What the losses keep of a style picture."""

    kind = "style"


class CellsTask(NetworkTask):
    """A job for one cell, or for several that Luigi joins: it leaves what the tasks of the single cells would leave."""

    content: str = joined_text("the content picture's name")
    style: str = joined_text("the style picture's name")
    version: str = joined_text("digest of everything the output depends on")
    cells: tuple[Cell, ...] = CellsParameter()

    @classmethod
    def of(cls, cell: Cell, output_dir: str, batch_size: int, **others: Any) -> Self:
        """The task of a planned cell."""
        return cls(
            content=cell.content,
            style=cell.style,
            backbone=cell.backbone,
            version=cell.digest,
            cells=(cell,),
            output_dir=output_dir,
            batch_size=batch_size,
            **others,
        )

    @property
    def cell(self) -> Cell:
        """The cell, or the first of those that were joined."""
        return self.cells[0]

    def members(self) -> list[Self]:
        """The tasks of the single cells."""
        if len(self.cells) == 1:
            return [self]
        return [self.of(cell, self.output_dir, self.batch_size) for cell in self.cells]

    def tell_failures(self) -> None:
        """Say on Luigi's page what the members failed with."""
        failed = [reason for member in self.members() if (reason := member.failure().reason())]
        if failed:
            self.set_status_message("failed: " + " ".join(failed))


class Transfer(CellsTask):
    """One cell: a content picture in the style of another, through one backbone.

    With a `batch_size` above 1 Luigi joins the cells of one `batch` that can be done into one such task.
    """

    # Before the measures, which then can be taken of many pictures at once.
    priority = 1

    batch: str = luigi.Parameter(significant=False, description="what the cells of a batch share; empty: no batch")

    @classmethod
    def of(cls, cell: Cell, output_dir: str, batch_size: int, **others: Any) -> Self:
        return super().of(cell, output_dir, batch_size, batch=cell.batch if batch_size > 1 else "", **others)

    @property
    def batchable(self) -> bool:
        return bool(self.batch)

    @property
    def max_batch_size(self) -> int:
        return self.batch_size

    def requires(self) -> list[ComputeTarget]:
        kinds = (ComputeContentTarget, ComputeStyleTarget)
        targets = (kind.of(cell, self.output_dir, self.batch_size) for cell in self.cells for kind in kinds)
        return list(dict.fromkeys(targets))

    def output(self) -> CellStore:
        return CellStore(self._folder())

    def failure(self) -> FailureRecord:
        return FailureRecord(self._folder() / "failure.json")

    @remembered
    def complete(self) -> bool:
        return all(super(Transfer, member).complete() for member in self.members())

    @remembered
    def finished_at(self) -> float:
        """When the cell was written or failed, seconds since the epoch."""
        return self.output().finished_at() if self.output().exists() else self.failure().written_at()

    def _folder(self) -> Path:
        (cell,) = self.cells  # a batch has no folder, its members have
        return cell_folder(Path(self.output_dir), cell.content, cell.style, cell.backbone, cell.digest)

    def run(self) -> None:
        loaded = {}
        for member in self.members():
            with member.settled():
                loaded[member] = member.load()
        results = self.optimize(list(loaded.values())) if loaded else []
        errors = []
        for member, result in zip(loaded, results, strict=True):
            try:
                with member.settled():
                    member.dump(result, len(loaded))
            except Exception as error:  # one that cannot be written does not keep the others
                errors.append(error)
        if errors:
            raise ExceptionGroup("cells could not be written", errors)
        self.tell_failures()

    def load(self) -> tuple[Scene, SceneTargets]:
        """Read what a cell is made from."""
        self.check_dependencies()
        self.output().require_place()
        self.check_weights()
        from nstcore.memory import require_memory
        from nstcore.recipe import resolve
        from nstcore.scene import Scene, Style
        from nstcore.targets import SceneTargets

        content, style = self.cell.load_picture("content"), self.cell.load_picture("style")
        require_memory(resolve(self.cell.config), *content.shape[:2])
        of_content, of_style = (targets.load() for targets in self.input())
        return Scene(content, (Style(style),)), SceneTargets(of_content, (of_style,))

    def optimize(self, loaded: list[tuple[Scene, SceneTargets]]) -> list[TransferResult | StyleTransferError]:
        """Optimise the cells that could be read."""
        from nstcore.memory import memory_statement
        from nstcore.recipe import resolve
        from nstcore.transfer import coarse_levels, transfer

        recipe = resolve(self.cell.config)
        scenes = [scene for scene, _ in loaded]
        height, width = scenes[0].content.shape[:2]
        self.set_status_message(memory_statement(recipe, height, width, len(scenes)))
        with progress(self, [*(level for level, _ in coarse_levels(scenes, recipe)), recipe]) as report:
            return transfer(scenes, recipe, [targets for _, targets in loaded], [of_the_first(report)] * len(scenes))

    def dump(self, result: TransferResult | StyleTransferError, batch_size: int) -> None:
        """Write a cell that was optimised together with others."""
        from pipeline.grid.manifest import manifest

        if isinstance(result, StyleTransferError):
            raise result
        self.output().dump(result, manifest(self.cell, result, batch_size))
