"""The transfers: a cell of a grid each, or several that are made together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Self

import luigi

from nstcore import StyleTransferError, TransferConfig, TransferResult
from nstcore.failures import persevere
from nstcore.system.refusals import line_of
from pipeline.grid.cell import Cell
from pipeline.grid.paths import cell_folder
from pipeline.outputs.cell_store import CellStore
from pipeline.outputs.made import digest_of
from pipeline.outputs.states import StateStore, lineage
from pipeline.outputs.strips import StripRecorder, chosen_frames
from pipeline.sharing.leases import LeaseLost, cell_lease
from pipeline.storage.places import place_at
from tasks.completion_cache import remembered
from tasks.inputs import Picture
from tasks.network_task import CellsTask
from tasks.outcome import FailureRecord, fault_of
from tasks.policy import within_memory
from tasks.progress import of_the_first, progress
from tasks.targets import ComputeContentTarget, ComputeStyleTarget, ComputeTarget

if TYPE_CHECKING:
    from nstcore.scene import Scene
    from nstcore.targets import SceneTargets


logger = logging.getLogger("luigi-interface")


class Transfer(CellsTask):
    """One cell: a content picture in the style of another, through one backbone.

    With a `batch_size` above 1 Luigi joins the cells of one `batch` that can be done into one such task.
    """

    # Before the measures, which then can be taken of many pictures at once.
    priority = 1

    batch: str = luigi.Parameter(significant=False, description="what the cells of a batch share; empty: no batch")

    #: Of a single cell that was just optimised, if it keeps snapshots.
    recorder: StripRecorder | None = None

    #: What makes the cells of the other methods, by the name of the method.
    others: ClassVar[dict[str, type[Transfer]]] = {}

    @classmethod
    def of(cls, cell: Cell, output_dir: str, batch_size: int, **others: Any) -> Self:
        maker = cls.others.get(cell.method, Transfer)
        batch = cell.batch if batch_size > 1 else ""
        return super(Transfer, maker).of(cell, output_dir, batch_size, batch=batch, **others)

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
        return FailureRecord(self._folder() / "failure.json", self.output_dir)

    @remembered
    def complete(self) -> bool:
        return all(super(Transfer, member).complete() for member in self.members())

    @remembered
    def identity(self) -> str:
        """What reports of the cell show: which picture it is, or why there is none."""
        return self.output().identity() if self.output().exists() else digest_of(self.failure().reason())

    def _folder(self) -> PurePath:
        (cell,) = self.cells  # a batch has no folder, its members have
        return cell_folder(place_at(self.output_dir), cell.content, cell.style, cell.backbone, cell.digest)

    def lease_file(self) -> PurePath:
        return cell_lease(self._folder())

    def make(self, members: list[Self]) -> None:
        loaded = {}
        for member in members:
            with member.settled():
                loaded[member] = persevere(member.load, name=member.title)
        results = self._optimized(loaded) if loaded else []
        errors = []
        for member, result in zip(loaded, results, strict=True):
            try:
                with member.settled():
                    member.dump(result, len(loaded))
            except Exception as error:  # one that cannot be written does not keep the others
                errors.append(error)
        if errors:
            raise ExceptionGroup("cells could not be written", errors)
        for member in loaded:
            member.states([member]).are_done()
        self.tell_failures()

    def _optimized(
        self, loaded: Mapping[Self, tuple[Scene, SceneTargets | None]]
    ) -> Sequence[TransferResult | StyleTransferError]:
        """Optimise what could be read; a fault of ours is that of all who were made together."""
        try:
            return within_memory(self.optimize, list(loaded.items()))
        except LeaseLost:
            raise
        except Exception as error:
            if line_of(error):
                raise
            return [fault_of(error, self.title)] * len(loaded)

    def states(self, members: Sequence[Self]) -> StateStore:
        """The state of members that are made together."""
        return StateStore({member._folder(): member.cell for member in members}, keep=self.keep_state)

    def load(self) -> tuple[Scene, SceneTargets | None]:
        """Read what a cell is made from."""
        self.check_dependencies()
        self.output().require_place()
        self.output().set_aside_damaged()
        self.check_weights()
        from nstcore.memory import require_memory
        from nstcore.recipe import resolve
        from nstcore.targets import SceneTargets, scene_targets

        scene, recipe = self.cell.load_scene(), resolve(self.cell.config)
        height, width = scene.content.shape[:2]
        require_memory(recipe, height, width, guides=scene.guides)
        if not self.cell.config.compares_given_pictures:
            return scene, None
        content, *styles = (target.kept() for target in self.targets(self.cell))
        return scene, scene_targets(scene, recipe, content) if scene.has_regions else SceneTargets(
            content, tuple(styles)
        )

    def optimize(
        self, loaded: Sequence[tuple[Self, tuple[Scene, SceneTargets | None]]]
    ) -> list[TransferResult | StyleTransferError]:
        """Optimise the members that could be read, from the state that was kept of them if there is one."""
        return self.optimize_as(self.cell.config, loaded)

    def optimize_as(
        self, config: TransferConfig, loaded: Sequence[tuple[Self, tuple[Scene, SceneTargets | None]]]
    ) -> list[TransferResult | StyleTransferError]:
        """Do so with settings that may say more of the start than those of the cell."""
        from nstcore.memory import memory_statement
        from nstcore.recipe import resolve
        from nstcore.scene import coarse_levels
        from nstcore.transfer import transfer

        recipe = resolve(config)
        scenes = [scene for _, (scene, _) in loaded]
        height, width = scenes[0].content.shape[:2]
        runs = [*(level for level, _ in coarse_levels(scenes, recipe)), recipe]
        recorders = []
        if self.snapshots:
            chosen = chosen_frames({run.size: run.iterations for run in runs}, self.snapshots)
            recorders = [StripRecorder(height, width, chosen) for _ in scenes]
        for (member, _), recorder in zip(loaded, recorders, strict=False):
            member.recorder = recorder
        checkpoint = self.states([member for member, _ in loaded]).checkpoint(self.state_every, recorders)
        self.set_status_message(memory_statement(recipe, height, width, len(scenes), scenes[0].guides))
        with progress(self, runs) as report:
            kept = [targets for _, (_, targets) in loaded if targets is not None]
            watched = [recorder.snapshots() for recorder in recorders]
            return transfer(scenes, recipe, kept, [of_the_first(report)] * len(scenes), watched, checkpoint)

    def as_kept(self, result: TransferResult) -> TransferResult:
        """The result with all of its way, if some of it lay before the transfer."""
        return result

    def known_network(self) -> Mapping[str, Any] | None:
        """What its manifest is to say of a network that had a part in it."""
        return None

    def dump(self, result: TransferResult | StyleTransferError, batch_size: int) -> None:
        """Write a cell that was optimised together with others."""
        from pipeline.grid.manifest import manifest

        if isinstance(result, StyleTransferError):
            raise result
        state = {"lineage": lineage(self.cell), "keeps_state": self.keep_state}
        recorder, self.recorder = self.recorder, None
        strip = recorder.finished(result) if recorder else None
        result = self.as_kept(result)
        record = manifest(self.cell, result, batch_size, **state, network=self.known_network())  # type: ignore[arg-type]
        self.output().dump(result, record, strip)
        last = result.trace[-1]
        logger.info(
            "%s: done, %d iterations in %.1f s, loss %.4g", self.title, last.iteration, result.seconds, last.total
        )
