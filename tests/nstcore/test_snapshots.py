"""Pictures on the way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import TransferConfig, style_transfer
from nstcore.pictures.luminance import luminance
from nstcore.pictures.resizing import resize
from nstcore.snapshots import Snapshots

CONFIG = TransferConfig(
    backbone="vgg16", weights="random", size=64, iterations=7, style_weight=1e4, coarse_sizes=(56,), init="content"
)


def taken(content, style, every, **settings):
    found = []
    result = style_transfer(
        content,
        style,
        dataclasses.replace(CONFIG, **settings),
        snapshots=Snapshots(every, lambda size, iteration, picture: found.append((size, iteration, picture))),
    )
    return result, found


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device", "adam"])
def test_they_are_what_a_shorter_run_gives(blotches, optimizer):
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    result, found = taken(content, style, 3, optimizer=optimizer)
    assert [(size, iteration) for size, iteration, _ in found] == [(56, 3), (64, 3), (64, 6)]
    assert [picture.shape[0] for *_, picture in found] == [56, 64, 64]
    plain = style_transfer(content, style, dataclasses.replace(CONFIG, optimizer=optimizer))
    assert (result.image == plain.image).all()  # looking changes nothing
    shorter = taken(content, style, 100, optimizer=optimizer, coarse_sizes=(), iterations=3)[0]
    alone = taken(content, style, 3, optimizer=optimizer, coarse_sizes=())[1]
    assert np.abs(alone[0][2].astype(int) - shorter.image).max() <= 1


def test_they_have_the_contents_colors_if_the_result_has(blotches):
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    _, found = taken(content, style, 5, color="luminance", coarse_sizes=())
    ((_, _, picture),) = found

    def chroma(each):
        return each - luminance(each)[..., np.newaxis]

    assert np.abs(chroma(picture) - chroma(content)).max() <= 1.0


def test_what_they_are_given_to_may_end_the_transfer(blotches):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        style_transfer(blotches(1, 64, 64), blotches(2, 64, 64), CONFIG, snapshots=Snapshots(2, stop))


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device", "adam"])
def test_chosen_ones_are_what_shorter_runs_give_from_the_first_picture_on(blotches, optimizer):
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    config = dataclasses.replace(CONFIG, optimizer=optimizer)
    found = []
    chosen = {56: (0, 2), 64: (1, 5, 7, 100)}
    snapshots = Snapshots(0, lambda size, iteration, picture: found.append((size, iteration, picture)), chosen)
    result = style_transfer(content, style, config, snapshots=snapshots)
    assert [(size, iteration) for size, iteration, _ in found] == [(56, 0), (56, 2), (64, 1), (64, 5), (64, 7)]
    assert (found[-1][2] == result.image).all()
    assert np.abs(found[0][2].astype(int) - resize(content, 56)).max() <= 1
    shorter = style_transfer(
        resize(content, 56), style, dataclasses.replace(config, size=56, coarse_sizes=(), iterations=2)
    )
    assert np.abs(found[1][2].astype(int) - shorter.image).max() <= 1


def test_some_may_be_chosen_besides_those_at_even_distances(blotches):
    iterations = []
    snapshots = Snapshots(3, lambda size, iteration, _: iterations.append(iteration), {64: (0, 4, 6)})
    config = dataclasses.replace(CONFIG, coarse_sizes=())
    style_transfer(blotches(1, 64, 64), blotches(2, 64, 64), config, snapshots=snapshots)
    assert iterations == [0, 3, 4, 6]
