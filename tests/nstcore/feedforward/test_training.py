"""Training: what a step sees is what a transfer sees, and how it ends."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from nstcore import TransferConfig, build_objective, state_keeper
from nstcore.checkpoint import Checkpoint
from nstcore.errors import ConfigError, DivergenceError, PictureError
from nstcore.feedforward import crop_pool
from nstcore.feedforward.crop_pool import CropPool
from nstcore.feedforward.crop_targets import CropTargets
from nstcore.feedforward.crops import Crops
from nstcore.feedforward.photographs import Photographs
from nstcore.feedforward.settings import NetworkSettings
from nstcore.feedforward.training import TrainingSettings, train
from nstcore.feedforward.training_trace import TrainingStep
from nstcore.loading import load_picture, load_styles
from nstcore.mixture import StyleSource, style_sources
from nstcore.pictures.images import write_picture
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.scene import Scene
from nstcore.snapshots import Snapshots
from nstcore.state_file import write_state

CONFIG = TransferConfig(
    backbone="vgg16",
    weights="random",
    content_layers=("block1_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    size=64,
)
NETWORK = NetworkSettings(width=4, blocks=0, strides=(2,))
TRAINING = TrainingSettings(steps=6, batch=2, crop=32, reuse=2, held_out_every=2)

Blotches = Callable[[int, int, int], np.ndarray]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, blotches: Blotches) -> Photographs:
    folder = tmp_path_factory.mktemp("photographs")
    paths = [folder / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        write_picture(path, blotches(number, 64, 96))
    return Photographs(tuple(paths[:3]), tuple(paths[3:]))


def trained(photographs: Photographs, style: np.ndarray, **settings: object):
    own = {name: settings.pop(name) for name in ("checkpoint", "callback", "snapshots") if name in settings}
    training = dataclasses.replace(TRAINING, **settings)
    return train(style, photographs, CONFIG, NETWORK, training, **own)


# --- what a step sees ------------------------------------------------------------------------------------------------

EVERY_LOSS = pytest.mark.parametrize(
    "losses",
    [
        {},
        # one that is balanced by looking at the content once more, and one that is matched to it
        {"histogram": {"layers": ["block1_conv1"]}, "nearest_neighbors": {"layers": ["block2_conv1"]}},
    ],
    ids=["gram", "others"],
)


@EVERY_LOSS
def test_the_problem_of_some_crops_is_that_of_transfers_of_them(
    losses: dict[str, object], style_picture: np.ndarray, blotches: Blotches
) -> None:
    recipe = resolve(dataclasses.replace(CONFIG, losses=losses))
    styles = load_styles(style_sources(style_picture), recipe.config)
    crops = [blotches(seed, 32, 32) for seed in (7, 8, 9)]
    targets = CropTargets(styles, recipe, 32)
    own = [targets.of(crop) for crop in crops]
    pictures = np.stack(crops[1:]).astype(np.float32) + 10.0
    ours = targets.problem(own[1:]).evaluate(pictures)
    theirs = build_problem([Scene(crop, styles) for crop in crops[1:]], recipe).evaluate(pictures)
    for name, values in theirs.terms.items():
        np.testing.assert_allclose(ours.terms[name], values, rtol=1e-6)
    np.testing.assert_allclose(ours.gradient, theirs.gradient, rtol=1e-6)


def test_the_held_out_loss_is_that_of_a_transfer_of_the_whole_photograph(
    photographs: Photographs, style_picture: np.ndarray
) -> None:
    result = trained(photographs, style_picture)
    content = load_picture(photographs.held_out[0], CONFIG)
    made = np.asarray(result.model(content[np.newaxis].astype(np.float32)))[0]
    objective = build_objective(photographs.held_out[0], style_picture, CONFIG)
    assert result.held_out_loss == pytest.approx(objective(made.ravel().astype(np.float64))[0], rel=1e-4)
    assert [step.step for step in result.trace.held_out] == [2, 4, 6]
    assert result.held_out == ("3.png",)


def test_every_crop_serves_as_often_as_is_asked_and_few_are_kept(
    photographs: Photographs, style_picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = resolve(CONFIG)
    targets = CropTargets(load_styles(style_sources(style_picture), CONFIG), recipe, 32)
    looked = []
    monkeypatch.setattr(targets, "of", lambda crop, of=targets.of: looked.append(crop) or of(crop))
    generator = np.random.default_rng(0)
    pool = CropPool(Crops(photographs.training, 32, 64, generator), targets, 2, 4, generator)
    said = pool.fill()
    first = len(looked)
    assert said.startswith(f"{first} crops and their targets take ")
    for _ in range(40):
        batch, _ = pool.next()
        assert batch.shape == (2, 32, 32, 3)
        assert (batch[0] != batch[1]).any()
    assert len(looked) - first == 40 * 2 // 4
    assert len(pool.state_dict()["crops"]) == first
    monkeypatch.setattr(crop_pool, "_KEPT_BYTES", 1)
    few = CropPool(Crops(photographs.training, 32, 64, generator), targets, 2, 4, generator)
    assert few.fill().startswith("2 crops")


# --- how it goes and ends --------------------------------------------------------------------------------------------


def test_all_steps_are_told_and_lower_the_loss(photographs: Photographs, style_picture: np.ndarray) -> None:
    told: list[TrainingStep] = []
    result = trained(photographs, style_picture, steps=12, learning_rate=5e-3, callback=told.append)
    assert result.message == "all 12 steps"
    assert tuple(told) == result.trace.steps
    assert [step.step for step in told] == list(range(1, 13))
    assert np.mean([step.total for step in told[-4:]]) < 0.8 * np.mean([step.total for step in told[:4]])
    assert result.provenance()["trained from"] == result.made_from


def test_pictures_of_the_held_out_photograph_are_taken_on_the_way(
    photographs: Photographs, style_picture: np.ndarray
) -> None:
    taken: list[tuple[int, int, tuple[int, ...]]] = []
    snapshots = Snapshots(3, lambda size, step, picture: taken.append((size, step, picture.shape)), {64: (0,)})
    trained(photographs, style_picture, snapshots=snapshots)
    assert taken == [(64, step, (43, 64, 3)) for step in (0, 3, 6)]


def test_time_ends_it(photographs: Photographs, style_picture: np.ndarray) -> None:
    result = trained(photographs, style_picture, steps=0, minutes=1e-9)
    assert result.message == "the time was over after 1 steps"
    assert not math.isnan(result.held_out_loss)


def test_early_stopping_takes_the_weights_of_the_best_look(photographs: Photographs, style_picture: np.ndarray) -> None:
    # A rate that throws the weights about: no look stays the best for long.
    result = trained(photographs, style_picture, steps=200, held_out_every=1, patience=3, learning_rate=0.3)
    losses = [step.held_out for step in result.trace]
    best = int(np.argmin(losses))
    assert result.steps == best + 1
    assert len(losses) == best + 1 + 3
    assert result.message == f"the held-out loss was lowest after {best + 1} of {len(losses)} steps"
    content = load_picture(photographs.held_out[0], CONFIG)
    made = np.asarray(result.model(content[np.newaxis].astype(np.float32)))[0]
    objective = build_objective(photographs.held_out[0], style_picture, CONFIG)
    assert objective(made.ravel().astype(np.float64))[0] == pytest.approx(losses[best], rel=1e-4)


class _Interrupted(BaseException):
    pass


def test_an_interrupted_one_goes_on_with_the_best_weights_too(
    photographs: Photographs, style_picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_keeper, "_SHARE", 1e9)  # a state after every step
    settings = {"steps": 60, "held_out_every": 1, "patience": 4, "learning_rate": 0.3, "checkpoint_seconds": 1e-9}
    straight = trained(photographs, style_picture, **settings)

    def interrupt(at: int, step: TrainingStep) -> None:
        if step.step == at:
            raise _Interrupted

    checkpoint = Checkpoint.at(tmp_path / "state.npz")
    for at in (3, len(straight.trace) - 1):
        callback = functools.partial(interrupt, at)
        with pytest.raises(_Interrupted):
            trained(photographs, style_picture, checkpoint=checkpoint, callback=callback, **settings)
    resumed = trained(photographs, style_picture, checkpoint=checkpoint, **settings)
    assert resumed.resumed == (2, len(straight.trace) - 2)
    assert [step.total for step in resumed.trace] == [step.total for step in straight.trace]
    assert resumed.steps == straight.steps
    for one, other in zip(resumed.model.get_weights(), straight.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["another seed", "a transfer's", "damaged"])
def test_a_state_of_something_else_is_told_and_begun_anew(
    kind: str, photographs: Photographs, style_picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_keeper, "_SHARE", 1e9)
    place, said = tmp_path / "state.npz", []
    checkpoint = Checkpoint.at(place, tell=said.append)
    settings = {"steps": 3, "checkpoint_seconds": 1e-9}
    if kind == "a transfer's":
        with place.open("wb") as file:
            write_state(file, {"made from": {}, "level": 0}, {})
    else:
        trained(photographs, style_picture, checkpoint=checkpoint, **settings)
    if kind == "damaged":
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 1
        place.write_bytes(content)
    result = trained(photographs, style_picture, checkpoint=checkpoint, seed=int(kind == "another seed"), **settings)
    assert result.resumed == ()
    (line,) = said
    assert line.startswith("begun anew: the state that was kept ")
    assert {"another seed": "was made with training", "a transfer's": "a transfer", "damaged": "damaged"}[kind] in line


# --- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "training", "message"),
    [
        ({"color": "luminance"}, {}, 'color must be "style"'),
        ({}, {"crop": 65}, "crop must be from 32.*size=64"),
        ({"backbone": "inceptionv3", "size": 96, "content_layers": (), "style_layers": ()}, {}, "crop must be from 75"),
    ],
)
def test_settings_that_do_not_fit_are_told(
    config: dict, training: dict, message: str, photographs: Photographs, style_picture: np.ndarray
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(
            style_picture,
            photographs,
            dataclasses.replace(CONFIG, **config),
            NETWORK,
            dataclasses.replace(TRAINING, **training),
        )


def test_a_style_for_a_region_is_refused(photographs: Photographs, style_picture: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="region"):
        train(StyleSource(style_picture, region="#ff0000"), photographs, CONFIG, NETWORK, TRAINING)


def test_a_loss_that_is_no_number_ends_it(photographs: Photographs, style_picture: np.ndarray) -> None:
    with pytest.raises(DivergenceError, match=r"the loss of step .*smaller learning rate"):
        trained(photographs, style_picture, learning_rate=1e38)


def test_held_out_photographs_that_cannot_be_read_are_told(
    photographs: Photographs, style_picture: np.ndarray, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PictureError, match=r"none of 1 held-out photographs can be used: .*broken\.png"):
        trained(Photographs(photographs.training, (broken,)), style_picture)


def test_keras_is_left_as_it_was(photographs: Photographs, style_picture: np.ndarray) -> None:
    before = keras.config.floatx(), keras.config.image_data_format()
    trained(photographs, style_picture, steps=1)
    assert (keras.config.floatx(), keras.config.image_data_format()) == before
