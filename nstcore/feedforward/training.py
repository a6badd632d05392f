"""Training of a network for a style: crops -> network -> the losses of a transfer -> back to the network's weights."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nstcore.backend.environment import device, versions
from nstcore.checkpoint import Checkpoint
from nstcore.config import TransferConfig
from nstcore.feedforward.course import Course, Watch
from nstcore.feedforward.crop_pool import CropPool
from nstcore.feedforward.crop_targets import CropTargets
from nstcore.feedforward.crops import Crops
from nstcore.feedforward.held_out import HeldOut
from nstcore.feedforward.network import build_network
from nstcore.feedforward.photographs import Photographs, find_photographs
from nstcore.feedforward.settings import SIZES, NetworkSettings
from nstcore.feedforward.step import Trainer
from nstcore.feedforward.training_settings import TrainingSettings as TrainingSettings
from nstcore.feedforward.training_settings import require_trainable as require_trainable
from nstcore.feedforward.training_state import TrainingKeeper, trained_from
from nstcore.feedforward.training_trace import TrainingStep, TrainingTrace
from nstcore.loading import load_styles
from nstcore.memory import require_memory
from nstcore.mixture import StyleLike, style_sources
from nstcore.networks.extractor import pretrained_network
from nstcore.networks.weights import Provenance
from nstcore.pictures.images import PictureSource
from nstcore.recipe import resolve
from nstcore.snapshots import Snapshots
from nstcore.system.files import encodable

logger = logging.getLogger("nstcore")


@dataclass(frozen=True)
class TrainingResult:
    """A network and how it came about.

    Attributes:
        model: the network, RGB (B, H, W, 3), 0 to 255, to RGB of the same shape.
        trace: the steps.
        config: the resolved settings of the losses.
        settings, training: of the network, and of its training.
        weights: where the backbone's weights came from.
        content_weights: where those of the network that the content is seen through came from, if it is another.
        made_from: all that the weights depend on, see `trained_from`.
        styles: names of the style pictures.
        held_out: names of the photographs that the held-out loss looks at.
        steps: after how many of them these weights were reached; early stopping takes those of the best look.
        message: why the training ended.
        seconds: wall time, compilation included.
        resumed: after how many steps it was taken up, each time; () if nothing interrupted it.
    """

    model: keras.Model
    trace: TrainingTrace
    config: TransferConfig
    settings: NetworkSettings
    training: TrainingSettings
    weights: Provenance
    content_weights: Provenance | None
    made_from: Mapping[str, Any]
    styles: tuple[str, ...]
    held_out: tuple[str, ...]
    steps: int
    message: str
    seconds: float
    resumed: tuple[int, ...] = ()

    @property
    def held_out_loss(self) -> float:
        """The held-out loss at these weights."""
        return self.trace[self.steps - 1].held_out

    def provenance(self) -> dict[str, Any]:
        """What the network's file says of its training, plain data for JSON."""
        others = [self.content_weights] if self.content_weights else []
        return {
            "style": list(self.styles),
            "trained from": dict(self.made_from),
            "size": self.config.size,
            "backbone": self.config.backbone,
            "weights": [each.to_dict() for each in (self.weights, *others)],
            "steps": self.steps,
            "ended": self.message,
            "seconds": round(self.seconds, 1),
            "held out": list(self.held_out),
            "held-out loss": self.held_out_loss,
            "resumed": list(self.resumed),
            "versions": versions(),
            "device": device(),
        }


def train(
    style: StyleLike | Sequence[StyleLike],
    photographs: str | PathLike[str] | Photographs,
    config: TransferConfig | None = None,
    settings: NetworkSettings | None = None,
    training: TrainingSettings | None = None,
    checkpoint: Checkpoint | None = None,
    callback: Callable[[TrainingStep], None] | None = None,
    *,
    snapshots: Snapshots | None = None,
) -> TrainingResult:
    """Train a network to do for any picture what a transfer does for one (Johnson 2016, section 3).

    A step minimises the losses of a transfer of some crops, balanced as they are there, by the weights of the network
    that makes the pictures. Any loss and any backbone serve.

    Args:
        style: as `nstcore.transfer.style_transfer` takes it, but without regions; it is read at `config.size`.
        photographs: a folder, or what `find_photographs` found.
        config: the losses, the backbone, its layers and the size that the network is for; what it says of the
            optimiser and of where it starts is not looked at. None takes the defaults.
        settings: of the network; None takes the small one.
        training: how it is trained; None takes the defaults.
        checkpoint: where the state is kept, every `training.checkpoint_seconds`, and taken up from if one is there. On
            one machine a training that was taken up ends with the same weights, to the bit, unless `minutes` ends it.
        callback: called after every step. A training that is taken up tells of the steps of before first.
        snapshots: what is done with pictures of the first held-out photograph; iterations are steps, 0 is the network
            before the first.

    Raises:
        PictureError: for a picture that cannot be read or is too small, or too few photographs.
        ConfigError: for settings that a network cannot be trained with.
        WeightsError: if the backbone's weights cannot be had.
        MemoryShortageError: if the memory that is free is not enough.
        DivergenceError: if a loss becomes NaN or infinite.
    """
    began = time.perf_counter()
    recipe = resolve(config or TransferConfig()).unstaged()
    settings, training = settings or SIZES["small"], training or TrainingSettings()
    require_trainable(recipe.config, settings, training)
    sources = style_sources(style, ())
    styles = load_styles(sources, recipe.config)
    found = photographs if isinstance(photographs, Photographs) else find_photographs(photographs, seed=training.seed)
    logger.info(require_memory(recipe, training.crop, training.crop, training.batch))
    made_from = trained_from(recipe, settings, training, styles, found)
    keeper = TrainingKeeper(checkpoint, made_from, training.checkpoint_seconds) if checkpoint else None
    reached = keeper.take_up() if keeper else None
    generator = np.random.default_rng(training.seed)
    targets = CropTargets(styles, recipe, training.crop)
    crops = Crops(found.training, training.crop, recipe.size, generator)
    pool = CropPool(crops, targets, training.batch, training.reuse, generator)
    held_out = HeldOut(found.held_out, styles, recipe)
    if reached:
        began -= reached.elapsed
        pool.load_state(reached.pool)
        generator.bit_generator.state = reached.generator
    else:
        logger.info(pool.fill())
    network = build_network(settings, training.seed)
    trainer = Trainer(network, pool.problem().function, training)
    course = Course(trainer, pool, held_out, generator, training, terms=pool.problem().terms, began=began)
    watch = Watch(callback, snapshots, recipe.size)
    message = course.run(watch, keeper, reached)
    steps, trained = course.chosen()
    networks = (recipe.network, recipe.content_network)
    weights, content_weights = (pretrained_network(one.backbone, one.weights)[1] for one in networks)
    return TrainingResult(
        model=trainer.put_back(trained.weights),
        trace=TrainingTrace(tuple(course.steps)),
        config=recipe.config,
        settings=settings,
        training=training,
        weights=weights,
        content_weights=content_weights if recipe.content_network != recipe.network else None,
        made_from=made_from,
        styles=tuple(_name(source.picture) for source in sources),
        held_out=held_out.names,
        steps=steps,
        message=message,
        seconds=time.perf_counter() - began,
        resumed=reached.resumed if reached else (),
    )


def _name(source: PictureSource) -> str:
    """How a style picture is called: without the folder, which is of one machine."""
    return "array" if isinstance(source, np.ndarray) else encodable(Path(source).name)
