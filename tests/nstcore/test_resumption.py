"""A transfer that was interrupted goes on from its state, and ends as if nothing had interrupted it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import io

import numpy as np
import pytest

from nstcore import OutputError, TransferConfig, coloring, state_keeper, style_transfer
from nstcore.checkpoint import Checkpoint
from nstcore.loading import load_scene
from nstcore.optimizers import OPTIMIZERS, flat
from nstcore.recipe import resolve
from nstcore.result import Iterate, TransferResult
from nstcore.snapshots import Snapshots
from nstcore.transfer import transfer

CONFIG = TransferConfig(
    backbone="vgg16",
    weights="random",
    content_layers=("block1_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    size=48,
    iterations=10,
    style_weight=1e4,
    coarse_sizes=(40,),
    init="content",
)
COARSE_ITERATES, ITERATES = 6, 11

EVERY_KIND = pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "lbfgs-device"},
        {"optimizer": "lbfgs"},
        {"optimizer": "adam", "optimizer_settings": {"decay_rate": 0.5, "decay_steps": 3}},
        {"optimizer": "rmsprop"},
        {"optimizer": "sgd"},
        {"optimizer": "lbfgs-device", "precision": "bfloat16"},
        {"optimizer": "lbfgs", "precision": "bfloat16"},
        {"optimizer": "adam", "precision": "bfloat16"},
        {"optimizer": "lbfgs-device", "optimizer_settings": {"restart_every": 4}},
        {"optimizer": "lbfgs", "optimizer_settings": {"restart_every": 4}},
        {"optimizer": "lbfgs", "parametrization": "fourier", "fourier_colors": "decorrelated"},
        {
            "optimizer": "lbfgs-device",
            "parametrization": "fourier",
            "losses": {"mean_variance": {"layers": ["block1_conv1"]}},
        },
    ],
    ids=str,
)


class Interrupted(BaseException):
    """As a kill: nothing in between hears of it."""


class Kept:
    """A place for a state, in memory, and what was told of it."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        self.told: list[str] = []
        self.saves = 0

    @contextlib.contextmanager
    def writing(self):
        file = io.BytesIO()
        yield file
        self.content = file.getvalue()
        self.saves += 1

    def checkpoint(self, every=1e-9, **others) -> Checkpoint:
        return Checkpoint(lambda: self.content, self.writing, every, tell=self.told.append, **others)


@pytest.fixture(autouse=True)
def a_state_after_every_round(monkeypatch):
    monkeypatch.setattr(state_keeper, "_SHARE", 1e9)


@pytest.fixture(scope="module")
def pictures(blotches):
    return blotches(1, 48, 44), blotches(2, 48, 48)


@pytest.fixture(scope="module")
def undisturbed(pictures):
    """Settings -> what they lead to when nothing happens."""
    found: dict[TransferConfig, TransferResult] = {}

    def result(config):
        if config not in found:
            found[config] = style_transfer(*pictures, config)
        return found[config]

    return result


def values(trace) -> list[Iterate]:
    """All but the seconds."""
    return [dataclasses.replace(iterate, seconds=0.0) for iterate in trace]


def same(result, other) -> bool:
    traces = ([*(run.trace for run in each.coarse), each.trace] for each in (result, other))
    return (
        (result.image == other.image).all()
        and result.message == other.message
        and all(values(one) == values(two) for one, two in zip(*traces, strict=True))
    )


def interrupted(pictures, config, after: int, kept=None, **others) -> Kept:
    """What is kept of a transfer that ends when it reports its iterate `after`, coarse runs included."""
    kept, seen = kept or Kept(), 0

    def interrupt(_):
        nonlocal seen
        seen += 1
        if seen > after:
            raise Interrupted

    with pytest.raises(Interrupted):
        style_transfer(*pictures, config, interrupt, checkpoint=kept.checkpoint(), **others)
    return kept


