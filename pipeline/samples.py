"""Sample pictures: fill empty input folders, so that a grid runs on a fresh machine without anyone's own pictures.

Photographs come from the files of installed packages, which are read where they lie: nothing is downloaded and the
packages are not imported. Styles are textures the project draws. An ATTRIBUTION.md beside the folders names authors
and licences.

    python -m pipeline.samples [--content-dir inputs/content] [--style-dir inputs/style] [--all]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from nstcore.command import OneLineParser
from nstcore.errors import PictureError, StyleTransferError
from nstcore.files import write_whole
from nstcore.images import PICTURE_SUFFIXES, encode_png, read_picture, resize
from nstcore.refusals import refused, told
from nstcore.streams import say, tell
from pipeline.sample_styles.textures import TEXTURES

Kind = Literal["content", "style"]

#: How many pictures go into a folder unless all are asked for; the first ones listed below that are installed.
DEFAULT_COUNT: dict[Kind, int] = {"content": 2, "style": 3}
#: Photographs whose longest side is at most this many pixels are copied byte for byte; larger ones are scaled down.
LONGEST_SIDE = 768
ATTRIBUTION = "ATTRIBUTION.md"

_MODULES = {"scikit-image": "skimage", "scikit-learn": "sklearn"}
_CC0 = "CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/)"
_CC_BY = "CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/)"


@dataclass(frozen=True)
class Sample:
    """One sample picture and what must be said about it.

    Attributes:
        name: the file's name without suffix, and the texture's name in `TEXTURES` where `package` is empty.
        kind: the folder it belongs in.
        title, author, licence: for the attribution, as the package that carries the picture states them.
        package: the distribution that carries it; empty for the textures the project draws.
        file: the picture's path inside the package.
    """

    name: str
    kind: Kind
    title: str
    author: str
    licence: str
    package: str = ""
    file: str = ""

    @property
    def path(self) -> Path | None:
        """Where the installed package has the picture; None if it has not, or for a texture."""
        spec = find_spec(_MODULES[self.package]) if self.package else None
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(folder) / self.file).is_file():
                return Path(folder) / self.file
        return None

    @property
    def available(self) -> bool:
        """Whether the picture can be had on this machine."""
        return not self.package or self.path is not None

    @property
    def source(self) -> str:
        """The package and version it comes from."""
        if not self.package:
            return "drawn by this project (pipeline/textures.py)"
        try:
            return f"{self.package} {version(self.package)}, {self.file}"
        except PackageNotFoundError:
            return f"{self.package}, {self.file}"

    def encoded(self) -> tuple[str, bytes]:
        """The file's name and content."""
        path = self.path
        if path is None:
            return f"{self.name}.png", encode_png(TEXTURES[self.name]())
        picture = read_picture(path)
        if max(picture.shape) <= LONGEST_SIDE:
            return self.name + path.suffix, path.read_bytes()
        return f"{self.name}.png", encode_png(resize(picture, LONGEST_SIDE))


def _photograph(name: str, title: str, author: str, licence: str, *, kind: Kind = "content", file: str = "") -> Sample:
    return Sample(name, kind, title, author, licence, "scikit-image", f"data/{file or name + '.png'}")


def _texture(name: str, title: str) -> Sample:
    return Sample(name, "style", title, "the authors of this project", "that of this project")


#: Best first: the default takes the first available ones. Authors and licences are those of `skimage.data`'s function
#: documentation and of sklearn/datasets/images/README.txt, which names no author of flower.jpg that its links bear out.
SAMPLES: tuple[Sample, ...] = (
    Sample(
        "china",
        "content",
        "A pagoda above a lake (https://www.flickr.com/photos/danielbuechele/6061409035/)",
        "danielbuechele",
        _CC_BY,
        "scikit-learn",
        "datasets/images/china.jpg",
    ),
    _photograph("chelsea", "Chelsea the cat", "Stéfan van der Walt", _CC0),
    _photograph("rocket", "Falcon 9 before the launch of DSCOVR", "SpaceX", "public domain", file="rocket.jpg"),
    _photograph("coffee", "Coffee cup, courtesy of Pikolo Espresso Bar", "Rachel Michetti", _CC0),
    _photograph("astronaut", "Eileen Collins", "NASA", "public domain, no known copyright restrictions"),
    Sample(
        "flower",
        "content",
        "A dahlia (https://www.flickr.com/photos/vultilion/6056698931/)",
        "vultilion by the links of the package, danielbuechele by its words",
        _CC_BY,
        "scikit-learn",
        "datasets/images/flower.jpg",
    ),
    _texture("brushwork", "Brush strokes along eddies"),
    _texture("stained-glass", "Leaded glass with rosettes"),
    _texture("woodcut", "Woodcut in five colours"),
    _texture("marbled", "Marbled paper"),
    _photograph(
        "hubble-deep-field",
        "Hubble eXtreme Deep Field",
        "NASA",
        "public domain",
        kind="style",
        file="hubble_deep_field.jpg",
    ),
    _photograph(
        "immunohistochemistry",
        "Stained colonic glands",
        "Center for Microscopy and Molecular Imaging",
        "no known copyright restrictions",
        kind="style",
        file="ihc.png",
    ),
    _photograph("retina", "Fundus of a left eye", "Mikael Häggström", _CC0, kind="style", file="retina.jpg"),
)


