"""What a person chooses for the papers, pictures and scale, and what a paper's studies become by it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from nstcore import StyleTransferError, presets
from pipeline.grid.digest import ENGINE_VERSION, file_sha256
from pipeline.grid.feedforward import Training
from pipeline.grid.picture_folder import find_pictures
from pipeline.grid.series import USUAL
from pipeline.grid.study import Axis, Choice, Study, varied
from pipeline.papers.evidence import Sample
from pipeline.papers.finding import SEED_AXIS
from pipeline.papers.paper import Paper, Scale

#: Raised by hand when a change of the papers' claims, judges or pages makes old pages wrong.
PAGES_VERSION = "18"

#: The large set, of the sample pictures (`python -m pipeline.samples --all`): a landscape, a rocket, a cat, a person, a
#: cup and a flower; styles of different kinds, drawn but for the stained tissue, which is a photograph. No package in
#: reach carries paintings.
LARGE_CONTENTS = ("china", "rocket", "chelsea", "astronaut", "coffee", "flower")
LARGE_STYLES = ("brushwork", "stained-glass", "woodcut", "marbled", "immunohistochemistry")
LARGE_SEEDS = (0, 1, 2)
#: Of those the pictures of studies that vary one thing: twelve pairs, enough for a test (`FEWEST_FOR_A_TEST`). Every
#: pair and seed of every study would be 8,000 cells, three days and nights of two cores.
LARGE_FEWER_CONTENTS = ("china", "chelsea", "astronaut", "coffee")
LARGE_FEWER_STYLES = ("brushwork", "stained-glass", "immunohistochemistry")
#: Which of the sample pictures are portraits.
SAMPLE_PORTRAITS = ("chelsea", "astronaut")

#: In the place of a study's contents: the setup's portraits; in that of its styles: those, as photographs.
PORTRAITS, PHOTOGRAPHS = ("portraits",), ("photographs",)

#: What is taken where nobody names pictures.
USUAL_CONTENT, USUAL_STYLE = "china", "brushwork"


@dataclass(frozen=True)
class Setup:
    """Pictures and scale.

    Attributes:
        content_dir, style_dir: folders.
        contents, styles: names of the pictures in them; every pair of the two is taken.
        portraits: names of content pictures that are portraits, for claims that are about them.
        seeds: of the noise where cells start from some.
        fewer_contents, fewer_styles: what the studies that are not a paper's main ones take, from the first seed alone;
            () takes all.
        large: whether to take the papers' scale for many pairs.
        own_size: whether to take the papers' own scales.
        size, iterations: what takes precedence over the scale of the paper; 0 for nothing.
        weights: "imagenet", "random" or a path.
        settings: other fields of `TransferConfig`, for every cell.
        photographs_dir: a folder of pictures to train networks on; "" is the usual one of a grid, see `Training`.
        trains: whether there are such pictures.
    """

    content_dir: str
    style_dir: str
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    portraits: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    fewer_contents: tuple[str, ...] = ()
    fewer_styles: tuple[str, ...] = ()
    large: bool = False
    own_size: bool = False
    size: int = 0
    iterations: int = 0
    weights: str = "imagenet"
    settings: Mapping[str, Any] = field(default_factory=dict)
    photographs_dir: str = ""
    trains: bool = True

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every content in every style."""
        return tuple(itertools.product(self.contents, self.styles))

    @property
    def takes_fewer(self) -> bool:
        """Whether studies that are not a paper's main ones take fewer pictures than those."""
        return bool(self.fewer_contents or self.fewer_styles)

    @property
    def fewer(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The contents and styles that they take."""
        return self.fewer_contents or self.contents, self.fewer_styles or self.styles

    @property
    def samples(self) -> tuple[Sample, ...]:
        return tuple(Sample(*pair, seed) for pair in self.pairs for seed in self.seeds)

    def scale(self, paper: Paper) -> Scale:
        """How large a paper's runs are."""
        scale = paper.own if self.own_size else paper.large if self.large else paper.scaled
        if not (self.size or self.iterations):
            return scale
        iterations = self.iterations or scale.iterations
        steps = scale.steps and max(1, round(scale.steps * iterations / scale.iterations))
        return Scale(self.size or scale.size, iterations, "As asked for.", steps, scale.training)

    def study(self, paper: Paper, name: str) -> Study:
        """One of a paper's studies, of these pictures and at this scale."""
        study, scale = paper.studies[name], self.scale(paper)
        contents, styles, seeds = self._pictures(paper, name)
        settings = {
            **study.settings,
            "size": scale.size,
            "iterations": _steps(study.settings.get("iterations", 1.0), scale),
            "weights": self.weights,
            **self.settings,
        }
        of_photographs = study.styles == PHOTOGRAPHS
        axes = tuple(_at_scale(axis, scale) for axis in study.axes)
        if len(self.seeds) > 1 and _starts_from_noise(study):
            axes = (*axes, varied(SEED_AXIS, seeds))
        resized = replace(
            study,
            content_dir=self.content_dir,
            style_dir=self.content_dir if of_photographs else self.style_dir,
            contents=contents,
            styles=styles,
            settings=settings,
            axes=axes,
            training=self._training(study, paper),
        )
        if self.settings:
            resized.require_possible()  # before anything is computed with what a person gave
        return weighed_by_area(resized, (scale.size / paper.own.size) ** 2)

    def _pictures(self, paper: Paper, name: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
        """The contents, styles and seeds of one of a paper's studies."""
        study = paper.studies[name]
        if name in paper.main:
            contents, styles, seeds = self.contents, self.styles, self.seeds
        else:
            (contents, styles), seeds = self.fewer, self.seeds[:1] if self.takes_fewer else self.seeds
        if study.contents == PORTRAITS:
            contents = self.portraits
        if study.styles == PHOTOGRAPHS:  # of which there are few
            contents, styles = self.contents, self.portraits
        return contents, styles, seeds

    def _training(self, study: Study, paper: Paper) -> Training:
        """How a study's networks are trained: its steps are those of the paper's own scale."""
        if study.methods == (USUAL,):
            return study.training
        scale, own = self.scale(paper), study.training.settings
        steps = own.get("steps", paper.own.steps) * scale.steps / paper.own.steps
        folder = {"photographs_dir": self.photographs_dir} if self.photographs_dir else {}
        return Training.of({**scale.training, **own, **folder, "steps": max(1, round(steps))})

    def studies(self, paper: Paper) -> list[str]:
        """The names of a paper's studies that there are pictures for."""
        return [
            name
            for name, study in paper.studies.items()
            if (self.portraits or (study.contents != PORTRAITS and study.styles != PHOTOGRAPHS))
            and (self.trains or study.methods == (USUAL,))
        ]

    def digest(self) -> str:
        """Identity of the choice, with the bytes of the pictures, so that no page takes the place of another's.

        12 hex digits.
        """
        names = dict.fromkeys((*self.contents, *self.portraits))
        pictures = [_sha256(self.content_dir, name) for name in names]
        pictures += [_sha256(self.style_dir, name) for name in self.styles]
        parts = {"setup": asdict(self), "pictures": pictures, "engine": ENGINE_VERSION, "pages": PAGES_VERSION}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()[:12]


def rounds(**shares: float) -> tuple[Choice, ...]:
    """Choices by their share of the scale's iterations, label by label; "_" in a label is written as a blank."""
    return tuple(Choice(label.replace("_", " ").strip(), {"iterations": share}) for label, share in shares.items())


def _at_scale(axis: Axis, scale: Scale) -> Axis:
    """An axis whose iterations, which are shares of the scale's, are numbers."""
    choices = (
        replace(choice, settings={**choice.settings, "iterations": _steps(choice.settings["iterations"], scale)})
        if "iterations" in choice.settings
        else choice
        for choice in axis.choices
    )
    return replace(axis, choices=tuple(choices))


def weighed_by_area(study: Study, share: float) -> Study:
    """A study at another size, whose losses weigh against one another as at the paper's own.

    The style terms of eq. 4 (Gatys et al. 2016) do not grow with the picture, so that a pixel's gradient shrinks as the
    picture grows; those of content and total variation are sums, whose gradient of a pixel stays; and a style term
    without a denominator grows twice over. So a small picture would have another balance, and another step.

    Args:
        share: the picture's area as a share of that of the paper's own size.
    """
    base = {"preset": study.preset, **study.settings}
    axes = [
        replace(axis, choices=tuple(_choice_by_area(choice, base, study.backbones, share) for choice in axis.choices))
        for axis in study.axes
    ]
    settings = {**study.settings, **_weight_by_area(base, study.backbones, share)}
    return replace(study, settings=settings, axes=tuple(axes))


def _choice_by_area(choice: Choice, base: Mapping[str, Any], backbones: Sequence[str], share: float) -> Choice:
    own = choice.settings
    if not own.keys() & {"style_weight", "style_normalization", "preset", "losses"}:
        return choice
    backbones = (own["backbone"],) if "backbone" in own else backbones
    merged = {**base, **own} if "preset" not in own else {**base, "style_weight": None, **own}
    return replace(choice, settings={**own, **_weight_by_area(merged, backbones, share)})


def _weight_by_area(settings: Mapping[str, Any], backbones: Sequence[str], share: float) -> dict[str, float]:
    """The style weight of a study at its size; {} where none is meant by its source."""
    named = {name: value for name, value in settings.items() if value is not None}
    preset = named.pop("preset")
    found = set()
    for backbone in backbones:
        known = {**presets.settings_of(preset, backbone, {}), **named}
        # Balanced terms are shares of themselves, and means of patches and of the content grow alike.
        of_grams = known.get("losses", {}).get("gram", {}).get("weight", 1.0) > 0
        power = _POWER.get(known.get("style_normalization", "balanced"), 0) if of_grams else 0
        found.add((known.get("style_weight"), power))
    if all(power == 0 for _, power in found):
        return {}  # whatever each backbone's is
    ((weight, power),) = found  # backbones of one study weigh alike
    return {} if weight is None else {"style_weight": weight * share**power}


_POWER = {"gatys": 1, "keras-example": 1, "none": -1}


def _steps(share: float, scale: Scale) -> int:
    return max(1, round(share * scale.iterations))


def _starts_from_noise(study: Study) -> bool:
    settings = presets.settings_of(study.preset, study.backbones[0], study.settings)
    varied_settings = [choice.settings for axis in study.axes for choice in axis.choices]
    return any(each.get("init") == "noise" for each in (settings, *varied_settings))


def _sha256(folder: str, name: str) -> str:
    """Of the picture's bytes; "" if it cannot be found, which its study says."""
    try:
        return file_sha256(find_pictures(folder).pictures[name][0])
    except (StyleTransferError, KeyError, OSError):
        return ""
