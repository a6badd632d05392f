"""The pictures of a report's folder: all that is shown is there, and nothing is made twice."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nstcore import TransferConfig
from nstcore.pictures.images import read_picture, write_picture
from pipeline.grid.cell import Cell
from pipeline.grid.digest import file_sha256
from pipeline.report import gallery
from pipeline.report.page import ReportCell
from pipeline.storage.sealed import DamagedError, records_of

SIZE = 64


@pytest.fixture
def cells(tmp_path, blotches):
    """Two cells of one content picture, with results; the names are not fit for files."""
    made = []
    for kind, seed, shape in (("content", 1, (90, 120)), ("a", 2, (100, 80)), ("b", 3, (80, 80))):
        write_picture(tmp_path / f"{kind}.png", blotches(seed, *shape))
    for style in "ab":
        paths = [str(tmp_path / "content.png"), str(tmp_path / f"{style}.png")]
        sums = [file_sha256(path) for path in paths]
        config = TransferConfig(backbone="vgg19", size=SIZE).resolved()
        cell = Cell("c/../<c>", f"{style}:|?", *paths, *sums, config, "w", digest=style * 16)
        result = tmp_path / "cells" / style / "result.png"
        result.parent.mkdir(parents=True)
        write_picture(result, blotches(hash_of(style), 48, 64))
        made.append((cell, result))
    return made


def hash_of(name: str) -> int:
    return sum(name.encode())


def fill(report: Path, cells, kept=None):
    """Fill a report's folder, and note the files as its task does."""
    index, records = gallery.fill(report, [(cell, result, file_sha256(result)) for cell, result in cells], kept)
    assert set(records) == set(gallery.listed(index))
    assert records == records_of(report, records)
    return index, records


def files(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_folder_holds_results_originals_and_small_versions(tmp_path, cells):
    report = tmp_path / "report"
    index, _ = fill(report, cells)
    assert len(files(report)) == 2 * (2 + 3)  # two results, one content, two styles
    for cell, result in cells:
        shown = index[cell.digest]
        assert shown["result"] == f"pictures/{cell.digest}.png"
        assert (report / shown["result"]).read_bytes() == result.read_bytes()
        assert os.path.samefile(report / shown["result"], result)
        for kind in ("content", "style"):
            np.testing.assert_array_equal(read_picture(report / shown[kind]), cell.load_picture(kind))
        for path in shown.values():
            with Image.open(report / gallery.thumbnail_file(path)) as small:
                assert max(small.size) <= 384
    for name in files(report):
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789/.")


def test_small_versions_are_small(tmp_path, cells, blotches):
    cell, result = cells[0]
    write_picture(result, blotches(1, 600, 900))
    fill(tmp_path / "report", [(cell, result)])
    with Image.open(tmp_path / "report" / gallery.thumbnail_file(gallery.result_file(cell.digest))) as small:
        assert small.size == (384, 256)


def test_nothing_is_made_again(tmp_path, cells):
    report = tmp_path / "report"
    index, kept = fill(report, cells)
    before = files(report)
    assert fill(report, cells, kept) == (index, kept)
    assert files(report) == before


def test_a_changed_picture_is_made_again_alone(tmp_path, cells, blotches):
    report = tmp_path / "report"
    _, kept = fill(report, cells)
    before = files(report)
    cell, result = cells[0]
    write_picture(result, blotches(99, 48, 64))
    os.utime(result, (1, 1))  # however old it claims to be
    fill(report, cells, kept)
    changed = {name for name, written in files(report).items() if before[name] != written}
    picture = gallery.result_file(cell.digest)
    assert changed == {picture, gallery.thumbnail_file(picture)}
    assert (report / picture).read_bytes() == result.read_bytes()


@pytest.mark.parametrize("folder", ["pictures", "originals", "thumbs"])
def test_what_is_not_vouched_for_is_made_again_alone(tmp_path, cells, folder):
    report = tmp_path / "report"
    index, kept = fill(report, cells)
    before = files(report)
    lost = next(name for name in kept if name.startswith(folder))
    content = (report / lost).read_bytes()
    (report / lost).unlink()  # it is a link
    (report / lost).write_bytes(b"garbage")
    assert fill(report, cells, {name: record for name, record in kept.items() if name != lost}) == (index, kept)
    small = {gallery.thumbnail_file(lost)} if folder != "thumbs" else set()
    assert {name for name, written in files(report).items() if before[name] != written} - {lost} == small
    assert (report / lost).read_bytes() == content


def test_the_picture_of_a_cell_that_is_not_what_was_made_is_not_shown(tmp_path, cells):
    (cell, result), _ = cells
    made = file_sha256(result)
    result.write_bytes(result.read_bytes()[:-20])
    with pytest.raises(DamagedError, match="was changed since it was written"):
        gallery.fill(tmp_path / "report", [(cell, result, made)])
    assert files(tmp_path / "report") == {}


def test_what_is_no_longer_shown_is_removed_but_nothing_that_another_is_writing(tmp_path, cells):
    report = tmp_path / "report"
    _, kept = fill(report, cells)
    (report / "thumbs" / ".other.part.webp").write_bytes(b"half")
    index, _ = fill(report, cells[:1], kept)
    assert set(files(report)) == {*gallery.listed(index), "thumbs/.other.part.webp"}
    assert len(gallery.listed(index)) == 2 * len(index[cells[0][0].digest])


def test_without_hard_links_pictures_are_copied_once(tmp_path, cells, monkeypatch):
    def refuse(*_):
        raise OSError("not here")

    monkeypatch.setattr(os, "link", refuse)
    report = tmp_path / "report"
    _, kept = fill(report, cells)
    before = files(report)
    fill(report, cells, kept)
    assert files(report) == before
    for cell, result in cells:
        assert not os.path.samefile(report / gallery.result_file(cell.digest), result)
        assert (report / gallery.result_file(cell.digest)).read_bytes() == result.read_bytes()


def test_an_original_that_changed_since_is_left_out(tmp_path, cells):
    (tmp_path / "a.png").write_text("no picture any more")
    index, _ = fill(tmp_path / "report", cells)
    assert set(index["a" * 16]) == {"result", "content"}
    assert set(index["b" * 16]) == {"result", "content", "style"}


def test_cells_of_a_report_get_their_pictures(tmp_path, cells):
    index, _ = fill(tmp_path / "report", cells)
    made = ReportCell("c", "a", "vgg19", "done", {"digest": "a" * 16})
    lost = ReportCell("c", "x", "vgg19", "failed", None, "why")
    shown, same = gallery.illustrated([made, lost], index)
    assert shown.picture == "pictures/aaaaaaaaaaaaaaaa.png"
    assert shown.thumbnail == "thumbs/aaaaaaaaaaaaaaaa.webp"
    assert shown.content_picture.picture.startswith("originals/")
    assert shown.style_picture.thumbnail.startswith("thumbs/")
    assert same == lost
