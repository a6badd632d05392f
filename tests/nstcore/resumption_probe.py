"""Asked by `test_resumption.py` on every backend: transfers that were interrupted and taken up, and others."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from nstcore import TransferConfig, state_keeper, style_transfer
from nstcore.checkpoint import Checkpoint
from nstcore.optimizers import OPTIMIZERS

CONFIG = TransferConfig(
    backbone="vgg16",
    content_layers=("block1_conv2",),
    style_layers=("block1_conv1",),
    weights="random",
    size=32,
    iterations=8,
)


class Interrupted(BaseException):
    pass


def answers() -> dict[str, object]:
    found: dict[str, object] = {}
    content, style = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    share, state_keeper._SHARE = state_keeper._SHARE, 1e9  # a state after every round
    try:
        for optimizer in OPTIMIZERS:
            config = dataclasses.replace(CONFIG, optimizer=optimizer)
            straight = style_transfer(content, style, config)
            resumed = _interrupted(content, style, config)
            found[f"{optimizer}/straight"] = _numbers(straight)
            found[f"{optimizer}/resumed"] = _numbers(resumed)
            found[f"{optimizer}/pictures"] = [straight.image, resumed.image]
            found[f"{optimizer}/at"] = resumed.resumed[0].iteration
    finally:
        state_keeper._SHARE = share
    return found


def _interrupted(content, style, config):
    def interrupt(iterate):
        if iterate.iteration == 5:
            raise Interrupted

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint.at(Path(folder) / "state.npz", 1e-9)
        try:
            style_transfer(content, style, config, interrupt, checkpoint=checkpoint)
        except Interrupted:
            return style_transfer(content, style, config, checkpoint=checkpoint)
    raise AssertionError("it was not interrupted")


def _numbers(result):
    return [(each.iteration, each.evaluations, each.total, each.content, each.style) for each in result.trace]