@EVERY_KIND
def test_it_ends_as_if_nothing_had_happened(pictures, undisturbed, settings):
    config = dataclasses.replace(CONFIG, **settings)
    for after in (3, COARSE_ITERATES + 4, COARSE_ITERATES + ITERATES - 1):
        kept, seen = interrupted(pictures, config, after), []
        result = style_transfer(*pictures, config, seen.append, checkpoint=kept.checkpoint())
        assert same(result, undisturbed(config)), after
        (resumption,) = result.resumed
        assert resumption.note == ""
        is_coarse = after <= COARSE_ITERATES
        assert resumption.size == (40 if is_coarse else 48)
        # The iterate that interrupted was not recorded in a state, nor, in a run, the one before if none came between.
        assert after - 2 <= resumption.iteration + (0 if is_coarse else COARSE_ITERATES) <= after
        assert kept.told == [f"taken up at iteration {resumption.iteration} of {resumption.size} px"]
        # Whoever watches sees every iterate once, in order.
        assert [each.iteration for each in seen] == [*range(COARSE_ITERATES), *range(ITERATES)]
        seconds = [each.seconds for each in seen]
        assert seconds == sorted(seconds)
        assert result.seconds >= seconds[-1]


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_backend_goes_on_to_the_bit(ask, backend):
    found = ask("resumption", backend)
    for optimizer in OPTIMIZERS:
        assert len(found[f"{optimizer}/straight"]) == 9
        assert (found[f"{optimizer}/resumed"] == found[f"{optimizer}/straight"]).all(), optimizer
        assert (found[f"{optimizer}/pictures"][0] == found[f"{optimizer}/pictures"][1]).all(), optimizer
        assert 3 <= found[f"{optimizer}/at"] <= 5


def test_it_may_be_interrupted_again_and_again(pictures, undisturbed):
    config = dataclasses.replace(CONFIG, optimizer="lbfgs")
    kept = Kept()
    for after in (3, COARSE_ITERATES + 2, COARSE_ITERATES + 5, COARSE_ITERATES + 9):
        interrupted(pictures, config, after, kept)
    result = style_transfer(*pictures, config, checkpoint=kept.checkpoint())
    assert same(result, undisturbed(config))
    places = [(each.size, each.iteration) for each in result.resumed]
    assert len(places) == 4
    assert places == sorted(places)


def test_keeping_states_changes_nothing(pictures, undisturbed):
    kept = Kept()
    result = style_transfer(*pictures, CONFIG, checkpoint=kept.checkpoint())
    assert same(result, undisturbed(CONFIG))
    assert result.resumed == ()
    assert kept.saves >= CONFIG.iterations
    assert kept.told == []


def test_pictures_together_are_taken_up_together(pictures, blotches):
    scenes = [load_scene(content, pictures[1], CONFIG) for content in (pictures[0], blotches(5, 48, 44))]
    straight, kept = transfer(scenes, CONFIG), Kept()
    calls = 0

    def interrupt(_):
        nonlocal calls
        calls += 1
        if calls > 2 * COARSE_ITERATES + 9:
            raise Interrupted

    with pytest.raises(Interrupted):
        transfer(scenes, CONFIG, callbacks=[interrupt] * 2, checkpoint=kept.checkpoint())
    alone = kept.content
    for result, other in zip(transfer(scenes, CONFIG, checkpoint=kept.checkpoint()), straight, strict=True):
        assert same(result, other)
        assert result.resumed[0].size == 48
    for others in (scenes[:1], scenes[::-1]):
        kept = Kept(alone)
        transfer(others, CONFIG, checkpoint=kept.checkpoint())
        assert kept.told[0].startswith("begun anew: the state that was kept was made with pictures [")


