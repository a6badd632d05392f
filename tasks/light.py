"""What all tasks have that a study has many of: Luigi asks each for its parameters a dozen times, and why it failed."""

from __future__ import annotations

from typing import Any, ClassVar

import luigi

from nstcore.system.refusals import line_of


class LightTask(luigi.Task):
    """A task whose class looks its parameters up once.

    Luigi goes through all attributes of the class each time, for programs that change their classes while they run. Of
    the time that a study of 10,000 cells took to its first cell, that was a third.
    """

    _known_params: ClassVar[list[tuple[str, luigi.Parameter]]]

    @classmethod
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        if "_known_params" not in vars(cls):
            cls._known_params = super().get_params()
        return cls._known_params

    def to_str_params(self, only_significant: bool = False, only_public: bool = False) -> dict[str, str]:
        """The parameters as texts, written out once: a task's do not change."""
        kept: dict[tuple[bool, bool], dict[str, str]] = self.__dict__.setdefault("_texts", {})
        key = (only_significant, only_public)
        if key not in kept:
            kept[key] = super().to_str_params(*key)
        return dict(kept[key])

    def on_failure(self, exception: BaseException) -> str:
        """What Luigi's page and mails say: a line of what a person can mend, a traceback of a fault of ours."""
        return line_of(exception) or str(super().on_failure(exception))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_texts"}
