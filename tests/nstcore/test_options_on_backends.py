"""Every option on TensorFlow, JAX and torch, each in a process of its own: the same loss, gradient and short run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from nstcore import TransferConfig
from tests.modules import module_of

PROBE = module_of(Path(__file__).with_name("options_probe.py"))
#: What `configured` sets for every one, and whose agreement is seen to in networks_probe.py.
ELSEWHERE = {"backbone", "size", "weights", "style_layers", "filters"}


def test_no_option_is_left_out():
    """Each has a value that is not the default."""
    default = TransferConfig()
    set_here = {
        name
        for options in PROBE.TOGETHER.values()
        for name, value in options.items()
        if value != getattr(default, name)
    }
    assert set_here | ELSEWHERE == {field.name for field in dataclasses.fields(TransferConfig)}
    assert not set_here & ELSEWHERE


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("name", PROBE.TOGETHER)
@pytest.mark.parametrize("backbone", PROBE.COMPARED)
def test_loss_gradient_and_run_agree_with_tensorflow(ask, backend, backbone, name):
    reference, other = (
        {part: ask("options", each)[f"{backbone}/{name}/{part}"] for part in ("loss", "gradient", "run")}
        for each in ("tensorflow", backend)
    )
    # bfloat16 has eight binary digits, and what is not compiled as one is rounded in between.
    exact = 1e-2 if "precision" in PROBE.TOGETHER[name] else 1e-4
    assert other["loss"] == pytest.approx(reference["loss"], rel=exact)
    expected, gradient = reference["gradient"], other["gradient"]
    assert np.linalg.norm(expected) > 0
    # Rounding adds up over InceptionV3's 94 convolutions, on some processors to 3e-4.
    near = max(exact, 1e-3) if backbone == "inceptionv3" else exact
    assert np.linalg.norm(gradient - expected) < near * np.linalg.norm(expected)
    run = reference["run"]
    assert run[-1] < run[0]
    assert len(other["run"]) == len(run)
    assert other["run"][:2] == pytest.approx(run[:2], rel=exact)


def test_a_rule_for_settling_ends_a_run(ask):
    """One of the options, of which the length of a run is all there is to see."""
    iterations = PROBE.configured("vgg16", PROBE.TOGETHER["frequencies"]).iterations
    assert len(ask("options", "tensorflow")["vgg16/frequencies/run"]) - 1 == 1 < iterations
