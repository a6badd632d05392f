"""What changed between two nights: every cell once, and worse only where numbers compare."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nstcore import ConfigError
from pipeline.nights.changes import Thresholds, compare
from pipeline.nights.night import Night, NightCell, night_cells
from pipeline.report.page import ReportCell

DAY = datetime.date(2025, 10, 1)
CELL = NightCell(
    "cat",
    "ink",
    "vgg16",
    (),
    "done",
    picture="pictures/cat.png",
    picture_sha256="aa",
    digest="d1",
    content_sha256="c1",
    style_sha256="s1",
    weights_sha256="w1",
    config={"size": 96, "iterations": 8},
    engine="2",
    height=72,
    width=96,
    loss=0.4,
    relative_loss=0.1,
    seconds=20.0,
    finished="2025-10-01T01:00:00+00:00",
    measures={"ssim": 0.8, "lpips": 0.3, "colour_content": 0.2},
    versions={"keras": "3.10", "backend": "tensorflow"},
    device="cpu",
)
FAILED = NightCell("cat", "ink", "vgg16", (), "failed", reason="loss became nan")


def night(*cells: NightCell, day: int = 0, **others) -> Night:
    return Night(DAY + datetime.timedelta(day), "Cats", others.pop("settings", {}), cells, **others)


def worse(before: NightCell, after: NightCell, thresholds: Thresholds | None = None) -> list[str]:
    found = compare(night(before), night(after, day=1), thresholds or Thresholds())
    return [each.what for cell in found.worse for each in cell.worsenings]


names = st.sampled_from(["cat", "<b>", 'a "quoted" name', "Ж", ""])
cells = st.builds(
    NightCell,
    content=names,
    style=names,
    backbone=st.sampled_from(["vgg16", "vgg19"]),
    variant=st.sampled_from([(), (("pooling", "avg"),)]),
    status=st.sampled_from(["done", "failed", "skipped"]),
    picture_sha256=st.sampled_from(["", "a", "b"]),
    digest=st.sampled_from(["", "d", "e"]),
    loss=st.none() | st.floats(0, 1e9),
    seconds=st.none() | st.floats(0, 1e5),
    config=st.sampled_from([{}, {"size": 1}, {"size": 2, "style_layers": ["a", "b"]}]),
    measures=st.dictionaries(st.sampled_from(["ssim", "lpips"]), st.floats(0, 1)),
    versions=st.sampled_from([{}, {"keras": "3.10"}, {"keras": "3.11"}]),
)
nights = st.lists(cells, max_size=12).map(lambda some: night(*some))


@given(nights, nights)
def test_every_cell_is_in_one_of_new_removed_changed_and_unchanged(before, after):
    found = compare(before, after, Thresholds())
    assert len(found.new) + len(found.changed) + len(found.unchanged) == len(after.cells)
    assert len(found.removed) + len(found.changed) + len(found.unchanged) == len(before.cells)
    for cell in after.cells:
        places = [cell in found.new, cell in [each.after for each in found.changed], cell in found.unchanged]
        assert any(places)
    assert set(map(id, found.new)).isdisjoint(map(id, found.unchanged))
    assert set(map(id, found.recovered)) <= {id(each.after) for each in found.changed}
    assert set(map(id, found.failed)) <= {id(each.after) for each in found.changed} | set(map(id, found.new))


@given(nights, nights)
def test_there_and_back_again(before, after):
    there, back = compare(before, after, Thresholds()), compare(after, before, Thresholds())
    assert there.new == back.removed
    assert there.removed == back.new
    assert len(there.changed) == len(back.changed)
    assert len(there.unchanged) == len(back.unchanged)
    assert set(there.versions) == {(name, was, now) for name, now, was in back.versions}


@given(nights)
def test_a_night_is_as_itself_also_after_it_was_read_back(one):
    again = Night.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.by_identity().keys() == one.by_identity().keys()
    for other in (one, again):
        assert not compare(one, other, Thresholds(0, 0, 0, 0))


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 0}', '{"format": 1, "date": 3}', '{"format": 1}'])
def test_what_is_no_night_is_said_so(text):
    with pytest.raises(ValueError, match=r"format|night"):
        Night.from_dict(json.loads(text))


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"style_sha256": "s2", "digest": "d2"}, ["another style picture"]),
        ({"content_sha256": "c2", "digest": "d2"}, ["another content picture"]),
        ({"weights_sha256": "w2", "digest": "d2"}, ["other weights"]),
        ({"config": {"size": 96, "iterations": 9}, "digest": "d2"}, ["iterations 8 → 9"]),
        ({"engine": "3", "digest": "d2"}, ["engine 2 → 3"]),
        ({"status": "failed", "picture_sha256": "", "digest": ""}, ["done → failed"]),
        (
            {"versions": {"keras": "3.11", "backend": "tensorflow"}},
            ["made again from the same pictures and settings", "keras 3.10 → 3.11"],
        ),
    ],
)
def test_a_changed_cell_says_why(change, reasons):
    after = replace(CELL, **{"picture_sha256": "bb", **change})
    (changed,) = compare(night(CELL), night(after, day=1), Thresholds()).changed
    assert list(changed.reasons) == reasons


def test_cells_that_fail_and_cells_that_recover():
    fails = compare(night(CELL), night(FAILED, day=1), Thresholds())
    assert (fails.failed, fails.recovered, len(fails.changed)) == ((FAILED,), (), 1)
    recovers = compare(night(FAILED), night(CELL, day=1), Thresholds())
    assert (recovers.failed, recovers.recovered) == ((), (CELL,))
    still = compare(night(FAILED), night(replace(FAILED, reason="another line"), day=1), Thresholds())
    assert not still
    new = compare(night(), night(FAILED, day=1), Thresholds())
    assert (new.failed, new.new) == ((FAILED,), (FAILED,))


@pytest.mark.parametrize(("loss", "expected"), [(0.42, []), (0.4201, ["loss"]), (0.3, []), (None, [])])
def test_a_loss_is_worse_beyond_its_threshold(loss, expected):
    assert worse(CELL, replace(CELL, loss=loss)) == expected


def test_a_loss_of_nothing_can_only_get_worse():
    assert worse(replace(CELL, loss=0.0), replace(CELL, loss=1e-9)) == ["loss"]
    (found,) = compare(night(replace(CELL, loss=0.0)), night(replace(CELL, loss=1.0)), Thresholds()).worse
    assert found.reason == "loss 0 → 1"


@pytest.mark.parametrize(
    "change", [{"style_sha256": "s2"}, {"content_sha256": "c2"}, {"weights_sha256": "w2"}, {"config": {"size": 128}}]
)
def test_losses_of_different_functions_do_not_compare(change):
    assert "loss" not in worse(CELL, replace(CELL, loss=9.0, **change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"finished": "later", "seconds": 30.1}, ["seconds"]),
        ({"finished": "later", "seconds": 29.9}, []),
        ({"seconds": 99.0}, []),  # the same cell as before: nothing was measured again
        ({"digest": "d2", "style_sha256": "s2", "seconds": 99.0}, ["seconds"]),
        ({"finished": "later", "seconds": 99.0, "device": "gpu"}, []),
        ({"finished": "later", "seconds": 99.0, "height": 99}, []),
        ({"finished": "later", "seconds": 99.0, "config": {"iterations": 80}}, []),
    ],
)
def test_a_time_is_worse_only_where_the_same_work_was_done_again(change, expected):
    assert worse(CELL, replace(CELL, **change)) == expected


def test_little_time_is_noise():
    assert worse(replace(CELL, seconds=1.0), replace(CELL, seconds=4.0, finished="later")) == []


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        ({"ssim": 0.7}, ["SSIM to content"]),
        ({"ssim": 0.9, "lpips": 0.3}, []),
        ({"ssim": 0.8, "lpips": 0.4}, ["LPIPS to content"]),
        ({"colour_content": 0.9}, []),  # neither direction is better
        ({"unknown": 9.0}, []),
        ({}, []),
    ],
)
def test_a_measure_is_worse_in_its_own_direction(measures, expected):
    assert worse(CELL, replace(CELL, measures=measures)) == expected
    other_settings = replace(CELL, measures=measures, config={"size": 96, "iterations": 80}, digest="d2")
    assert worse(CELL, other_settings) == expected  # one judge, whatever the settings
    assert worse(CELL, replace(other_settings, style_sha256="s2")) == []


def test_what_the_study_asks_for_and_what_made_the_cells():
    before = night(CELL, settings={"preset": "balanced", "size": 96})
    newer = replace(CELL, versions={"keras": "3.11", "backend": "tensorflow"}, engine="3")
    after = night(newer, day=1, settings={"preset": "balanced", "size": 128, "pooling": "avg"})
    found = compare(before, after, Thresholds())
    assert found.settings == (("size", 96, 128), ("pooling", None, "avg"))
    assert found.versions == (("engine", "2", "3"), ("keras", "3.10", "3.11"))
    assert compare(before, night(replace(CELL, weights_sha256="w2")), Thresholds()).versions == (
        ("weights of vgg16", "w1", "w2"),
    )


@pytest.mark.parametrize("name", ["loss", "seconds", "least_seconds", "measure"])
@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_thresholds_are_numbers_from_zero(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be a number >= 0. Received: {name}="):
        Thresholds(**{name: value})


def test_a_night_keeps_what_a_report_knows_of_its_cells():
    manifest = {
        "digest": "d",
        "content": {"sha256": "c"},
        "style": {"sha256": "s"},
        "weights": {"sha256": "w", "source": "there"},
        "config": {"size": 96, "weights": "/somewhere"},
        "engine_version": "2",
        "versions": {"keras": "3.10"},
        "device": "cpu",
        "finished": "then",
        "result": {
            "initial_total": 4.0,
            "total": 1.0,
            "seconds": 9.0,
            "batch_size": 3,
            "height": 72,
            "width": 96,
        },
    }
    done = ReportCell("cat", "ink", "vgg16", "done", manifest, picture="a.png", measures={"ssim": 0.5})
    failed = ReportCell("cat", "oil", "vgg16", "failed", None, reason="why")
    first, second = night_cells([done, failed], lambda path: f"sha256 of {path}")
    assert (first.picture_sha256, first.relative_loss, first.seconds) == ("sha256 of a.png", 0.25, 3.0)
    assert first.config == {"size": 96}
    assert (first.digest, first.content_sha256, first.style_sha256, first.weights_sha256) == ("d", "c", "s", "w")
    assert (second.status, second.reason, second.picture_sha256, second.loss) == ("failed", "why", "", None)


def test_a_changed_picture_of_a_mixture_or_a_changed_map_is_a_changed_style():
    """A plain picture is known by its own checksum, as nights of before knew it."""

    def checksum(**style: object) -> str:
        manifest = {"content": {"sha256": "c"}, "style": {"sha256": "s", **style}}
        (cell,) = night_cells([ReportCell("cat", "ink", "vgg16", "done", manifest)], lambda path: "")
        assert cell.content_sha256 == "c"
        return cell.style_sha256

    def pictures(regions: str) -> list[dict[str, object]]:
        return [{"sha256": "a"}, {"sha256": "b", "regions": {"sha256": regions}}]

    assert checksum() == "s"
    found = [checksum(regions={"sha256": "m"}), checksum(pictures=pictures("m")), checksum(pictures=pictures("n"))]
    assert len({"s", *found}) == 4