def test_one_that_diverged_stays_ended(pictures, monkeypatch):
    """Of two pictures the first ends in an error in the coarse run."""
    from nstcore import DivergenceError
    from nstcore.optimizers.protocol import Report
    from nstcore.run import Run

    take = Run._take

    def diverge(self, report):
        if report.row == 0 and self._problem.shape[1] == 40 and self._steps[0] == 2:
            report = Report(0, report.evaluations, report.terms, error=DivergenceError("the style loss became nan"))
        take(self, report)

    monkeypatch.setattr(Run, "_take", diverge)
    scenes, kept, seen = [load_scene(*pictures, CONFIG)] * 2, Kept(), []

    def interrupt(iterate):
        seen.append(iterate)
        if len(seen) > COARSE_ITERATES + 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        transfer(scenes, CONFIG, callbacks=[None, interrupt], checkpoint=kept.checkpoint())
    error, result = transfer(scenes, CONFIG, checkpoint=kept.checkpoint())
    assert isinstance(error, DivergenceError)
    assert str(error) == "the style loss became nan"
    assert [each.size for each in result.resumed] == [48]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"style_weight": 2e4}, "style_weight 10000.0, not 20000.0"),
        ({"optimizer": "adam"}, "optimizer 'lbfgs-device', not 'adam'"),
        ({"seed": 5}, "seed 0, not 5"),
        ({"iterations": 30}, "coarse runs [[40, 5]], not [[40, 15]] for 10 iterations, not 30"),
    ],
)
def test_a_state_of_other_settings_is_not_used(pictures, undisturbed, change, line):
    kept = interrupted(pictures, CONFIG, 9)
    config = dataclasses.replace(CONFIG, **change)
    result = style_transfer(*pictures, config, checkpoint=kept.checkpoint())
    assert kept.told == [f"begun anew: the state that was kept was made with {line}"]
    assert same(result, undisturbed(config))
    assert result.resumed == ()


def test_a_state_of_other_pictures_or_of_another_kind_is_not_used(pictures):
    kept = interrupted(pictures, CONFIG, 9)
    for changed, others, name in (
        (pictures[::-1], {}, "pictures"),
        (pictures, {"made_from": {"engine version": "4"}}, "engine version None, not '4'"),
    ):
        again = Kept(kept.content)
        config = dataclasses.replace(CONFIG, iterations=2) if others else CONFIG
        style_transfer(*changed, config, checkpoint=again.checkpoint(**others))
        assert name in again.told[0]


def test_a_state_of_other_matched_colors_is_not_used(pictures, monkeypatch):
    config = dataclasses.replace(CONFIG, color="match")
    with monkeypatch.context() as earlier:
        earlier.setattr(coloring, "_VERSIONS", {})
        kept = interrupted(pictures, config, 9)
    style_transfer(*pictures, dataclasses.replace(config, iterations=2), checkpoint=kept.checkpoint())
    assert "version of matched colors None, not 2" in kept.told[0]


@pytest.mark.parametrize("damage", [lambda content: content[:-500], lambda _: b"", lambda c: c[:999] + b"?" + c[1000:]])
def test_a_damaged_state_is_not_used(pictures, undisturbed, damage):
    kept = interrupted(pictures, CONFIG, 9)
    kept.content = damage(kept.content)
    result = style_transfer(*pictures, CONFIG, checkpoint=kept.checkpoint())
    assert kept.told == ["begun anew: the state that was kept is damaged"]
    assert same(result, undisturbed(CONFIG))


def test_a_state_that_cannot_be_read_is_told_of(pictures, tmp_path):
    (tmp_path / "state.npz").mkdir()
    told: list[str] = []
    at = Checkpoint.at(tmp_path / "state.npz", 1e-9, tell=told.append)
    style_transfer(*pictures, dataclasses.replace(CONFIG, iterations=3, coarse_sizes=()), checkpoint=at)
    assert len(told) == 2
    assert "cannot be used" in told[0]
    assert "Is a directory" in told[0]
    assert told[1].startswith("no state can be kept")


@pytest.mark.parametrize("place", ["a folder", "a device"])
def test_a_full_disk_is_told_of_once_and_the_transfer_goes_on(pictures, undisturbed, place):
    @contextlib.contextmanager
    def writing():
        if place == "a device":
            with open("/dev/full", "wb") as file:
                yield file
        yield io.BytesIO()
        raise OutputError("state.npz: cannot be written (No space left on device)") from OSError(errno.ENOSPC, "full")

    told: list[str] = []
    result = style_transfer(*pictures, CONFIG, checkpoint=Checkpoint(lambda: None, writing, 1e-9, tell=told.append))
    assert same(result, undisturbed(CONFIG))
    (line,) = told
    assert line.startswith("no state can be kept, and it goes on without: ")
    assert "No space left on device" in line


