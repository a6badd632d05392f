"""Settings of a training, its learning rate, and its trace as text and as a table."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from nstcore.errors import ConfigError, InputError
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.feedforward.training_trace import TrainingStep, TrainingTrace, steps_of, table


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps and minutes are both 0"),
        ({"patience": 2, "held_out_every": 0}, "held_out_every=0"),
        ({"batch": 0}, "batch"),
        ({"crop": 31}, "crop"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": math.inf}, "learning_rate"),
        ({"decay": 1.5}, "decay"),
        ({"warm_up": 1.0}, "warm_up"),
        ({"reuse": 0}, "reuse"),
        ({"minutes": -1.0}, "minutes"),
        ({"checkpoint_seconds": math.nan}, "checkpoint_seconds"),
        ({"seed": 2**32}, "seed"),
        ({"steps": True}, "steps"),
        ({"weighting": "absolute"}, "weighting must be one of relative, total"),
    ],
)
def test_what_cannot_be_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        TrainingSettings(**settings)
    assert "\n" not in str(error.value)


def test_they_come_back_from_json() -> None:
    settings = TrainingSettings(steps=0, minutes=3, batch=4, warm_up=0.1)
    assert TrainingSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    with pytest.raises(ConfigError, match="unknown setting"):
        TrainingSettings.from_dict({"step": 3})


def test_the_rate_rises_and_falls_along_half_a_cosine() -> None:
    settings = TrainingSettings(learning_rate=2.0, warm_up=0.2, decay=0.25)
    assert settings.rate(0.1) == pytest.approx(1.0)
    assert settings.rate(0.2) == pytest.approx(2.0)
    assert settings.rate(0.6) == pytest.approx((2.0 + 0.5) / 2)  # the middle of what falls
    assert settings.rate(1.0) == pytest.approx(0.5)
    assert TrainingSettings(learning_rate=2.0, warm_up=0.0, decay=1.0).rate(0.7) == 2.0


def test_the_progress_is_that_of_what_ends_first() -> None:
    settings = TrainingSettings(steps=100, minutes=1.0)
    assert settings.progress(50, 6.0) == 0.5
    assert settings.progress(10, 45.0) == 0.75
    assert settings.progress(10, 600.0) == 1.0
    assert TrainingSettings(steps=0, minutes=1.0).progress(10**6, 15.0) == 0.25


STEPS = (
    TrainingStep(1, 0.1, 3.0, 1.0, 2.0, 1e8, losses={"patches": 0.25}),
    TrainingStep(2, 0.2, 1 / 3, 1e-9, 2.0, 1e8, held_out=2.5, losses={"patches": 0.125}),
)


def test_a_trace_keeps_every_digit_as_text_and_as_a_table() -> None:
    trace = TrainingTrace(STEPS)
    text = trace.to_csv()
    assert text.splitlines()[0] == "step,seconds,total,content,style,total_variation,held_out,patches"
    assert text.splitlines()[1] == "1,0.1,3.0,1.0,2.0,100000000.0,,0.25"
    again = TrainingTrace.from_csv(text.splitlines())
    assert again.to_csv() == text
    assert [step.step for step in again.held_out] == [2]
    assert math.isnan(again[0].held_out)
    rows = table(STEPS, ["patches"])
    np.testing.assert_array_equal(table(steps_of(rows, ["patches"]), ["patches"]), rows)


@pytest.mark.parametrize(
    "text",
    ["", "iteration,total\n1,2\n", "step,seconds,total,content,style,total_variation,held_out\n1,2\n"],
)
def test_another_table_is_no_trace(text: str) -> None:
    with pytest.raises(InputError, match="is no trace of a training"):
        TrainingTrace.from_csv(text.splitlines())
