"""The folder of nights: what is kept, what is taken away, and what is never touched."""

from __future__ import annotations

import datetime
import errno
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nstcore import ConfigError
from nstcore.errors import OutputError
from nstcore.system.files import link_or_copy
from pipeline.nights.archive import KeepRule, NightArchive, link_tree
from pipeline.nights.night import Night
from pipeline.nights.publish import prune

DAYS = [datetime.date(2025, 9, 20) + datetime.timedelta(day) for day in range(30)]


def made(archive: NightArchive, date: datetime.date, **others) -> Night:
    night = Night(date, others.pop("title", "Cats"), {}, (), **others)
    with archive.new(date) as folder:
        (folder / "index.html").write_text(f"night of {date}")
        (folder / "night.json").write_text(json.dumps(night.to_dict()))
    return night


dates = st.lists(st.dates(datetime.date(2023, 12, 1), datetime.date(2025, 3, 1)), max_size=80)


@given(dates, st.integers(1, 20), st.booleans(), st.data())
def test_what_a_rule_keeps(nights, last, firsts, data):
    spared = data.draw(st.lists(st.sampled_from(nights), max_size=2)) if nights else []
    rule = KeepRule(last, firsts)
    going = rule.to_prune(nights, spared)
    kept = sorted(set(nights) - set(going))
    assert set(going).isdisjoint(spared)
    assert set(sorted(set(nights))[-last:]) <= set(kept)
    assert len(kept) >= min(last, len(set(nights)))
    if firsts:
        months = {(night.year, night.month) for night in nights}
        assert {min(n for n in nights if (n.year, n.month) == month) for month in months} <= set(kept)
        assert len(kept) <= last + len(months) + len(spared)
    assert rule.to_prune(kept, spared) == []


def test_thirty_nights_leave_the_last_and_the_firsts():
    going = KeepRule(last=3).to_prune(DAYS)
    kept = [day.isoformat() for day in DAYS if day not in going]
    assert kept == ["2025-09-20", "2025-10-01", "2025-10-17", "2025-10-18", "2025-10-19"]
    assert len(KeepRule(last=3, firsts=False).to_prune(DAYS)) == 27


def test_the_night_just_made_is_never_pruned_though_later_ones_are_there():
    assert DAYS[0] not in KeepRule(last=2, firsts=False).to_prune(DAYS, spared=[DAYS[0]])
    with pytest.raises(ConfigError, match=r"last must be a whole number >= 1\. Received: last=0"):
        KeepRule(last=0)


def test_a_night_is_whole_or_absent(tmp_path):
    archive = NightArchive(tmp_path / "nights")
    with pytest.raises(FileNotFoundError), archive.new(DAYS[0]) as folder:
        (folder / "absent").read_text()
    assert list(archive.folder.iterdir()) == []
    left_over = archive.folder / f".{DAYS[0]}.part"
    left_over.mkdir()
    (left_over / "stale.png").touch()
    made(archive, DAYS[0])
    assert {path.name for path in archive.path(DAYS[0]).iterdir()} == {"index.html", "night.json"}
    assert archive.dates() == [DAYS[0]]


def test_a_place_that_is_taken_is_left_alone(tmp_path):
    archive = NightArchive(tmp_path)
    archive.path(DAYS[0]).mkdir()
    (archive.path(DAYS[0]) / "diary.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"2025-09-20: is there already.*--nights-dir"):
        made(archive, DAYS[0])
    assert (archive.path(DAYS[0]) / "diary.txt").read_text() == "mine"


def test_only_nights_are_ever_deleted(tmp_path):
    archive = NightArchive(tmp_path / "nights")
    for day in DAYS[:4]:
        made(archive, day)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "night.json").write_text("{}")
    (archive.folder / "2025-09-01").symlink_to(elsewhere)
    for name in ("20250902", "2025-09-03", "not a night"):
        (archive.folder / name).mkdir()
        (archive.folder / name / "index.html").touch()
    (archive.folder / "20250902" / "night.json").touch()
    assert archive.dates() == DAYS[:4]
    archive.prune([*DAYS, datetime.date(2025, 9, 1), datetime.date(2025, 9, 2), datetime.date(2025, 9, 3)])
    assert {path.name for path in archive.folder.iterdir()} == {
        "2025-09-01",
        "20250902",
        "2025-09-03",
        "not a night",
        "pruned.txt",
    }
    assert (elsewhere / "night.json").exists()
    assert archive.pruned() == set(DAYS[:4])


def test_pruned_nights_are_remembered(tmp_path):
    archive = NightArchive(tmp_path)
    assert archive.pruned() == set()
    for day in DAYS[:3]:
        made(archive, day)
    archive.prune(DAYS[:1])
    archive.prune(DAYS[1:2])
    archive.prune([])
    assert archive.pruned() == set(DAYS[:2])
    assert archive.dates() == DAYS[2:3]


def test_pruning_spares_the_night_before_and_other_studies(tmp_path):
    archive = NightArchive(tmp_path)
    made(archive, DAYS[0], title="Dogs")
    for day in DAYS[1:5]:
        made(archive, day)
    late = made(archive, DAYS[5], compared_with=DAYS[2])
    prune(archive, late, KeepRule(last=1, firsts=False))
    assert archive.dates() == [DAYS[0], DAYS[2], DAYS[5]]


def test_a_night_that_cannot_be_read_is_left_alone(tmp_path, caplog):
    archive = NightArchive(tmp_path)
    made(archive, DAYS[0])
    (archive.path(DAYS[0]) / "night.json").write_text("{")
    good = made(archive, DAYS[1])
    with caplog.at_level("WARNING", logger="luigi-interface"):
        assert archive.latest("Cats", DAYS[1]) is None
        assert archive.latest("Cats", DAYS[2]) == good
    assert f"{DAYS[0]}/night.json" in caplog.text
    prune(archive, good, KeepRule(last=1, firsts=False))
    assert archive.dates() == DAYS[:2]


HOSTILE = ["a b.png", "<script>alert(1)<!--.png", "Ж 漢字 '\".png", "-rf", "%2e%2e.png", "x" * 200]


@pytest.mark.parametrize("links", [True, False])
def test_files_are_linked_or_else_copied(tmp_path, monkeypatch, links):
    if not links:

        def no_links(*_):
            raise OSError(errno.EXDEV, "not on this file system")

        monkeypatch.setattr(os, "link", no_links)
    source, target = tmp_path / "report", tmp_path / "night"
    (source / "pictures").mkdir(parents=True)
    for name in HOSTILE:
        (source / "pictures" / name).write_text(name)
    (source / "index.html").write_text("the report's")
    (source / ".half.part.png").touch()
    link_tree(source, target, leave_out=("index.html",))
    assert {path.name for path in target.rglob("*") if path.is_file()} == set(HOSTILE)
    for name in HOSTILE:
        assert (target / "pictures" / name).read_text() == name
        assert (target / "pictures" / name).samefile(source / "pictures" / name) == links


def test_a_link_never_writes_into_a_file_that_is_there(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    with pytest.raises(FileExistsError):
        link_or_copy(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "two"
