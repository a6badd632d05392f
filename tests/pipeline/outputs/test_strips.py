"""Strips: at which iterations they have frames, how frames lie in the file, and what a state keeps of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nstcore import TransferConfig
from nstcore.errors import InputError
from nstcore.networks.weights import Provenance
from nstcore.pictures.resizing import resize
from nstcore.result import CoarseRun, Iterate, Trace, TransferResult
from pipeline.outputs.strips import StripRecorder, arrays_of, chosen_frames, frames_of, take_up


def test_early_frames_are_denser():
    assert chosen_frames({512: 100}, 11) == {512: (0, 1, 2, 3, 6, 12, 22, 34, 51, 73, 100)}


def test_runs_share_the_frames_and_later_ones_have_the_rest():
    chosen = chosen_frames({256: 50, 512: 100}, 6)
    assert chosen == {256: (0, 6, 50), 512: (4, 30, 100)}
    assert chosen_frames({256: 50, 512: 100}, 2) == {256: (0,), 512: (100,)}
    assert chosen_frames({256: 50, 512: 100}, 1) == {256: (), 512: (100,)}


@given(st.lists(st.integers(1, 300), min_size=1, max_size=3), st.integers(1, 100))
def test_as_many_as_asked_for_unless_a_run_is_shorter(iterations, count):
    runs = {100 * place: each for place, each in enumerate(iterations, 1)}
    chosen = chosen_frames(runs, count)
    assert list(chosen) == list(runs)
    for size, found in chosen.items():
        assert list(found) == sorted(set(found))
        assert all(0 <= each <= runs[size] for each in found)
    assert chosen[max(runs)][-1] == runs[max(runs)]
    frames = sum(map(len, chosen.values()))
    assert frames <= count
    if min(iterations) >= count:
        assert frames == count


def trace(iterations: int, first: float) -> Trace:
    return Trace(tuple(Iterate(each, each, 0.0, first - each, 1.0, 1.0, 0.0) for each in range(iterations + 1)))


def result(image, iterations: int, coarse: tuple[CoarseRun, ...] = ()) -> TransferResult:
    config = TransferConfig(size=max(image.shape))
    weights = Provenance("vgg19", "a test", "", "0")
    return TransferResult(image, trace(iterations, 50.0), config, weights, message="", seconds=0.0, coarse=coarse)


def plain(value: int, height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def recorded(count: int, height: int, width: int) -> StripRecorder:
    """One whose frames have the colors 10, 20 and so on."""
    recorder = StripRecorder(height, width, {})
    take = recorder.snapshots().take
    for place in range(count):
        take(max(height, width), place, plain(10 * (place + 1), height, width))
    return recorder


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize(("height", "width"), [(30, 40), (100, 33), (16, 48)])
def test_frames_come_back_and_none_shows_through_another(height, width, count):
    strip = recorded(count, height, width).finished(result(plain(250, height, width), count))
    frames = frames_of(strip.content, strip.to_dict(), "strip.webp")
    assert len(frames) == count + 1
    for frame, value in zip(frames, [*range(10, 10 * count + 1, 10), 250], strict=True):
        assert frame.shape == (height, width, 3)
        assert np.abs(frame.astype(int) - value).max() <= 3
    assert [moment.iteration for moment in strip.moments] == [*range(count + 1)]
    assert [moment.total for moment in strip.moments] == [50.0 - each for each in range(count + 1)]


def test_frames_are_small_and_those_of_coarse_runs_as_large_as_the_others(blotches):
    picture = blotches(1, 300, 768)
    recorder = StripRecorder(300, 768, {})
    take = recorder.snapshots().take
    take(384, 2, resize(picture, 384))
    take(768, 4, picture)
    strip = recorder.finished(result(picture, 5, (CoarseRun(384, trace(3, 9.0)),)))
    frames = frames_of(strip.content, strip.to_dict(), "strip.webp")
    assert [frame.shape for frame in frames] == [(150, 384, 3)] * 3
    told = [(moment.size, moment.iteration, moment.total) for moment in strip.moments]
    assert told == [(384, 2, 7.0), (768, 4, 46.0), (768, 5, 45.0)]
    expected = resize(picture, 384)
    assert np.abs(frames[1].astype(int) - expected).mean() < 4


def test_a_transfer_that_ended_early_ends_with_its_result():
    recorder = recorded(3, 40, 40)
    strip = recorder.finished(result(plain(200, 40, 40), 2))  # the frame of iteration 2 was the result already
    assert [moment.iteration for moment in strip.moments] == [0, 1, 2]
    last = frames_of(strip.content, strip.to_dict(), "")[-1]
    assert np.abs(last.astype(int) - 200).max() <= 3


def test_a_state_keeps_the_frames_of_each_transfer():
    before = [recorded(3, 40, 50), recorded(2, 40, 50)]
    after = [StripRecorder(40, 50, {}), StripRecorder(40, 50, {})]
    assert take_up(after, arrays_of(before))
    for one, other in zip(before, after, strict=True):
        ended = [each.finished(result(plain(7, 40, 50), 9)) for each in (one, other)]
        assert ended[0] == ended[1]


def test_a_state_without_frames_says_so():
    assert arrays_of([]) == {}
    assert take_up([], {})
    assert not take_up([StripRecorder(40, 50, {})], {})


def test_what_is_no_strip_is_an_error_of_one_line():
    strip = recorded(2, 40, 40).finished(result(plain(9, 40, 40), 2))
    record = strip.to_dict()
    small = io.BytesIO()
    Image.new("RGB", (16, 16)).save(small, "WEBP")
    broken = [
        (b"", record),
        (strip.content[:50], record),
        (small.getvalue(), record),
        (strip.content, {}),
        (strip.content, {**record, "frames": []}),
        (strip.content, {**record, "columns": 0}),
        (strip.content, {**record, "height": 5000}),
    ]
    for content, said in broken:
        with pytest.raises(InputError, match=r"\Aa.webp: is no strip of frames \([^\n]*\)\Z"):
            frames_of(content, said, "a.webp")
