"""What a study asks for: pictures, backbones, and settings, some of them varied and crossed. A grid expands it."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from nstcore import BACKBONES, ConfigError, TransferConfig, presets
from nstcore.checks import expected, named_settings, path_text, sequence
from nstcore.errors import received, received_names
from nstcore.networks.backbones import get_backbone
from nstcore.system.toml import read_toml
from pipeline.grid.feedforward import Training, require_method
from pipeline.grid.series import METHODS, USUAL, Method, Variant

_FIELDS = tuple(each.name for each in fields(TransferConfig))


_AS_IT_IS = Training()


@dataclass(frozen=True)
class Choice:
    """One of the values that an axis goes through.

    Attributes:
        label: how reports write it.
        settings: fields of `TransferConfig`, and "preset".
    """

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """What a study varies: one setting, or cases of several settings each.

    Attributes:
        name: the setting's, or "case".
        choices: with different labels.
    """

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Combination:
    """One choice from every axis.

    Attributes:
        variant: their labels.
        preset: the named settings to start from.
        settings: fields of `TransferConfig` that take precedence.
        backbones: those that this combination is for.
    """

    variant: Variant
    preset: str
    settings: Mapping[str, Any]
    backbones: tuple[str, ...]

    @property
    def weights(self) -> str:
        return _text(self.settings.get("weights", TransferConfig.weights))

    def networks(self, backbone: str) -> list[tuple[str, str]]:
        """The networks it takes of a backbone's cells, as (backbone, weights): that one, and the content's if another.

        Those that exist: a backbone that does not costs its cells alone.
        """
        of_content = _text(presets.settings_of(self.preset, backbone, self.settings).get("content_backbone", ""))
        return [(name, self.weights) for name in dict.fromkeys((backbone, of_content or backbone)) if _exists(name)]


@dataclass(frozen=True)
class Study:
    """Content × style × backbone × every combination of what varies.

    Attributes:
        content_dir, style_dir: folders of pictures.
        contents, styles: names of those to use, as reports write them; empty for all.
        backbones: in the order of the report.
        preset, settings: of every cell, as `nstcore.presets.get` takes them.
        axes: what varies, in the order of labels. A case may name its own backbone, and is then for that one alone.
        title: of the report.
        methods: how pictures come about; each gives every cell of the rest once.
        training: how the networks of the methods "feedforward" and "refine" are trained.

    Raises:
        ConfigError: for an unknown preset or setting, an axis without choices, or something named twice.
    """

    content_dir: str = "inputs/content"
    style_dir: str = "inputs/style"
    contents: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    backbones: tuple[str, ...] = tuple(BACKBONES)
    preset: str = "balanced"
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    title: str = "Style transfer grid"
    methods: tuple[Method, ...] = (USUAL,)
    training: Training = _AS_IT_IS

    def __post_init__(self) -> None:
        for name in ("content_dir", "style_dir"):
            path_text(name, getattr(self, name), "a text, the path of a folder")
        if not isinstance(self.title, str):
            raise ConfigError(expected("title", "a text", self.title))
        for name in ("contents", "styles", "backbones"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        if not self.backbones or not all(self.backbones) or len(set(self.backbones)) != len(self.backbones):
            raise ConfigError(expected("backbones", "one or more different names", ",".join(self.backbones)))
        object.__setattr__(self, "methods", _names("methods", self.methods))
        if not self.methods or not set(self.methods) <= set(METHODS) or len(set(self.methods)) != len(self.methods):
            what = f"one or more different ones of {', '.join(METHODS)}"
            raise ConfigError(expected("methods", what, ",".join(self.methods)))
        if not isinstance(self.training, Training):
            raise ConfigError(expected("training", "a Training", self.training))
        if self.methods == (USUAL,) and self.training != _AS_IT_IS:
            raise ConfigError(
                f"how networks are trained is set where there are some. Received: methods={','.join(self.methods)}"
            )
        for axis in self.axes:
            labels = [choice.label for choice in axis.choices]
            if not labels or len(set(labels)) != len(labels):
                raise ConfigError(f"{axis.name} must go through one or more different values. Received: {labels}")
        _check_names(self.settings)
        _check_names({"preset": self.preset})
        for choice in (choice for axis in self.axes for choice in axis.choices):
            _check_names(choice.settings)

    def require_possible(self) -> None:
        """See that there is a cell of each method that can be. A value that is wrong for some costs those alone.

        Of a study of more combinations than can be tried, those tried say nothing of the others.

        Raises:
            ConfigError: saying why the first of all cannot.
        """
        for method in self.methods:
            self._require_possible_by(method)

    def _require_possible_by(self, method: Method) -> None:
        errors: list[ConfigError] = []
        for each in itertools.islice(self.combinations(), _MOST_TRIED):
            for backbone in each.backbones:
                try:
                    config = presets.get(each.preset, **{**each.settings, "backbone": backbone})
                    require_method(method, each.preset, config, self.training)
                except ConfigError as error:
                    errors.append(error)
                else:
                    return
        if next(itertools.islice(self.combinations(), _MOST_TRIED, None), None) is None:
            raise errors[0]

    def combinations(self) -> Iterator[Combination]:
        """Every combination, the last axis fastest."""
        for choices in itertools.product(*(axis.choices for axis in self.axes)):
            labels = tuple((axis.name, choice.label) for axis, choice in zip(self.axes, choices, strict=True))
            settings = {"preset": self.preset, **self.settings}
            for choice in choices:
                settings |= choice.settings
            backbones = (_text(settings.pop("backbone")),) if "backbone" in settings else self.backbones
            yield Combination(labels, _text(settings.pop("preset")), settings, backbones)

    def cells_per_pair(self) -> int:
        """How many cells a content and a style have: counted, not listed, since there may be more than anyone meant."""
        every, without_own_backbone = 1, 1
        for axis in self.axes:
            every *= len(axis.choices)
            without_own_backbone *= sum("backbone" not in choice.settings for choice in axis.choices)
        if "backbone" in self.settings:
            return every * len(self.methods)
        return (without_own_backbone * len(self.backbones) + every - without_own_backbone) * len(self.methods)

    def networks(self) -> list[tuple[str, str]]:
        """The networks it takes, as (backbone, weights), those that exist."""
        pairs = (pair for each in self.combinations() for name in each.backbones for pair in each.networks(name))
        return list(dict.fromkeys(pairs))

    def asked_for(self) -> dict[str, Any]:
        """What was asked for, for people."""
        of_the_study = ("content_dir", "style_dir", "contents", "styles", "backbones", "preset")
        asked = {name: getattr(self, name) for name in of_the_study if getattr(self, name)}
        asked |= {} if self.methods == (USUAL,) else {"methods": self.methods, **self.training.asked_for()}
        asked = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in asked.items()}
        return {
            **asked,
            **self.settings,
            **{axis.name: [choice.label for choice in axis.choices] for axis in self.axes},
        }


def _exists(backbone: str) -> bool:
    try:
        get_backbone(backbone)
    except ConfigError:
        return False
    return True


def varied(name: str, values: Sequence[Any]) -> Axis:
    """An axis of one setting, labelled by its values."""
    return Axis(name, tuple(Choice(_label(value), {name: value}) for value in values))


_LARGEST_STUDY = 2**20
_MOST_TRIED = 10_000


def read_study(path: str | os.PathLike[str]) -> Study:
    """Read a study from a TOML file, see `docs/studies.md`.

    Top level: title, content_dir, style_dir, contents, styles, backbones, preset. `[settings]`: values for every cell.
    `[sweep]`: lists of values, crossed. `[[cases]]`: named sets of settings, crossed with the sweep. `methods`, and in
    `[training]` how networks are trained.

    Raises:
        ConfigError: naming the file, for one that cannot be read or asks for what does not exist.
    """
    try:
        status = os.stat(path)
        # Asked before opening, because opening a pipe waits for its writer, and a device may never end.
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_STUDY:
            what = "is larger than 1 MiB" if stat.S_ISREG(status.st_mode) else "is no ordinary file"
            raise ConfigError(f"{what}; name a study's TOML file")
        return _study(read_toml(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a study's TOML file") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValueError as error:  # of TOML's form, of UTF-8, of a path, or of a number too long to be read
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply") from error


_OF_A_STUDY = ("title", "content_dir", "style_dir", "preset", "contents", "styles", "backbones", "settings", "methods")
_KEYS = (*_OF_A_STUDY, "training", "sweep", "cases")


def _study(data: Mapping[str, Any]) -> Study:
    unknown = [key for key in data if key not in _KEYS]
    if unknown:
        raise ConfigError(f"unknown key; expected some of {', '.join(_KEYS)}. Received: {received_names(unknown)}")
    sweep = data.get("sweep", {})
    if not isinstance(sweep, dict):
        raise ConfigError(expected("sweep", "a table of lists", sweep))
    for name, values in sweep.items():
        if not isinstance(values, list):
            raise ConfigError(f"sweep.{name} must be a list of values. Received: {received(values)}")
        if name == "backbone":
            raise ConfigError("sweep.backbone: list the backbones in `backbones` instead")
    axes = [varied(name, values) for name, values in sweep.items()]
    if "cases" in data:
        axes.insert(0, _cases(data["cases"]))
    own = {key: data[key] for key in _OF_A_STUDY if key in data}
    return Study(**own, axes=tuple(axes), training=Training.of(data.get("training", {})))


def _cases(cases: Any) -> Axis:
    if not isinstance(cases, list) or not all(
        isinstance(case, dict) and isinstance(case.get("name"), str) for case in cases
    ):
        raise ConfigError("cases must be tables ([[cases]]), each with a name")
    choices = ({name: value for name, value in case.items() if name != "name"} for case in cases)
    return Axis("case", tuple(Choice(case["name"], rest) for case, rest in zip(cases, choices, strict=True)))


def _names(name: str, value: object) -> tuple[str, ...]:
    names = tuple(sequence(name, value, "a list of names"))
    if not all(isinstance(each, str) for each in names):
        raise ConfigError(expected(name, "a list of names", names))
    return names


def _check_names(settings: object) -> None:
    """See that settings exist; whether their values are in range depends on the backbone, and costs its cells alone."""
    known = named_settings("settings", settings, ("preset", *_FIELDS))
    if "preset" in known:
        presets.get(known["preset"])


def _label(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " + ".join(map(_label_of_one, value)) or "none"
    return _label_of_one(value)


def _label_of_one(value: Any) -> str:
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return _text(value)


def _text(value: object) -> str:
    """The value, if it is a text; else what messages say of it."""
    return value if isinstance(value, str) else received(value)
