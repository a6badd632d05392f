"""Photographs: which are found and held out, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nstcore.errors import ConfigError, PictureError
from nstcore.feedforward.crops import Crops
from nstcore.feedforward.photographs import Photographs, find_photographs
from nstcore.pictures.images import read_picture, write_picture
from nstcore.pictures.resizing import resize_to


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten photographs of 90 x 60, each with colors of its own, and files that are none."""
    for number in range(10):
        picture = np.random.default_rng(number).integers(0, 256, (60, 90, 3)).astype(np.uint8)
        write_picture(tmp_path / f"{number}.png", picture)
    (tmp_path / "notes.txt").write_text("no photograph")
    (tmp_path / ".hidden.png").write_bytes(b"")
    write_picture(tmp_path / "3.regions.png", np.zeros((60, 90, 3), np.uint8))
    return tmp_path


# --- which there are -------------------------------------------------------------------------------------------------


def test_a_tenth_is_held_out_the_same_for_the_same_seed(folder: Path) -> None:
    found = find_photographs(folder)
    assert (len(found.training), len(found.held_out)) == (9, 1)
    assert {path.name for path in (*found.training, *found.held_out)} == {f"{number}.png" for number in range(10)}
    assert found == find_photographs(folder)
    assert len({find_photographs(folder, seed=seed).held_out for seed in range(8)}) > 1


def test_a_folder_of_held_out_photographs_is_found_by_its_name_or_named(folder: Path, tmp_path: Path) -> None:
    apart = tmp_path / "held-out"
    apart.mkdir()
    (folder / "7.png").rename(apart / "7.png")
    assert [path.name for path in find_photographs(folder).held_out] == ["7.png"]
    other = tmp_path / "other"
    other.mkdir()
    (folder / "8.png").rename(other / "8.png")
    found = find_photographs(folder, other)
    assert [path.name for path in found.held_out] == ["8.png"]
    assert len(found.training) == 8


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "none of the photographs to train on"),
        (("1.png",), "1 of the photographs to train on, one of which is held out; put 2 or more there"),
    ],
)
def test_too_few_are_told_in_one_line(folder: Path, tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in names:
        (folder / name).rename(few / name)
    with pytest.raises(PictureError, match=message) as error:
        find_photographs(few)
    assert "\n" not in str(error.value)


def test_no_folder_a_file_and_an_empty_held_out_folder_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no such folder"):
        find_photographs(tmp_path / "nowhere")
    with pytest.raises(PictureError, match="is no folder"):
        find_photographs(folder / "1.png")
    (tmp_path / "held-out").mkdir()
    with pytest.raises(PictureError, match="none of the photographs that are held out"):
        find_photographs(folder)


def test_a_share_must_be_one(folder: Path) -> None:
    with pytest.raises(ConfigError, match="held-out share"):
        find_photographs(folder, share=1.0)


def test_a_photograph_is_not_both(folder: Path) -> None:
    with pytest.raises(PictureError, match="is held out and trained on"):
        Photographs((folder / "1.png",), (folder / "sub" / ".." / "1.png",))


def test_what_they_are_is_their_names_and_bytes(folder: Path) -> None:
    photographs = Photographs((folder / "1.png",), (folder / "2.png",))
    before = photographs.made_from()
    assert before[0] == ["1.png", (folder / "1.png").stat().st_size, False]
    (folder / "2.png").write_bytes(b"another")
    assert photographs.made_from() != before


# --- crops -----------------------------------------------------------------------------------------------------------


def crops(folder: Path, seed: int = 0, side: int = 40, size: int = 60) -> Crops:
    return Crops([folder / f"{number}.png" for number in range(4)], side, size, np.random.default_rng(seed))


def test_crops_are_cut_of_the_scaled_photograph_and_flipped(folder: Path) -> None:
    source = crops(folder)
    drawn = [source.draw() for _ in range(60)]
    assert {one.photograph for one in drawn} == {0, 1, 2, 3}
    assert {one.flipped for one in drawn} == {0, 1}
    for one in drawn[:20]:
        whole = resize_to(read_picture(folder / f"{one.photograph}.png"), one.height, one.width)
        expected = whole[one.top : one.top + 40, one.left : one.left + 40]
        np.testing.assert_array_equal(source.cut(one), expected[:, ::-1] if one.flipped else expected)
        assert 60 <= one.width <= 90  # as the network's pictures will be, and up to half as large again
        assert one.height == pytest.approx(one.width * 60 / 90, abs=1)


def test_the_same_generator_draws_the_same_and_goes_on_from_its_state(folder: Path) -> None:
    generator = np.random.default_rng(5)
    paths = [folder / f"{number}.png" for number in range(4)]
    one = Crops(paths, 40, 60, generator)
    [one.draw() for _ in range(7)]
    state = generator.bit_generator.state
    expected = [one.draw() for _ in range(7)]
    generator = np.random.default_rng(99)
    generator.bit_generator.state = state
    other = Crops(paths, 40, 60, generator)
    assert [other.draw() for _ in range(7)] == expected


def test_what_cannot_be_read_or_is_too_small_is_passed_over_and_told_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    write_picture(folder / "1.png", np.zeros((39, 90, 3), np.uint8))
    source = crops(folder)
    assert {source.draw().photograph for _ in range(50)} == {2, 3}
    assert len(caplog.messages) == 2
    assert any("0.png" in message and "damaged" in message for message in caplog.messages)
    assert any("90 x 39 pixels (width x height), smaller than crops of 40" in message for message in caplog.messages)


def test_where_none_can_be_used_one_line_says_why(folder: Path) -> None:
    with pytest.raises(PictureError, match=r"none of 4 photographs can be trained on: .*smaller than crops of 61"):
        crops(folder, side=61).draw()


def test_a_photograph_of_just_the_size_has_one_crop(folder: Path) -> None:
    one = crops(folder, side=60, size=60).draw()
    assert (one.height, one.top) == (60, 0)
