"""Make the pictures of the documentation from the sample pictures: `make docs-pictures`.

The studies of docs/studies and the default grid are run (from the cache, where they are there), and their figures are
brought to the width of a page. The page of the grid is photographed by a headless Chromium, if one is installed.
`python docs/make_pictures.py grid backbones` makes those of the grid and of one study alone. Studies in
docs/studies/large take hours and are made by name alone, such as large-style-losses. That of several styles needs a
mixture and a map of regions beside the pictures: they are written into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import luigi
from PIL import Image, ImageDraw

from nstcore.pictures.images import read_picture, write_picture
from nstcore.pictures.resizing import resize
from pipeline import subcommands
from tasks import FullGrid, Sweep, Transfer
from tasks.study import StudyTask

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
PAIR = "china--brushwork"
_WIDTH = 1400  # pixels, of a figure on a page
_FULL_WIDTH = 1000  # of one that is full of pictures
_GRID = "grid"
_SEVERAL = "several-styles"
# The tower of the photograph, as shares of its width and height; the rest of the map is sky, water and trees.
_TOWER = (
    *((0.32, 0.07), (0.39, 0.21), (0.50, 0.29), (0.47, 0.37), (0.52, 0.42), (0.50, 0.55), (0.55, 0.60), (0.53, 0.71)),
    *((0.58, 0.79), (0.50, 1.00), (0.45, 1.00), (0.31, 0.84), (0.12, 0.80), (0.10, 0.61), (0.15, 0.54)),
    *((0.13, 0.42), (0.19, 0.37), (0.15, 0.27)),
)
_MIXTURES = {
    "half-and-half": '[[style]]\npicture = "brushwork.png"\n[[style]]\npicture = "stained-glass.png"\n',
    "three-to-one": '[[style]]\npicture = "brushwork.png"\nweight = 3\n[[style]]\npicture = "stained-glass.png"\n',
    "by-region": '[[style]]\npicture = "brushwork.png"\n[[style]]\npicture = "stained-glass.png"\nregion = "#ff0000"\n',
}


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        _make(Path(temporary))


def _make(temporary: Path) -> None:
    studies, large = _studies(DOCS / "studies"), _studies(DOCS / "studies" / "large", "large-")
    every = [_GRID, _SEVERAL, *studies]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*every, *large]
    told = f"of {', '.join(names)}; none: all that are not large"
    parser.add_argument("names", nargs="*", choices=names, metavar="NAME", help=told)
    wanted = parser.parse_args().names or every
    grid = FullGrid(on_missing_weights="skip")
    tasks: dict[str, StudyTask] = {_GRID: grid, **studies, **large}
    if _SEVERAL in wanted:
        tasks[_SEVERAL] = Sweep(config=str(_several_styles(temporary)))
    if not luigi.build([tasks[name] for name in wanted], local_scheduler=True, log_level="INFO"):
        raise SystemExit("a cell could not be made; the lines above say why")
    for name in wanted:
        if name == _GRID:
            _copy_grid(grid)
        elif name == _SEVERAL:
            _copy(_folder(tasks[name]) / "image_grid" / "vgg19.png", IMAGES / f"{name}.jpg", _FULL_WIDTH)
        else:
            width = _FULL_WIDTH if name in large else _WIDTH
            _copy(_folder(tasks[name]) / "variants" / f"{PAIR}.png", IMAGES / f"{name}.jpg", width)


def _studies(folder: Path, prefix: str = "") -> dict[str, Sweep]:
    return {f"{prefix}{path.stem}": Sweep(config=str(path)) for path in sorted(folder.glob("*.toml"))}


def _several_styles(folder: Path) -> Path:
    """A study of one photograph in two styles, in a mixture of them, and with one of them for the tower alone."""
    for place in ("content", "style"):
        (folder / place).mkdir()
    shutil.copy("inputs/content/china.jpg", folder / "content")
    with Image.open("inputs/content/china.jpg") as photograph:
        regions = Image.new("RGB", photograph.size, "blue")
    corners = [(x * regions.width, y * regions.height) for x, y in _TOWER]
    ImageDraw.Draw(regions).polygon(corners, fill="red")
    regions.save(folder / "content" / "china.regions.png")
    for style in ("brushwork", "stained-glass"):
        shutil.copy(f"inputs/style/{style}.png", folder / "style")
    for name, text in _MIXTURES.items():
        (folder / "style" / f"{name}.toml").write_text(text, encoding="utf-8")
    study = {
        "title": "Two styles",
        "content_dir": str(folder / "content"),
        "style_dir": str(folder / "style"),
        "styles": ["brushwork", "stained-glass", *_MIXTURES],
        "backbones": ["vgg19"],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in study.items()]  # JSON's texts and lists are TOML's
    config = folder / "study.toml"
    config.write_text("\n".join([*lines, "[settings]", "size = 192", "iterations = 100", ""]), encoding="utf-8")
    return config


def _copy_grid(grid: FullGrid) -> None:
    report = _folder(grid)
    _copy(report / "image_grid" / "vgg19.png", IMAGES / "grid-vgg19.jpg")
    for figure, name in (("summary", "summary"), (f"loss_per_iteration/{PAIR}", "loss-per-iteration")):
        _copy_plot(report / f"{figure}.png", IMAGES / f"{name}.png")
    _map(grid, IMAGES / "map.jpg")
    _photograph(report / "index.html", IMAGES / "page.jpg")


def _folder(study: StudyTask) -> Path:
    return Path(study.page()).parent


def _copy(figure: Path, place: Path, width: int = _WIDTH) -> None:
    picture = read_picture(figure)
    write_picture(place, resize(picture, min(width, max(picture.shape[:2]))))


def _copy_plot(figure: Path, place: Path) -> None:
    """Lines and text on white need no more than a palette, which takes less than half of the space."""
    with Image.open(figure) as opened:
        plain = opened.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    plain.save(place, optimize=True)


def _map(grid: FullGrid, place: Path) -> None:
    """The originals and what two backbones made of them, as `nst map` places them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for cell in grid.grid().cells:
            for original in (cell.content_path, cell.style_path):
                shutil.copy(original, folder)
            if cell.backbone in ("vgg19", "inceptionv3"):
                made = Transfer.of(cell, grid.output_dir, grid.batch_size).output().picture_path()
                shutil.copy(made, folder / f"{cell.content}-{cell.style}-{cell.backbone}.png")
        subcommands.main(["map", temporary, "-o", str(folder / "map")])
        _copy(folder / "map.png", place)


def _photograph(page: Path, place: Path) -> None:
    """The pictures of the first backbone, as the page hangs them."""
    browser_file = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_file is None:
        print(f"no Chromium here: {place.name} stays as it is", file=sys.stderr)
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file)
        view = browser.new_page(viewport={"width": 1400, "height": 1150})
        view.goto(page.resolve().as_uri())
        view.locator("#grid").scroll_into_view_if_needed()
        view.screenshot(path=str(place), type="jpeg", quality=85)
        browser.close()


if __name__ == "__main__":
    main()
