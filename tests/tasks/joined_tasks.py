"""A task of which several may be done together, as cells are."""

from __future__ import annotations

from pathlib import Path

import luigi


class Joined(luigi.Task):
    """Writes a file for each name that it is given, with how many there were."""

    folder: str = luigi.Parameter()
    name: str = luigi.Parameter(batch_method=",".join)
    most: int = luigi.IntParameter(significant=False)

    @property
    def batchable(self) -> bool:
        return self.most > 1

    @property
    def max_batch_size(self) -> int:
        return self.most

    def files(self) -> list[Path]:
        return [Path(self.folder) / name for name in self.name.split(",")]

    def complete(self) -> bool:
        return all(file.exists() for file in self.files())

    def run(self) -> None:
        for file in self.files():
            file.write_text(str(len(self.files())))
