"""The main jobs: content × style × backbone, and any other study."""

from __future__ import annotations

from typing import Any

import luigi

from nstcore import BACKBONES, ConfigError
from nstcore.checks import expected
from nstcore.feedforward.settings import SIZES
from pipeline.grid.feedforward import PHOTOGRAPHS, Training
from pipeline.grid.series import METHODS, USUAL
from pipeline.grid.study import Study, read_study
from tasks.parameters import SettingsParameter
from tasks.study import StudyTask


class FullGrid(StudyTask):
    """Every content picture in every style through every backbone, with plots, picture grids, a table and a page."""

    content_dir: str = luigi.Parameter(default="inputs/content", description="folder of content pictures")
    style_dir: str = luigi.Parameter(default="inputs/style", description="folder of style pictures")
    backbones: str = luigi.Parameter(default=",".join(BACKBONES), description="names, separated by commas")
    preset: str = luigi.Parameter(default="balanced", description="named settings, see nstcore.presets")
    size: int = luigi.IntParameter(default=256, description="longest side of the pictures, pixels")
    iterations: int = luigi.IntParameter(default=100, description="iterations of the optimiser")
    weights: str = luigi.Parameter(default="imagenet", description='"imagenet", "random", a weights file, or a folder')
    settings: dict[str, Any] = SettingsParameter(
        default={}, description='other TransferConfig fields as JSON, such as {"style_weight": 20}'
    )

    methods: str = luigi.Parameter(
        default=USUAL, description=f"how pictures come about, separated by commas: {', '.join(METHODS)}"
    )
    photographs_dir: str = luigi.Parameter(
        default="", description=f"folder of pictures to train networks on; empty: {PHOTOGRAPHS}, else the contents"
    )
    network: str = luigi.Parameter(
        default="", description=f"size of the networks: {', '.join(SIZES)}; empty: the preset's"
    )
    training: dict[str, Any] = SettingsParameter(
        default={}, description='how networks are trained, as JSON, such as {"steps": 4000}; see docs/feed-forward.md'
    )

    def study(self) -> Study:
        if "backbone" in self.settings:
            backbone = self.settings["backbone"]
            raise ConfigError(expected("settings", "without backbone, which --backbones names", {"backbone": backbone}))
        return Study(
            content_dir=self.content_dir,
            style_dir=self.style_dir,
            backbones=tuple(name.strip() for name in self.backbones.split(",")),
            preset=self.preset,
            settings={"size": self.size, "iterations": self.iterations, "weights": self.weights, **self.settings},
            methods=tuple(name.strip() for name in self.methods.split(",")),  # type: ignore[misc]
            training=Training.of({**self.training, **self._named("photographs_dir", "network")}),
        )

    def _named(self, *names: str) -> dict[str, str]:
        """Those parameters that were given."""
        return {name: value for name in names if (value := getattr(self, name))}


class Sweep(StudyTask):
    """Any study, as a TOML file says it: see docs/studies.md."""

    config: str = luigi.Parameter(description="the study's TOML file")

    def study(self) -> Study:
        return read_study(self.config)

    def source(self) -> str:
        return self.config
