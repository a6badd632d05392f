"""The jobs that need a network: targets, each computed once for all cells that share it, and transfers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import luigi

from nstcore import StyleTransferError, TransferResult, WeightsError
from nstcore.system.quiet import import_keras_quietly
from pipeline.grid.cell import Cell, Kind
from pipeline.grid.digest import target_digest
from pipeline.grid.paths import cell_folder, picture_name, target_file
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
        path = target_file(Path(self.output_dir), self.kind, self.picture, self.backbone, self.version)
        return TargetsStore(str(path))

    def failure(self) -> FailureRecord:
        return FailureRecord(Path(self.output().path).with_suffix(".failure.json"))

    def work(self) -> None:
        self.set_status_message(f"{self.backbone} looks at the {self.kind} of {self.picture}")
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

    def requires(self) -> list[luigi.Task]:
        if not self.cell.config.compares_given_pictures:
            paths = dict.fromkeys(file.path for cell in self.cells for file in cell.pictures())
            return [*(Picture(path=path) for path in paths), *self.weights_tasks()]
        return list(dict.fromkeys(target for cell in self.cells for target in self.targets(cell)))

    def targets(self, cell: Cell) -> list[ComputeTarget]:
        """What is kept of a cell's pictures: of the content, then of each style.

        Where styles are taken region by region, what counts of them depends on both maps. A cell looks at them itself
        then, which takes as long as an iteration or two.
        """
        content = ComputeContentTarget.of(cell, self.output_dir, self.batch_size)
        places = () if cell.has_regions else range(len(cell.styles))
        return [content, *(ComputeStyleTarget.of(cell, self.output_dir, self.batch_size, place) for place in places)]

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

    def load(self) -> tuple[Scene, SceneTargets | None]:
        """Read what a cell is made from."""
        self.check_dependencies()
        self.output().require_place()
        self.check_weights()
        from nstcore.memory import require_memory
        from nstcore.recipe import resolve
        from nstcore.targets import SceneTargets, scene_targets

        scene, recipe = self.cell.load_scene(), resolve(self.cell.config)
        height, width = scene.content.shape[:2]
        require_memory(recipe, height, width, guides=scene.guides)
        if not self.cell.config.compares_given_pictures:
            return scene, None
        content, *styles = (target.output().load() for target in self.targets(self.cell))
        return scene, scene_targets(scene, recipe, content) if scene.has_regions else SceneTargets(
            content, tuple(styles)
        )

    def optimize(self, loaded: list[tuple[Scene, SceneTargets | None]]) -> list[TransferResult | StyleTransferError]:
        """Optimise the cells that could be read."""
        from nstcore.memory import memory_statement
        from nstcore.recipe import resolve
        from nstcore.transfer import coarse_levels, transfer

        recipe = resolve(self.cell.config)
        scenes = [scene for scene, _ in loaded]
        height, width = scenes[0].content.shape[:2]
        self.set_status_message(memory_statement(recipe, height, width, len(scenes), scenes[0].guides))
        with progress(self, [*(level for level, _ in coarse_levels(scenes, recipe)), recipe]) as report:
            kept = [targets for _, targets in loaded if targets is not None]
            return transfer(scenes, recipe, kept, [of_the_first(report)] * len(scenes))

    def dump(self, result: TransferResult | StyleTransferError, batch_size: int) -> None:
        """Write a cell that was optimised together with others."""
        from pipeline.grid.manifest import manifest

        if isinstance(result, StyleTransferError):
            raise result
        self.output().dump(result, manifest(self.cell, result, batch_size))
