"""Does a network reach what optimisation reaches, and when has its training paid?

Trains the small network for a style on two cores' worth of time, applies it to photographs that it never saw, and
compares its loss with that of L-BFGS on the same pictures, picture by picture. Then it trains two networks for a short
time that differ in how they enlarge, and looks for the grid of transposed convolutions in the spectrum.

Seconds of a busy machine say little, so seconds of the processor are told beside them, divided by the cores.

    python -m pipeline.samples --photographs-dir inputs/photographs
    python -m benchmarks.feedforward [--steps 4000 --folder /tmp/networks]

A training that is ended goes on from its state in the folder, and a finished network there is taken as it is.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.common.problem import STYLE
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore.config import TransferConfig
from nstcore.feedforward.photographs import Photographs, find_photographs
from nstcore.feedforward.settings import SIZES, NetworkSettings
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.feedforward.training_trace import TrainingTrace
from nstcore.pictures.images import Picture, write_picture
from nstcore.pictures.side_by_side import side_by_side
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

_TIMED = 5
_LOOKED_UP = (20, 50, 100)


@dataclass(frozen=True)
class Trained:
    """A network of a folder and what its training took.

    Attributes:
        apply: the network, for pictures.
        wall, processor: seconds; the latter of all threads together.
    """

    apply: Callable[[Picture], Picture]
    raw: Callable[[Picture], np.ndarray]
    trace: TrainingTrace
    wall: float
    processor: float


@dataclass(frozen=True)
class Compared:
    """One photograph, by the network and by L-BFGS; totals of the same loss, in float32."""

    name: str
    network: float
    by_iteration: Sequence[float]
    wall: float
    processor: float
    pictures: tuple[Picture, Picture, Picture]

    @property
    def ratio(self) -> float:
        return self.network / self.by_iteration[-1]

    @property
    def as_good_as(self) -> str:
        """After how many iterations L-BFGS is where the network is."""
        below = [iteration for iteration, total in enumerate(self.by_iteration) if total <= self.network]
        return str(below[0]) if below else f"> {len(self.by_iteration) - 1}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a network and compare it with optimisation.")
    parser.add_argument("--style", default=STYLE, help="default: %(default)s")
    parser.add_argument("--photographs", default="inputs/photographs", help="default: %(default)s")
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--steps", type=int, default=TrainingSettings.steps)
    parser.add_argument("--iterations", type=int, default=100, help="of L-BFGS (default: %(default)s)")
    parser.add_argument("--grid-steps", type=int, default=600, help="of the networks that enlarge in two ways; 0: none")
    parser.add_argument("--folder", type=Path, default=Path("networks"), help="for networks and pictures")
    add_results_option(parser)
    options = parser.parse_args()
    quiet_tensorflow()
    import_keras_quietly()
    options.folder.mkdir(parents=True, exist_ok=True)
    photographs = find_photographs(options.photographs)
    config = TransferConfig(
        backbone=options.backbone, size=256, precision="auto", iterations=options.iterations, coarse_sizes=()
    )
    report = Report("feedforward", "Feed-forward networks", options.results)
    _quality(report, options, config, photographs)
    if options.grid_steps:
        _grid(report, options, config, photographs)
    report.write()


def _quality(report: Report, options: argparse.Namespace, config: TransferConfig, photographs: Photographs) -> None:
    cores = len(os.sched_getaffinity(0))
    training = TrainingSettings(steps=options.steps)
    trained = _trained(options.folder / "small", options.style, photographs, config, SIZES["small"], training)
    report.say(
        f"The small network, {options.backbone}, {config.size} px, {training.steps} steps of {training.batch} crop of "
        f"{training.crop} px from {len(photographs.training)} photographs: {trained.processor / cores:.0f} s of "
        f"{cores} cores ({seconds(trained.processor)} s of the processor, {seconds(trained.wall)} s by the clock of a "
        "machine that did other work too). Held-out loss on the way, the mean of "
        f"{len(photographs.held_out)} photographs:"
    )
    looks = trained.trace.held_out
    shown = [looks[round(place)] for place in np.linspace(0, len(looks) - 1, min(10, len(looks)))]
    report.table(
        ("steps", *(str(step.step) for step in shown)), [("loss", *(f"{step.held_out:.2f}" for step in shown))]
    )
    compared = [_compared(path, options.style, config, trained) for path in photographs.held_out]
    report.say(
        f"Photographs that it never saw: the total loss of what it makes, and of L-BFGS (the balanced preset at one "
        f"size, which is what coarse-to-fine comes to at {config.size} px). Last, after how many iterations L-BFGS is "
        "where the network is."
    )
    report.table(
        (
            "photograph",
            "network",
            *(f"L-BFGS, {count} it." for count in _LOOKED_UP if count <= options.iterations),
            f"network / {options.iterations} it.",
            "as good as",
        ),
        [
            (
                one.name,
                f"{one.network:.2f}",
                *(f"{one.by_iteration[count]:.2f}" for count in _LOOKED_UP if count <= options.iterations),
                f"{one.ratio:.2f}",
                f"{one.as_good_as} it.",
            )
            for one in compared
        ],
    )
    _times(report, options, compared, trained, cores)
    for one in compared:
        write_picture(options.folder / f"{Path(one.name).stem}.png", side_by_side(one.pictures, 1024))


def _times(
    report: Report, options: argparse.Namespace, compared: Sequence[Compared], trained: Trained, cores: int
) -> None:
    rows, optimised = [], float(np.mean([one.processor for one in compared])) / cores
    for size in (256, 512):
        picture = np.random.default_rng(0).integers(0, 256, (size * 3 // 4, size, 3)).astype(np.uint8)
        trained.apply(picture)
        times = [_timed(lambda picture=picture: trained.apply(picture)) for _ in range(_TIMED)]
        wall, processor = (min(each) for each in zip(*times, strict=True))
        rows.append((f"network, {size} × {size * 3 // 4}", seconds(wall), seconds(processor / cores)))
        if size == 256:
            paid = trained.processor / cores / max(1e-9, optimised - processor / cores)
    name = f"L-BFGS, {options.iterations} iterations, 256"
    rows.append((name, seconds(float(np.mean([one.wall for one in compared]))), seconds(optimised)))
    report.say("Seconds a picture, loaded and compiled; of L-BFGS without them too:")
    report.table(("", "by the clock", f"of {cores} cores"), rows)
    report.say(f"After {int(np.ceil(paid))} pictures of 256 px the training has paid.")


def _compared(path: Path, style: str, config: TransferConfig, trained: Trained) -> Compared:
    from nstcore.loading import load_scene
    from nstcore.problem import build_problem
    from nstcore.recipe import resolve
    from nstcore.transfer import transfer

    progress(f"L-BFGS: {path.name}")
    recipe = resolve(config)
    scene = load_scene(path, style, config)
    transfer([scene], resolve(replace(config, iterations=2)))  # loads and compiles
    began, processor = time.perf_counter(), time.process_time()
    (result,) = transfer([scene], recipe)
    took = time.perf_counter() - began, time.process_time() - processor
    if isinstance(result, Exception):
        raise result
    exact = build_problem([scene], resolve(replace(config, precision="float32")))
    total = float(np.asarray(exact.evaluate(trained.raw(scene.content)[np.newaxis]).values)[0])
    pictures = (scene.content, trained.apply(scene.content), result.image)
    return Compared(path.name, total, [each.total for each in result.trace], *took, pictures)


def _grid(report: Report, options: argparse.Namespace, config: TransferConfig, photographs: Photographs) -> None:
    from nstcore.feedforward.checkerboard import grid_excess
    from nstcore.loading import load_picture

    training = TrainingSettings(steps=options.grid_steps)
    contents = [load_picture(path, config) for path in photographs.held_out]
    rows = [("the photographs", "", *(f"{_mean(contents, grid_excess, period):.1f}" for period in (2, 4)))]
    for upsampling in ("nearest", "transposed"):
        settings = replace(SIZES["small"], upsampling=upsampling)
        trained = _trained(options.folder / upsampling, options.style, photographs, config, settings, training)
        made = [trained.raw(content) for content in contents]
        write_picture(
            options.folder / f"{upsampling}.png", side_by_side([trained.apply(one) for one in contents], 1024)
        )
        loss = f"{trained.trace.held_out[-1].held_out:.2f}"
        rows.append((upsampling, loss, *(f"{_mean(made, grid_excess, period):.1f}" for period in (2, 4))))
    report.say(
        f"How it enlarges, after {options.grid_steps} steps: how far the spectrum of what it makes of the held-out "
        "photographs stands out at the frequencies of a grid of 2 and of 4 pixels, decibels (`grid_excess`)."
    )
    report.table(("upsampling", "held-out loss", "period 2", "period 4"), rows)


def _mean(pictures: Sequence[np.ndarray], excess: Callable[[np.ndarray, int], float], period: int) -> float:
    return float(np.mean([excess(picture, period) for picture in pictures]))


def _trained(
    place: Path,
    style: str,
    photographs: Photographs,
    config: TransferConfig,
    settings: NetworkSettings,
    training: TrainingSettings,
) -> Trained:
    from nstcore.checkpoint import Checkpoint
    from nstcore.feedforward.application import stylize, stylize_unrounded
    from nstcore.feedforward.network_file import load_network, save_network
    from nstcore.feedforward.training import train
    from nstcore.snapshots import Snapshots

    file, trace, state = (place.with_suffix(suffix) for suffix in (".keras", ".csv", ".state"))
    before = [0.0]
    if not file.exists():
        began = time.process_time()

        def spent() -> dict[str, np.ndarray]:
            return {"processor": np.array(before[0] + time.process_time() - began)}

        checkpoint = Checkpoint.at(
            state, more=spent, take_more=lambda kept: before.__setitem__(0, float(kept["processor"]))
        )
        snapshots = Snapshots(
            max(1, training.steps // 8),
            lambda _, step, picture: write_picture(place.with_name(f"{place.name}-{step:05d}.png"), picture),
        )

        def tell(step: object) -> None:
            if step.held_out == step.held_out:
                progress(f"{place.name}: step {step.step}, held-out loss {step.held_out:.3f}")

        result = train(style, photographs, config, settings, training, checkpoint, tell, snapshots=snapshots)
        processor = float(spent()["processor"])
        trace.write_text(result.trace.to_csv(), encoding="utf-8")
        save_network(file, result.model, {**result.provenance(), "processor seconds": processor})
        state.unlink(missing_ok=True)
    network = load_network(file)
    curve = TrainingTrace.from_csv(trace.read_text(encoding="utf-8").splitlines())
    return Trained(
        apply=lambda picture: stylize(network, picture),
        raw=lambda picture: stylize_unrounded(network, picture),
        trace=curve,
        wall=network.provenance["seconds"],
        processor=network.provenance["processor seconds"],
    )


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    began, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - began, time.process_time() - processor


if __name__ == "__main__":
    main()
