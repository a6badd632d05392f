"""The pictures that take no transfer, measured: what a paper's cells have to beat."""

from __future__ import annotations

import os
from functools import cached_property

import luigi

from nstcore import PictureError, StyleTransferError, TransferConfig
from nstcore.loading import load_picture, load_style
from nstcore.system.quiet import import_keras_quietly
from pipeline.grid.digest import file_sha256
from pipeline.grid.paths import computed_pictures_file
from pipeline.grid.picture_folder import find_pictures
from pipeline.measures import formulas, judges
from pipeline.outputs.made import digest_of
from pipeline.outputs.stores import JsonStore
from pipeline.storage.places import place_at
from tasks.inputs import BackboneWeights, OutputFolder
from tasks.measures import JudgeWeights
from tasks.outcome import FailureRecord, SettlingTask
from tasks.parameters import output_dir

#: Raised by hand when other pictures are computed, or others things are told of them.
VERSION = "2"


class ComputedPictures(SettlingTask):
    """The measures of cross-fades and the like, of one pair of pictures at one size."""

    content_dir: str = luigi.Parameter()
    style_dir: str = luigi.Parameter()
    content: str = luigi.Parameter()
    style: str = luigi.Parameter()
    size: int = luigi.IntParameter()
    output_dir: str = output_dir()

    def requires(self) -> list[luigi.Task]:
        return [
            OutputFolder(path=self.output_dir),
            BackboneWeights(backbone="vgg19", weights="imagenet", output_dir=self.output_dir),
            *(JudgeWeights(network=network, output_dir=self.output_dir) for network in judges.NETWORKS),
        ]

    def output(self) -> JsonStore:
        path = computed_pictures_file(place_at(self.output_dir), self.content, self.style, self._digest)
        return JsonStore(os.fspath(path))

    def failure(self) -> FailureRecord:
        return FailureRecord(place_at(self.output().path).with_suffix(".failure.json"), self.output_dir)

    @property
    def title(self) -> str:
        return f"pictures without a transfer, {self.content} × {self.style}"

    def check_dependencies(self) -> None:
        """A judge that is not there costs its own measures alone."""

    def identity(self) -> str:
        """What it holds, or why it holds nothing."""
        return self.output().identity() if self.output().exists() else digest_of(self.failure().reason())

    def work(self) -> None:
        self.set_status_message(self.title)
        import_keras_quietly()
        from pipeline.papers.computed import measure_computed

        config = TransferConfig(size=self.size)
        content, style = (self._path(self.content_dir, self.content), self._path(self.style_dir, self.style))
        self.output().dump(measure_computed(load_picture(content, config), load_style(style, config)))

    @cached_property
    def _digest(self) -> str:
        sums = []
        for folder, name in ((self.content_dir, self.content), (self.style_dir, self.style)):
            try:
                sums.append(file_sha256(self._path(folder, name)))
            except (StyleTransferError, OSError):
                sums.append("")
        parts = (VERSION, *sums, str(self.size), formulas.MEASURES_VERSION, judges.bench().identity)
        return digest_of(*parts)[:16]

    def _path(self, folder: str, name: str) -> str:
        found = find_pictures(folder).pictures
        if name not in found:
            raise PictureError(f"{folder}: no picture named {name} there")
        return os.fspath(found[name][0])
