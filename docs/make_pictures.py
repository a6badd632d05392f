"""Make the pictures of the documentation from the sample pictures: `make docs-pictures`.

The studies of docs/studies and the default grid are run (from the cache, where they are there), and their figures are
brought to the width of a page. The page of the grid is photographed by a headless Chromium, if one is installed.
`python docs/make_pictures.py grid backbones` makes those of the grid and of one study alone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import luigi
from PIL import Image

from nstcore.pictures.images import read_picture, write_picture
from nstcore.pictures.resizing import resize
from pipeline import subcommands
from tasks import FullGrid, Sweep, Transfer
from tasks.study import StudyTask

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
PAIR = "china--brushwork"
_WIDTH = 1400  # pixels, of a figure on a page
_GRID = "grid"


def main() -> None:
    studies = {path.stem: Sweep(config=str(path)) for path in sorted((DOCS / "studies").glob("*.toml"))}
    every = [_GRID, *studies]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=every, metavar="NAME", help=f"of {', '.join(every)}; none: all")
    wanted = parser.parse_args().names or every
    grid = FullGrid(on_missing_weights="skip")
    tasks: dict[str, StudyTask] = {_GRID: grid, **studies}
    if not luigi.build([tasks[name] for name in wanted], local_scheduler=True, log_level="INFO"):
        raise SystemExit("a cell could not be made; the lines above say why")
    for name in wanted:
        if name == _GRID:
            _copy_grid(grid)
        else:
            _copy(_folder(tasks[name]) / "variants" / f"{PAIR}.png", IMAGES / f"{name}.jpg")


def _copy_grid(grid: FullGrid) -> None:
    report = _folder(grid)
    _copy(report / "image_grid" / "vgg19.png", IMAGES / "grid-vgg19.jpg")
    for figure, name in (("summary", "summary"), (f"loss_per_iteration/{PAIR}", "loss-per-iteration")):
        _copy_plot(report / f"{figure}.png", IMAGES / f"{name}.png")
    _map(grid, IMAGES / "map.jpg")
    _photograph(report / "index.html", IMAGES / "page.jpg")


def _folder(study: StudyTask) -> Path:
    return Path(study.page()).parent


def _copy(figure: Path, place: Path) -> None:
    picture = read_picture(figure)
    write_picture(place, resize(picture, min(_WIDTH, max(picture.shape[:2]))))


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
