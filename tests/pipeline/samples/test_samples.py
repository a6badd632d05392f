"""The sample pictures: what is written where, what is never touched, and whether the textures are worth looking at."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nstcore.errors import PictureError
from nstcore.feedforward.photographs import find_photographs
from nstcore.pictures.images import Picture, read_picture
from nstcore.pictures.resizing import resize
from pipeline.samples import catalog
from pipeline.samples.__main__ import main
from pipeline.samples.catalog import SAMPLES, Sample, choose
from pipeline.samples.fill import fill
from pipeline.samples.photographs import FURTHER
from pipeline.samples.styles.textures import TEXTURES


@pytest.fixture(scope="module")
def drawn() -> dict[str, Picture]:
    return {name: draw() for name, draw in TEXTURES.items()}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, drawn: dict[str, Picture]) -> None:
    """Draw each texture once for all tests."""
    for name, picture in drawn.items():
        monkeypatch.setitem(TEXTURES, name, picture.copy)


def run(folder: Path, *more: str) -> int:
    return main(["--content-dir", str(folder / "content"), "--style-dir", str(folder / "style"), *more])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_fills_what_is_missing_with_two_contents_and_three_styles(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    written = contents(tmp_path)
    assert [Path(name).parts[0] for name in written] == ["ATTRIBUTION.md", *["content"] * 2, *["style"] * 3]
    assert {Path(name).stem for name in written if name.startswith("style")} == {
        "brushwork",
        "stained-glass",
        "woodcut",
    }
    for name in written:
        if not name.endswith(".md"):
            picture = read_picture(tmp_path / name)
            assert min(picture.shape[:2]) >= 256
            assert max(picture.shape[:2]) <= 768


@pytest.mark.usefixtures("quick")
def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.usefixtures("quick")
def test_a_second_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path)
    before = contents(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, "--all") == 0
    assert contents(tmp_path) == before
    assert capsys.readouterr().out.count("left alone") == 2


@pytest.mark.usefixtures("quick")
def test_someones_own_pictures_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "mine.JPG").write_bytes(b"mine")
    assert run(tmp_path) == 0
    assert [path.name for path in (tmp_path / "content").iterdir()] == ["mine.JPG"]
    assert len(list((tmp_path / "style").iterdir())) == 3
    assert "content/" not in (tmp_path / "ATTRIBUTION.md").read_text("utf-8")


@pytest.mark.usefixtures("quick")
def test_a_folder_with_other_files_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / ".gitkeep").touch()
    (tmp_path / "content" / "old.png").mkdir()
    assert len(fill(tmp_path / "content", "content")) == 2


@pytest.mark.usefixtures("quick")
def test_all_writes_everything_with_attribution(tmp_path: Path) -> None:
    assert run(tmp_path, "--all") == 0
    attribution = (tmp_path / "ATTRIBUTION.md").read_text("utf-8")
    stems = {Path(name).stem for name in contents(tmp_path) if not name.endswith(".md")}
    assert stems == {sample.name for sample in SAMPLES if sample.available}
    for sample in SAMPLES:
        if sample.available:
            (path,) = (tmp_path / sample.kind).glob(f"{sample.name}.*")
            entry = attribution.split(f"## {sample.kind}/{path.name}\n")[1].split("##")[0]
            for word in (sample.title, sample.author, sample.license, sample.source):
                assert word in entry
            assert min(read_picture(path).shape[:2]) >= 256
            assert max(read_picture(path).shape[:2]) <= 768


def test_attribution_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "ATTRIBUTION.md").write_text("# Mine\n\nA note.\n", "utf-8")
    fill(tmp_path / "content", "content")
    text = (tmp_path / "ATTRIBUTION.md").read_text("utf-8")
    assert text.startswith("# Mine\n\nA note.\n\n## content/")
    for path in (tmp_path / "content").iterdir():
        path.unlink()
    fill(tmp_path / "content", "content")
    assert (tmp_path / "ATTRIBUTION.md").read_text("utf-8") == text


def test_a_failure_leaves_the_folder_without_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Picture:
        raise PictureError("the brush broke")

    monkeypatch.setitem(TEXTURES, "woodcut", fail)
    for name in ("brushwork", "stained-glass"):
        monkeypatch.setitem(TEXTURES, name, lambda: np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(PictureError, match="the brush broke"):
        fill(tmp_path / "style", "style")
    assert contents(tmp_path) == {}


def test_a_folder_that_is_a_file_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "content").write_text("not a folder")
    assert run(tmp_path) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("samples: ")
    assert captured.err.count("\n") == 1
    assert str(tmp_path / "content") in captured.err


@pytest.mark.usefixtures("quick")
def test_photographs_hold_the_contents_of_the_default_grid_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photographs"
    assert run(tmp_path, "--photographs-dir", str(folder)) == 0
    found = find_photographs(folder)
    contents = {path.name for path in (tmp_path / "content").iterdir()}
    assert {path.name for path in found.held_out} == contents
    assert {path.stem for path in found.training} == {
        sample.name
        for sample in (*SAMPLES, *FURTHER)
        if sample.package and sample.available and sample.name not in {Path(name).stem for name in contents}
    }
    for path in (*found.training, *found.held_out):
        assert min(read_picture(path).shape[:2]) >= 256
    attribution = (tmp_path / "ATTRIBUTION.md").read_text("utf-8") + (folder / "ATTRIBUTION.md").read_text("utf-8")
    assert all(f"/{path.name}\n" in attribution for path in (*found.training, *found.held_out))
    capsys.readouterr()
    assert run(tmp_path, "--photographs-dir", str(folder)) == 0
    assert f"{folder}: has pictures, left alone" in capsys.readouterr().out


# --- what is available ----------------------------------------------------------------------------------------------


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(catalog, "find_spec", lambda name: None if name in modules else importlib.util.find_spec(name))


def test_defaults_without_scikit_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(monkeypatch, "sklearn")
    assert [sample.name for sample in choose("content")] == ["chelsea", "rocket"]
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "mine.png").touch()
    assert run(tmp_path) == 0
    assert "for lack of scikit-learn" in capsys.readouterr().out


def test_no_package_with_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "sklearn", "skimage")
    assert [sample.name for sample in choose("style", every=True)] == list(TEXTURES)
    with pytest.raises(PictureError, match="install scikit-image"):
        fill(tmp_path / "content", "content")


def test_core_photographs_are_in_the_installed_package() -> None:
    missing = [sample.name for sample in SAMPLES if sample.package == "scikit-image" and not sample.available]
    assert missing == []


def test_small_photographs_are_copied_and_large_ones_scaled_down() -> None:
    by_name = {sample.name: sample for sample in SAMPLES}
    chelsea, hubble = by_name["chelsea"], by_name["hubble-deep-field"]
    assert chelsea.path is not None
    assert chelsea.encoded() == ("chelsea.png", chelsea.path.read_bytes())
    assert hubble.path is not None
    assert max(read_picture(hubble.path).shape) > 768
    assert hubble.encoded()[0] == "hubble-deep-field.png"


def test_names_are_unique_and_every_texture_is_offered() -> None:
    names = [sample.name for sample in SAMPLES]
    assert len(set(names)) == len(names)
    assert [sample.name for sample in SAMPLES if not sample.package] == list(TEXTURES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_sample_says_whose_it_is(sample: Sample) -> None:
    assert sample.title
    assert sample.author
    assert sample.license


# --- the textures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_is_a_picture(name: str, drawn: dict[str, Picture]) -> None:
    assert drawn[name].shape == (512, 512, 3)
    assert drawn[name].dtype == np.uint8


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_is_the_same_each_time(name: str, drawn: dict[str, Picture]) -> None:
    np.testing.assert_array_equal(TEXTURES[name](), drawn[name])


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_has_structure_at_every_scale(name: str, drawn: dict[str, Picture]) -> None:
    picture = drawn[name]
    for side in (512, 128, 32):  # what a network sees in its first and in its deep layers
        gray = resize(picture, side).astype(float).mean(axis=2)
        local = np.hypot(*np.gradient(gray))
        assert gray.std() > 20
        assert local.mean() > 5
    blocks = picture.reshape(8, 64, 8, 64, 3).astype(float).std(axis=(1, 3)).max(axis=2)
    assert blocks.min() > 12  # no empty part


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_is_colorful_and_not_clipped(name: str, drawn: dict[str, Picture]) -> None:
    picture = drawn[name].astype(int)
    assert np.ptp(picture, axis=2).mean() > 40
    assert (picture.max(axis=2) == 0).mean() < 0.05
    assert (picture.min(axis=2) == 255).mean() < 0.05


def test_textures_differ(drawn: dict[str, Picture]) -> None:
    means = np.array([picture.mean(axis=(0, 1)) for picture in drawn.values()])
    distances = np.linalg.norm(means[:, None] - means, axis=2)
    assert distances[~np.eye(len(means), dtype=bool)].min() > 10
