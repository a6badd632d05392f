"""What a person chooses for the papers, the pair of pictures and the scale, and what a paper's studies become by it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from nstcore import StyleTransferError
from pipeline.grid.digest import ENGINE_VERSION, file_sha256
from pipeline.grid.picture_folder import find_pictures
from pipeline.grid.study import Study
from pipeline.papers.paper import Paper, Scale

#: Raised by hand when a change of the papers' claims, judges or pages makes old pages wrong.
PAGES_VERSION = "3"


@dataclass(frozen=True)
class Setup:
    """Pictures and scale.

    Attributes:
        content_dir, style_dir, content, style: folders, and the names of the pictures in them.
        own_size: whether to take the papers' own scales.
        size, iterations: what takes precedence over the scale of the paper; 0 for nothing.
        weights: "imagenet", "random" or a path.
        settings: other fields of `TransferConfig`, for every cell.
    """

    content_dir: str
    style_dir: str
    content: str
    style: str
    own_size: bool = False
    size: int = 0
    iterations: int = 0
    weights: str = "imagenet"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def scale(self, paper: Paper) -> Scale:
        """How large a paper's runs are."""
        scale = paper.own if self.own_size else paper.scaled
        if not (self.size or self.iterations):
            return scale
        return Scale(self.size or scale.size, self.iterations or scale.iterations, "As asked for.")

    def study(self, paper: Paper, name: str) -> Study:
        """One of a paper's studies, of these pictures and at this scale."""
        study, scale = paper.studies[name], self.scale(paper)
        settings = {
            **study.settings,
            "size": scale.size,
            "iterations": scale.iterations,
            "weights": self.weights,
            **self.settings,
        }
        return replace(
            study,
            content_dir=self.content_dir,
            style_dir=self.style_dir,
            contents=(self.content,),
            styles=(self.style,),
            settings=settings,
        )

    def digest(self) -> str:
        """Identity of the choice, with the bytes of the pictures, so that no page takes the place of another's.

        12 hex digits.
        """
        pictures = [_sha256(self.content_dir, self.content), _sha256(self.style_dir, self.style)]
        parts = {"setup": asdict(self), "pictures": pictures, "engine": ENGINE_VERSION, "pages": PAGES_VERSION}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()[:12]


def _sha256(folder: str, name: str) -> str:
    """Of the picture's bytes; "" if it cannot be found, which its study says."""
    try:
        return file_sha256(find_pictures(folder).pictures[name][0])
    except (StyleTransferError, KeyError, OSError):
        return ""
