"""The loop of a training: when its time is over by a clock of the test's own, and what it looks at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nstcore import TransferConfig, backend
from nstcore.feedforward import course as course_module
from nstcore.feedforward.course import Course, Watch
from nstcore.feedforward.network import build_network
from nstcore.feedforward.settings import NetworkSettings
from nstcore.feedforward.step import Trainer
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.feedforward.training_state import Reached
from nstcore.feedforward.training_trace import TrainingStep
from nstcore.loss_graph import TERMS
from nstcore.problem import build_problem
from nstcore.scene import Scene, Style


class Simulated:
    """A training whose steps and looks take as long as they are said to, of a clock that nothing else moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: Callable[[int], float], look: float, compiles: float):
        self.now, self.steps, self.looks = 0.0, 0, 0
        monkeypatch.setattr(course_module.time, "perf_counter", lambda: self.now)
        self._step, self._look, self._compiles = step, look, compiles

    def course(self, **settings: Any) -> Course:
        trainer = SimpleNamespace(start=lambda: "at first", step=self._stepped)
        pool = SimpleNamespace(next=lambda: (np.zeros((1, 8, 8, 3)), ()), state_dict=dict)
        held_out = SimpleNamespace(loss=self._looked)
        generator, training = np.random.default_rng(0), TrainingSettings(**{"steps": 0, **settings})
        return Course(trainer, pool, held_out, generator, training, terms=TERMS, began=0.0)  # type: ignore[arg-type]

    def _stepped(self, trained: object, *_: object) -> tuple[object, np.ndarray]:
        self.now += self._step(self.steps) + (0.0 if self.steps else self._compiles)
        self.steps += 1
        return f"after {self.steps}", np.ones(len(TERMS))

    def _looked(self, *_: object) -> float:
        self.now += self._look + (0.0 if self.looks else self._compiles)
        self.looks += 1
        return 1.0 / self.looks


@pytest.mark.parametrize(("held_out_every", "patience"), [(0, 0), (1, 0), (7, 0), (100, 0), (1, 50), (7, 50)])
@pytest.mark.parametrize("look", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("compiles", [0.0, 10.0])
def test_minutes_are_kept_to_with_the_look_at_the_end(
    look: float, held_out_every: int, patience: int, compiles: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Simulated(monkeypatch, lambda _: 0.4, look, compiles)
    training = simulated.course(minutes=2.0, held_out_every=held_out_every, patience=patience)
    message = training.run(Watch(None, None, 64), None, None)
    assert message == f"the time was over after {simulated.steps} steps"
    assert simulated.now <= 120.0
    assert simulated.now > 120.0 - look - 2 * 0.4  # no longer than a step and a look is left unused
    assert training.steps[-1].held_out == pytest.approx(1.0 / simulated.looks)


def test_steps_that_take_longer_now_and_then_are_reckoned_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crop is replaced before every eighth step, which takes twice as long."""
    simulated = Simulated(monkeypatch, lambda step: 0.8 if step % 8 == 7 else 0.4, 1.0, 0.0)
    simulated.course(minutes=1.0).run(Watch(None, None, 64), None, None)
    assert 60.0 - 2.5 < simulated.now <= 60.0


def test_a_training_by_steps_alone_is_not_looked_at_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated(monkeypatch, lambda _: 0.4, 1.0, 0.0)
    training = simulated.course(steps=10, held_out_every=5)
    assert training.run(Watch(None, None, 64), None, None) == "all 10 steps"
    assert simulated.looks == 2


def test_one_that_is_taken_up_when_its_time_is_over_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated(monkeypatch, lambda _: 0.4, 1.0, 0.0)
    kept = TrainingStep(step=1, seconds=60.0, total=1.0, content=1.0, style=1.0, total_variation=1.0)
    reached = Reached("after 1", None, [kept], 60.0, {}, {}, (1,))  # type: ignore[arg-type]
    simulated.now = 60.0
    training = simulated.course(minutes=1.0)
    assert training.run(Watch(None, None, 64), None, reached) == "the time was over after 1 steps"
    assert (simulated.steps, simulated.looks, training.steps[-1].held_out) == (0, 1, 1.0)
    assert training.chosen() == (1, "after 1")


def test_photographs_of_many_sizes_are_looked_at_without_being_traced(
    blotches: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """TensorFlow warns where the fifth of a handful of functions is traced."""
    layers = ("block1_conv1",)
    config = TransferConfig(backbone="vgg16", weights="random", content_layers=layers, style_layers=layers, size=48)
    style, sides = Style(blotches(9, 32, 32)), range(32, 39)
    network = build_network(NetworkSettings(width=2, blocks=0, strides=()), 1)
    problems = [build_problem([Scene(blotches(side, side, 40), (style,))], config) for side in sides]
    pictures = [blotches(side, side, 40)[np.newaxis].astype(np.float32) for side in sides]
    trainer = Trainer(network, problems[0].function, TrainingSettings())
    trained = trainer.start()
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(backend, "compiled", lambda function: pytest.fail("a function is traced"))
        for _ in range(2):
            looks = [
                trainer.look(trained, picture, problem) for picture, problem in zip(pictures, problems, strict=True)
            ]
    assert "retracing" not in caplog.text
    for place in (0, -1):
        expected = problems[place].evaluate(trainer.picture(trained, pictures[place])).terms
        for name, value in zip(problems[place].terms, looks[place].tolist(), strict=True):
            assert value == pytest.approx(float(backend.to_host(expected[name])[0]), rel=1e-4, abs=1e-6)
