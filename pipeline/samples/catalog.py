"""Which sample pictures there are, and which of them this machine has.

Photographs come from the files of installed packages, which are read where they lie: nothing is downloaded and the
packages are not imported. Styles are textures the project draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from nstcore.pictures.images import encode_png, read_picture
from nstcore.pictures.resizing import resize
from pipeline.samples.styles.textures import TEXTURES

Kind = Literal["content", "style"]

#: How many pictures go into a folder unless all are asked for; the first ones listed below that are installed.
DEFAULT_COUNT: dict[Kind, int] = {"content": 2, "style": 3}
#: Photographs whose longest side is at most this many pixels are copied byte for byte; larger ones are scaled down.
LONGEST_SIDE = 768

_MODULES = {"scikit-image": "skimage", "scikit-learn": "sklearn", "matplotlib": "matplotlib"}
CC0 = "CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/)"
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
    license: str
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


def _photograph(name: str, title: str, author: str, license: str, *, kind: Kind = "content", file: str = "") -> Sample:
    return Sample(name, kind, title, author, license, "scikit-image", f"data/{file or name + '.png'}")


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
    _photograph("chelsea", "Chelsea the cat", "Stéfan van der Walt", CC0),
    _photograph("rocket", "Falcon 9 before the launch of DSCOVR", "SpaceX", "public domain", file="rocket.jpg"),
    _photograph("coffee", "Coffee cup, courtesy of Pikolo Espresso Bar", "Rachel Michetti", CC0),
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
    _photograph("retina", "Fundus of a left eye", "Mikael Häggström", CC0, kind="style", file="retina.jpg"),
)


def choose(kind: Kind, *, every: bool = False) -> list[Sample]:
    """The samples for one folder that this machine has: all, or the first `DEFAULT_COUNT`."""
    available = [sample for sample in SAMPLES if sample.kind == kind and sample.available]
    return available if every else available[: DEFAULT_COUNT[kind]]
