"""Networks that are trained for a style, and the cells that they make."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

import luigi
import numpy as np

from nstcore import StyleTransferError, Trace, TransferResult
from nstcore.failures import persevere
from nstcore.system.interruption import heard_in_a_fork
from pipeline import storage
from pipeline.grid.cell import Cell
from pipeline.grid.digest import applied_digest
from pipeline.grid.feedforward import NetworkPlan
from pipeline.grid.paths import network_folder
from pipeline.outputs.network_state import NetworkState
from pipeline.outputs.network_store import NETWORK, NetworkStore
from pipeline.outputs.strips import LearningRecorder, chosen_frames
from pipeline.sharing.leases import cell_lease
from pipeline.storage.places import place_at
from tasks.completion_cache import remembered
from tasks.inputs import Picture
from tasks.network_task import NetworkTask
from tasks.outcome import FailureRecord
from tasks.parameters import CellParameter
from tasks.progress import training_progress
from tasks.sharing import Elsewhere, made_alone
from tasks.states import kept_meanwhile, state_every
from tasks.transfer import Transfer

if TYPE_CHECKING:
    from nstcore.feedforward.training import TrainingResult

logger = logging.getLogger("luigi-interface")

# Pictures of a held-out photograph that the strip of a training has.
_FRAMES = 8


class TrainNetwork(NetworkTask):
    """One network, trained for a style with the losses of a backbone. Its cell is any of those that it makes."""

    # What takes longest comes first, where several workers share the grid.
    priority = 3

    cell: Cell = CellParameter()
    style: str = luigi.Parameter(description="the style's name")
    state_every: int = state_every()

    @classmethod
    def of(cls, cell: Cell, output_dir: str, state_every: int) -> Self:
        """The network that makes a cell."""
        return cls(
            style=cell.style,
            backbone=cell.backbone,
            version=_plan(cell).digest,
            cell=cell,
            output_dir=output_dir,
            state_every=state_every,
        )

    @property
    def title(self) -> str:
        return f"network for {self.style}, {self.cell.series.losses_label}"

    def requires(self) -> list[luigi.Task]:
        paths = dict.fromkeys(style.picture.path for style in self.cell.styles)
        return [*(Picture(path=path) for path in paths), *self.weights_tasks()]

    def folder(self) -> PurePath:
        return network_folder(place_at(self.output_dir), self.style, self.backbone, self.version)

    def output(self) -> NetworkStore:
        return NetworkStore(self.folder())

    def failure(self) -> FailureRecord:
        return FailureRecord(self.folder() / "failure.json", self.output_dir)

    def lease_file(self) -> PurePath:
        return cell_lease(self.folder())

    @remembered
    def complete(self) -> bool:
        return super().complete()

    def run(self) -> Iterator[Elsewhere] | None:
        return made_alone(self, [self], lambda _: super(TrainNetwork, self).run())

    def work(self) -> None:
        self.output().require_place()
        self.output().set_aside_damaged()
        plan = _plan(self.cell)
        steps = plan.training.training_settings().steps
        recorder = LearningRecorder(chosen_frames({self.cell.config.size: steps}, _FRAMES))
        state = NetworkState(self.folder(), plan, self.title)
        result = self.train(plan, recorder, state)
        self.dump(plan, recorder, result)
        state.is_done()

    def train(self, plan: NetworkPlan, recorder: LearningRecorder, state: NetworkState) -> TrainingResult:
        """Train it, from the state that was kept of it if there is one."""
        from nstcore.mixture import StyleSource

        photographs, styles = plan.photographs(), []
        for place, style in enumerate(self.cell.styles):  # before Keras: a bad picture fails at once
            picture = self.cell.load_file("style", place)
            styles.append(StyleSource(picture, style.weight, style.scale))
        self.check_weights()
        from nstcore.feedforward.training import train

        training = replace(plan.training.training_settings(), checkpoint_seconds=float(self.state_every))
        with heard_in_a_fork(), training_progress(self, training.steps) as report:
            return train(
                styles,
                photographs,
                self.cell.config,
                plan.training.network_settings(),
                training,
                state.checkpoint(self.state_every, recorder),
                report,
                snapshots=recorder.snapshots(),
            )

    def dump(self, plan: NetworkPlan, recorder: LearningRecorder, result: TrainingResult) -> None:
        """Write a network that was trained."""
        from nstcore.feedforward.network_file import encode_network
        from pipeline.grid.manifest import network_manifest

        made = network_manifest(plan, self.cell, result)
        strip = recorder.strip(lambda steps: result.trace[max(steps - 1, 0)].total)
        self.output().dump(encode_network(result.model, made), result.trace, made, strip)
        logger.info("%s: trained, %d steps in %.1f s", self.title, result.steps, result.seconds)


class NetworkCell(Transfer):
    """A cell in which a network has a part."""

    def training(self) -> TrainNetwork:
        """What trains its network."""
        return TrainNetwork.of(self.cell, self.output_dir, self.state_every)

    def known_network(self) -> Mapping[str, Any]:
        training = self.training()
        store = training.output()
        file = (training.folder() / NETWORK).relative_to(place_at(self.output_dir)).as_posix()
        from pipeline.grid.manifest import network_in_short

        return network_in_short(file, store.record()["sha256"], store.manifest())


class ApplyNetwork(NetworkCell):
    """One cell that a network makes, in the place and with the files of every cell."""

    def requires(self) -> list[luigi.Task]:
        return [self.training(), *dict.fromkeys(self.targets(self.cell))]

    def make(self, members: list[Self]) -> None:
        for member in members:
            with member.settled():
                persevere(member.apply, name=member.title)
        self.tell_failures()

    def apply(self) -> None:
        """Give the content picture to the network, and write what it makes of it."""
        scene, targets = self.load()
        from nstcore.feedforward.as_transfer import as_transfer
        from pipeline.grid.manifest import manifest

        store = self.training().output()
        network = _network(store.path, store.record()["sha256"])
        result = as_transfer(network, scene, self.cell.config, [targets] if targets else ())
        self.output().dump(result, manifest(self.cell, result, network=self.known_network()))
        logger.info("%s: done, in %.2f s, loss %.4g", self.title, result.seconds, result.trace[-1].total)


class RefineNetwork(NetworkCell):
    """One cell that is optimised from a network's picture on, at its full size from the beginning.

    The pass of the network counts as the first of its iterations. So all ways begin at the content picture, and their
    relative losses compare.
    """

    def start(self) -> Transfer:
        """The cell that it starts from."""
        cell, network = self.cell, _plan(self.cell)
        content = cell.ingredients.content_identity if cell.ingredients else cell.content_sha256
        applied = replace(cell, method="feedforward", digest=applied_digest(content, network.digest))
        return Transfer.of(applied, self.output_dir, self.batch_size, **kept_meanwhile(self))

    def requires(self) -> list[luigi.Task]:
        return [self.start(), *dict.fromkeys(self.targets(self.cell))]

    def known_network(self) -> Mapping[str, Any]:
        known: Mapping[str, Any] = self.start().output().manifest()["network"]
        return known

    def as_kept(self, result: TransferResult) -> TransferResult:
        content, applied = self.start().output().trace()
        later = (
            replace(each, iteration=each.iteration + 1, seconds=each.seconds + applied.seconds) for each in result.trace
        )
        return replace(result, trace=Trace((content, *later)), seconds=result.seconds + applied.seconds)

    def optimize(self, loaded: Sequence[Any]) -> list[TransferResult | StyleTransferError]:
        start = self.start().output()
        picture = start.picture()
        begun = [(member, (replace(scene, start=picture), targets)) for member, (scene, targets) in loaded]
        with storage.at_hand(start.picture_path()) as path:
            config = replace(self.cell.config, init=str(path), init_noise=0.0, coarse_sizes=())
            return self.optimize_as(config, begun)


Transfer.others |= {"feedforward": ApplyNetwork, "refine": RefineNetwork}


def _plan(cell: Cell) -> NetworkPlan:
    if cell.network is None:
        raise StyleTransferError(f"{cell!r}: is made by no network")
    return cell.network


@lru_cache(maxsize=2)  # the cells of a network follow one another
def _network(folder: str, _: str) -> Callable[[np.ndarray], Any]:
    """A network that is loaded, by its folder and the SHA-256 of its file."""
    from nstcore.feedforward.application import stylize_unrounded
    from nstcore.feedforward.network_file import load_network

    with NetworkStore(place_at(folder)).at_hand() as path:
        network = load_network(path)
    return lambda picture: stylize_unrounded(network, picture)
