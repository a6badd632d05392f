"""Mixtures and regions through Luigi: what is made of them, kept of them, and shown."""

from __future__ import annotations

import json
from pathlib import Path

import luigi
import numpy as np
import pytest

from nstcore import TransferConfig, style_transfer
from nstcore.pictures.images import read_picture, write_picture
from tasks import FullGrid

SETTINGS = {"style_layers": ["block1_conv1", "block2_conv1"], "content_layers": ["block2_conv2"]}
SIZE, ITERATIONS = 64, 2
MIXTURE = '[[style]]\npicture = "ink.png"\nweight = 3\n[[style]]\npicture = "parts/oil.png"\nscale = 0.75\n'
REGIONS = '[[style]]\npicture = "ink.png"\nregion = "#f00"\n[[style]]\npicture = "parts/oil.png"\n'


def parameters(inputs: Path, **others: object) -> dict[str, object]:
    return {
        "content_dir": str(inputs / "content"),
        "style_dir": str(inputs / "style"),
        "output_dir": str(inputs / "outputs"),
        "backbones": "vgg16",
        "size": SIZE,
        "iterations": ITERATIONS,
        "weights": "random",
        "settings": SETTINGS,
        **others,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory, blotches, run):
    """A grid of two contents, one with a map; and of a style, a mixture, one with a region, and one that is broken."""
    inputs = tmp_path_factory.mktemp("mixtures")
    (inputs / "style/parts").mkdir(parents=True)
    (inputs / "content").mkdir()
    for seed, name in enumerate(("content/bridge", "content/cat", "style/ink", "style/parts/oil")):
        write_picture(inputs / f"{name}.png", blotches(seed, 80, 100))
    painted = np.full((80, 100, 3), (0, 0, 255), np.uint8)
    painted[:, :40] = (255, 0, 0)
    write_picture(inputs / "content/cat.regions.png", painted)
    (inputs / "style/mix.toml").write_text(MIXTURE)
    (inputs / "style/parted.toml").write_text(REGIONS)
    (inputs / "style/broken.toml").write_text("[[style]]\n")
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.FAILED  # what is broken, and no more
    return inputs


def cell(inputs: Path, content: str, style: str) -> Path:
    (found,) = (inputs / "outputs/cells" / content / style).iterdir()
    return found


def test_all_that_can_be_made_is(made):
    cells = {path.parent.relative_to(made / "outputs/cells").parts[:2] for path in made.rglob("result.png")}
    assert cells == {(content, style) for content in ("bridge", "cat") for style in ("ink", "mix")} | {
        ("cat", "parted")
    }
    (page,) = (path.read_text() for path in made.rglob("index.html"))
    assert "broken.toml: picture must be the path of a picture" in page
    assert "for the region #ff0000, but the content picture has no map of regions" in page


def test_cells_are_what_python_makes(made):
    config = TransferConfig(backbone="vgg16", weights="random", size=SIZE, iterations=ITERATIONS, **SETTINGS)
    regions = made / "content/cat.regions.png"
    for content, style, arguments in (
        ("bridge", "mix", {}),
        ("cat", "parted", {"content_regions": regions}),
    ):
        result = style_transfer(made / f"content/{content}.png", made / f"style/{style}.toml", config, **arguments)
        ours = read_picture(cell(made, content, style) / "result.png")
        assert np.abs(ours.astype(int) - result.image).max() <= 1


def test_a_mixture_shares_the_targets_of_its_pictures(made):
    """Of the ink those of the plain style, of the oil those at its scale; cells with regions keep none."""
    found = sorted(path.parent.name for path in (made / "outputs/targets/style").rglob("*.npz"))
    assert found == ["ink", "oil"]


def test_a_manifest_names_every_file(made):
    manifest = json.loads((cell(made, "bridge", "mix") / "manifest.json").read_text())
    assert manifest["style"]["file"] == "mix.toml"
    ink, oil = manifest["style"]["pictures"]
    assert (ink["file"], ink["weight"], ink["scale"]) == ("ink.png", 0.75, 1.0)
    assert (oil["file"], oil["weight"], oil["scale"]) == ("oil.png", 0.25, 0.75)
    manifest = json.loads((cell(made, "cat", "parted") / "manifest.json").read_text())
    assert manifest["content"]["regions"]["file"] == "cat.regions.png"
    assert [picture.get("region") for picture in manifest["style"]["pictures"]] == ["#ff0000", None]
    plain = json.loads((cell(made, "cat", "ink") / "manifest.json").read_text())
    assert set(plain["content"]) == set(plain["style"]) == {"name", "file", "sha256"}


def test_the_page_shows_all_pictures_of_a_mixture(made):
    """As its original: the two side by side."""
    (report,) = (path.parent for path in made.rglob("index.html"))
    index = json.loads((report / "gallery.json").read_text())
    digest = cell(made, "bridge", "mix").name.removeprefix("vgg16-")
    strip = read_picture(report / index[digest]["style"])
    assert strip.shape[1] == SIZE
    assert (strip[:, 31:33] > 200).any(axis=2).all()  # the gap
    alone = read_picture(report / index[cell(made, "bridge", "ink").name.removeprefix("vgg16-")]["style"])
    assert alone.shape == (51, 64, 3)


def test_a_second_run_makes_nothing(made, run):
    before = {path: path.stat().st_mtime_ns for path in made.rglob("result.png")}
    run(FullGrid(**parameters(made)))
    assert {path: path.stat().st_mtime_ns for path in made.rglob("result.png")} == before


def test_batches_make_the_same_pictures(made, run):
    others = parameters(made, output_dir=str(made / "batched"), batch_size=4)
    run(FullGrid(**others))
    for path in (made / "outputs/cells").rglob("result.png"):
        batched = made / "batched" / path.relative_to(made / "outputs")
        assert np.abs(read_picture(path).astype(int) - read_picture(batched)).max() <= 1
    sizes = {
        path.parent.parent.name: json.loads(path.read_text())["result"]["batch_size"]
        for path in (made / "batched/cells").rglob("manifest.json")
    }
    assert sizes == {"ink": 2, "mix": 2, "parted": 1}