def test_what_takes_long_to_write_is_written_less_often(pictures, monkeypatch):
    monkeypatch.setattr(state_keeper, "_SHARE", 0.02)
    now = 0.0

    def clock():
        nonlocal now
        now += 1.0  # each look at it
        return now

    monkeypatch.setattr(state_keeper.time, "monotonic", clock)
    kept = Kept()
    config = dataclasses.replace(CONFIG, iterations=200, coarse_sizes=(), optimizer="sgd")
    style_transfer(*pictures, config, checkpoint=kept.checkpoint(every=3.0))
    # It took a second: 50 pass before the next.
    assert 200 / 52 - 2 < kept.saves <= 200 / 50 + 1


def test_one_state_that_takes_long_once_does_not_keep_the_next_from_being_written(monkeypatch):
    """Something else keeps the machine busy while it is written: with a fiftieth of the time 12 s would be lost."""
    monkeypatch.setattr(state_keeper, "_SHARE", 0.02)
    now = 100.0
    monkeypatch.setattr(state_keeper.time, "monotonic", lambda: now)
    keeper = state_keeper.StateKeeper(Kept().checkpoint(), {}, every=3.0)
    waited = []
    for took in (0.25, 0.01, 0.25, 0.01, 0.25, 0.25, 0.01):
        began = now
        now += took
        keeper.write(began, {}, {})
        saved = now
        while not keeper.due():
            now += 0.5
        waited.append(now - saved)
    assert waited == [3.0, 3.0, 3.0, 3.0, 3.0, 12.5, 3.0]


def test_a_state_that_is_kept_leads_on_to_more_iterations(pictures, undisturbed):
    for optimizer in ("lbfgs-device", "lbfgs", "adam"):
        config = dataclasses.replace(CONFIG, coarse_sizes=(), optimizer=optimizer)
        kept, seen = Kept(), []
        style_transfer(*pictures, config, checkpoint=kept.checkpoint(every=0.0, keep=True))
        assert kept.saves == 1
        more = dataclasses.replace(config, iterations=15)
        result = style_transfer(*pictures, more, seen.append, checkpoint=Kept(kept.content).checkpoint(every=0.0))
        assert same(result, undisturbed(more))
        assert [(each.size, each.iteration) for each in result.resumed] == [(48, 10)]
        assert len(seen) == 16
        again = Kept(kept.content)
        assert same(style_transfer(*pictures, config, checkpoint=again.checkpoint()), undisturbed(config))
        fewer = dataclasses.replace(config, iterations=5)
        assert same(style_transfer(*pictures, fewer, checkpoint=again.checkpoint()), undisturbed(fewer))
        assert again.told[1:] == ["begun anew: the state that was kept is 10 iterations on, and 5 are asked for"]


def test_one_that_was_refined_is_begun_anew_for_more_iterations(pictures, undisturbed):
    config = dataclasses.replace(CONFIG, coarse_sizes=(), precision="bfloat16")
    more = dataclasses.replace(config, iterations=15)
    kept = Kept()
    style_transfer(*pictures, config, checkpoint=kept.checkpoint(every=0.0, keep=True))
    assert same(style_transfer(*pictures, more, checkpoint=kept.checkpoint()), undisturbed(more))
    line = "was refined in float32 for the last fifth for 10 iterations, not 15"
    assert kept.told == [f"begun anew: the state that was kept {line}"]
    early = interrupted(pictures, config, 5)  # nothing is refined yet
    result = style_transfer(*pictures, more, checkpoint=early.checkpoint())
    assert same(result, undisturbed(more))
    assert len(result.resumed) == 1


def test_pictures_on_the_way_are_not_taken_twice(pictures):
    taken: list[tuple[int, int]] = []
    snapshots = Snapshots(2, lambda size, iteration, _: taken.append((size, iteration)))
    kept = interrupted(pictures, CONFIG, COARSE_ITERATES + 6, snapshots=snapshots)
    style_transfer(*pictures, CONFIG, checkpoint=kept.checkpoint(), snapshots=snapshots)
    assert taken == [(40, 2), (40, 4), (48, 2), (48, 4), (48, 6), (48, 8), (48, 10)]


