"""Tables of pictures, checked by the pixels that are saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import FigureImage
from matplotlib.text import Text
from PIL import Image

from nstcore.errors import PictureError
from pipeline.report import plots


def words(figure: Figure) -> str:
    """All text of a figure, with line breaks as spaces."""
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def noise(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(figure: Figure, folder: Path) -> np.ndarray:
    plots.save(figure, folder / "figure.png")
    return np.array(Image.open(folder / "figure.png").convert("RGB"))


def place(canvas: np.ndarray, picture: np.ndarray) -> tuple[int, int]:
    """(y, x) of the one spot where a picture is on a canvas, pixel for pixel."""
    height, width = picture.shape[:2]
    found = [
        (int(y), int(x))
        for y, x in np.argwhere((canvas == picture[0, 0]).all(axis=2))
        if np.array_equal(canvas[y : y + height, x : x + width], picture)
    ]
    assert len(found) == 1
    return found[0]


def test_pictures_are_in_the_grid_pixel_by_pixel(tmp_path: Path) -> None:
    contents = {"wide": noise(72, 96, 1), "tall": noise(96, 64, 2)}
    styles = {"s2": noise(60, 96, 3), "s1": noise(96, 96, 4)}
    results = {
        ("wide", "s1"): noise(72, 96, 5),
        ("wide", "s2"): noise(72, 96, 6),
        ("tall", "s1"): noise(96, 64, 7),
        ("tall", "s2"): noise(96, 64, 8),
    }
    canvas = saved(plots.image_grid(results, contents=contents, styles=styles, title="VGG19"), tmp_path)

    def middle(picture: np.ndarray) -> tuple[float, float]:
        y, x = place(canvas, picture)
        return y + picture.shape[0] / 2, x + picture.shape[1] / 2

    for (content, style), picture in results.items():
        y, x = middle(picture)
        assert y == middle(contents[content])[0]
        assert x == middle(styles[style])[1]
        assert y > middle(styles[style])[0]
        assert x > middle(contents[content])[1]
    assert middle(contents["tall"])[0] < middle(contents["wide"])[0]
    assert middle(styles["s1"])[1] < middle(styles["s2"])[1]


def test_a_picture_of_256_is_as_sharp_as_the_file(tmp_path: Path) -> None:
    result = noise(192, 256, 1)
    figure = plots.image_grid({("c", "s"): result}, contents={"c": noise(300, 400, 2)}, styles={}, title="VGG19")
    place(saved(figure, tmp_path), result)


def test_a_cell_without_picture_says_why(tmp_path: Path) -> None:
    figure = plots.image_grid(
        {("a", "s"): noise(96, 96, 1)},
        contents={"a": noise(96, 96, 2), "b": noise(96, 96, 3)},
        styles={"s": noise(96, 96, 4)},
        title="",
        missing={("b", "s"): "too small", ("c", "s"): "unreadable $"},
    )
    assert "too small" in words(figure)
    assert "unreadable $" in words(figure)
    assert words(figure).count("no picture") == 1  # content c, which is nowhere
    assert len(figure.images) == 4
    assert saved(figure, tmp_path).size


@pytest.mark.parametrize(
    ("rows", "columns", "side"), [(0, 0, 64), (1, 1, 64), (20, 20, 48), (1, 12, 400), (30, 1, 200)]
)
def test_sizes(rows: int, columns: int, side: int, tmp_path: Path) -> None:
    contents = {f"content {row}": noise(side, side, row) for row in range(rows)}
    styles = {f"style {column}": noise(side, side, column) for column in range(columns)}
    results = {(content, style): contents[content] for content in contents for style in styles}
    figure = plots.image_grid(results, contents=contents, styles=styles, title="VGG19")
    assert len(figure.images) == rows * columns + rows + columns
    height, width = saved(figure, tmp_path).shape[:2]
    assert max(height, width) <= 4096
    for image in figure.images:
        assert isinstance(image, FigureImage)
        assert 0 <= image.ox <= width
        assert 0 <= image.oy <= height


def test_an_array_that_is_no_picture() -> None:
    with pytest.raises(PictureError):
        plots.image_grid({("a", "b"): np.zeros((3, 3, 7), np.uint8)}, contents={}, styles={}, title="")


def test_a_table_has_its_names_in_the_order_given_and_the_pictures_unchanged(tmp_path: Path) -> None:
    rows, columns = ["layers (b)", "layers (a)"], ["1e-2", "1e-3", "1e-4"]
    pictures = {
        (row, column): noise(72, 96, 3 * y + x) for y, row in enumerate(rows) for x, column in enumerate(columns)
    }
    del pictures["layers (a)", "1e-4"]
    figure = plots.picture_table(
        pictures,
        rows=rows,
        columns=columns,
        title="t",
        row_title="style $layers$",
        column_title="α/β",
        missing={("layers (a)", "1e-4"): "diverged"},
    )
    places = {pair: place(saved(figure, tmp_path), picture) for pair, picture in pictures.items()}
    assert places["layers (b)", "1e-2"][0] == places["layers (b)", "1e-4"][0] < places["layers (a)", "1e-2"][0]
    assert [places["layers (b)", column][1] for column in columns] == sorted(
        places["layers (b)", column][1] for column in columns
    )
    shown = words(figure)
    assert "diverged" in shown
    assert "no picture" not in shown
    assert "style $layers$ ↓" in shown
    assert "α/β →" in shown


def test_a_table_drops_nothing_silently() -> None:
    with pytest.raises(ValueError, match=r"rows must be different names.*\['a', 'a'\]"):
        plots.picture_table({}, rows=["a", "a"], columns=["b"], title="")
    with pytest.raises(ValueError, match=r"must be of rows \['a'\].*Received: \('c', 'b'\)"):
        plots.picture_table({("c", "b"): noise(9, 9, 1)}, rows=["a"], columns=["b"], title="")
    assert "No pictures." in words(plots.picture_table({}, rows=[], columns=["b"], title=""))