def choose(kind: Kind, *, every: bool = False) -> list[Sample]:
    """The samples for one folder that this machine has: all, or the first `DEFAULT_COUNT`."""
    available = [sample for sample in SAMPLES if sample.kind == kind and sample.available]
    return available if every else available[: DEFAULT_COUNT[kind]]


def has_pictures(folder: Path) -> bool:
    """Whether a folder exists and holds a file with a picture's suffix."""
    return folder.is_dir() and any(
        entry.suffix.lower() in PICTURE_SUFFIXES and entry.is_file() for entry in folder.iterdir()
    )


def fill(folder: Path, kind: Kind, *, every: bool = False) -> list[Path]:
    """Write sample pictures and their attribution, unless the folder has pictures already.

    All pictures are made before the first is written, so that a failure in between leaves the folder empty.

    Args:
        folder: made if missing.
        kind: which samples.
        every: all that this machine has and not only the default ones.

    Returns:
        The pictures written, in the order of `SAMPLES`; none if the folder was left alone.

    Raises:
        PictureError: if no sample is available, or the folder cannot be filled.
    """
    try:
        if has_pictures(folder):
            return []
        samples = choose(kind, every=every)
        if not samples:
            raise PictureError(f"no sample pictures for {folder}; install scikit-image or put pictures there")
        encoded = [sample.encoded() for sample in samples]
        folder.mkdir(parents=True, exist_ok=True)
        names = [name for name, _ in encoded]
        _attribute(folder, dict(zip(names, samples, strict=True)))
        for name, content in encoded:
            write_whole(folder / name, content)
    except OSError as error:
        raise PictureError(refused(error, folder, "filled")) from None
    return [folder / name for name in names]


def _attribute(folder: Path, pictures: dict[str, Sample]) -> None:
    """Add a folder's pictures to the ATTRIBUTION.md beside it, keeping what is there."""
    path = folder.parent / ATTRIBUTION
    text = path.read_text("utf-8") if path.exists() else "# Where the sample pictures come from\n"
    for name, sample in pictures.items():
        heading = f"## {folder.name}/{name}\n"
        if heading not in text:
            text = (
                f"{text.rstrip()}\n\n{heading}\n- Title: {sample.title}\n- Author: {sample.author}\n"
                f"- Licence: {sample.licence}\n- Source: {sample.source}\n"
            )
    write_whole(path, text.encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit status 0, also where nothing was to be done; 2 for a folder that cannot be filled."""
    parser = OneLineParser(prog="python -m pipeline.samples", description="Fill empty input folders.")
    parser.add_argument("--content-dir", type=Path, default=Path("inputs/content"), help="default: %(default)s")
    parser.add_argument("--style-dir", type=Path, default=Path("inputs/style"), help="default: %(default)s")
    parser.add_argument("--all", action="store_true", help="every picture available, not only 2 contents and 3 styles")
    options = parser.parse_args(arguments)
    folders: tuple[tuple[Path, Kind], ...] = ((options.content_dir, "content"), (options.style_dir, "style"))
    filled = False
    try:
        for folder, kind in folders:
            written = fill(folder, kind, every=options.all)
            filled = filled or bool(written)
            outcome = f"wrote {', '.join(path.name for path in written)}" if written else "has pictures, left alone"
            say(f"{folder}: {outcome}")
    except StyleTransferError as error:
        tell(f"samples: {told(error)}")
        return 2
    missing = sorted({sample.package for sample in SAMPLES if not sample.available})
    if filled and missing:
        say(f"some samples were not available, for lack of {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