def test_the_time_limit_counts_what_went_before(pictures):
    config = dataclasses.replace(CONFIG, time_limit=1000.0)
    kept = interrupted(pictures, config, COARSE_ITERATES + 4)
    late = functools.partial(style_transfer, *pictures, config)
    description, arrays = state_keeper.read_state(kept.content)
    file = io.BytesIO()
    state_keeper.write_state(file, {**description, "elapsed": 2000.0}, arrays)
    result = late(checkpoint=Kept(file.getvalue()).checkpoint())
    assert result.message == "the time limit was reached"
    assert result.seconds > 2000
    assert len(result.trace) == result.resumed[0].iteration + 2


def test_a_state_of_a_training_is_not_gone_on_from(pictures):
    file = io.BytesIO()
    state_keeper.write_state(file, {"made from": {}, "training": {}}, {"trace": np.zeros(1)})
    kept = Kept(file.getvalue())
    result = style_transfer(*pictures, CONFIG, checkpoint=kept.checkpoint())
    assert result.resumed == ()
    assert kept.told == ["begun anew: the state that was kept is one of a training"]


def test_more_than_pictures_can_be_kept(pictures):
    kept = Kept()
    frames = {"0": np.arange(3)}
    at = kept.checkpoint(more=lambda: frames)
    with pytest.raises(Interrupted):
        style_transfer(*pictures, CONFIG, interrupt_at(8), checkpoint=at)
    found: dict[str, np.ndarray] = {}
    style_transfer(*pictures, CONFIG, checkpoint=kept.checkpoint(take_more=found.update))
    assert found["0"].tolist() == [0, 1, 2]


def interrupt_at(count):
    seen = []

    def interrupt(iterate):
        seen.append(iterate)
        if len(seen) == count:
            raise Interrupted

    return interrupt


def test_scipys_answers_that_are_too_many_are_not_kept_and_the_result_says_so(pictures, undisturbed, monkeypatch):
    """Ten evaluations of 48 x 44 pixels, float32."""
    monkeypatch.setattr(flat, "_LARGEST_LOG", 10 * 48 * 44 * 3 * 4)
    config = dataclasses.replace(CONFIG, optimizer="lbfgs", coarse_sizes=(), iterations=30)
    early, late = interrupted(pictures, config, 5), interrupted(pictures, config, 20)
    assert len(late.content) < len(early.content)
    exact = style_transfer(*pictures, config, checkpoint=early.checkpoint())
    assert same(exact, undisturbed(config))
    result = style_transfer(*pictures, config, checkpoint=late.checkpoint())
    assert len(result.trace) == 31
    assert values(result.trace)[:19] == values(undisturbed(config).trace)[:19]
    assert values(result.trace) != values(undisturbed(config).trace)
    note = "the optimizer's memory was too large to be kept: it began a new one"
    assert result.resumed[0].note == note
    assert late.told == [f"taken up at iteration {result.resumed[0].iteration} of 48 px, but not to the bit: {note}"]


def test_regions_and_colors_go_on_too(pictures, blotches):
    regions = np.zeros((48, 44, 3), np.uint8)
    regions[:, 22:] = 255
    config = dataclasses.replace(CONFIG, color="luminance")
    others = {"content_regions": regions, "style_regions": regions}
    content, style = pictures[0], blotches(2, 48, 44)
    kept = interrupted((content, style), config, COARSE_ITERATES + 4, **others)
    result = style_transfer(content, style, config, checkpoint=kept.checkpoint(), **others)
    assert same(result, style_transfer(content, style, config, **others))
    assert len(result.resumed) == 1
    flipped = Kept(kept.content)
    others["content_regions"] = regions[:, ::-1]
    style_transfer(content, style, config, checkpoint=flipped.checkpoint(), **others)
    assert "pictures" in flipped.told[0]


def test_a_recipe_is_what_settings_are(pictures):
    kept = interrupted(pictures, CONFIG, 9)
    (result,) = transfer([load_scene(*pictures, CONFIG)], resolve(CONFIG), checkpoint=kept.checkpoint())
    assert len(result.resumed) == 1
