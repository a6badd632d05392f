"""What messages quote of other people's files is on one line and of readable length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nstcore import TransferConfig
from nstcore.checks import named_settings
from nstcore.errors import StyleTransferError, received_names
from nstcore.networks.weights import Provenance
from pipeline.grid.study import read_study

NAMES = ["a\nb", "\u2028", "\x1b[2J", "x" * 10**6, "\ud800"]


def study_with(name: str, folder: Path) -> None:
    (folder / "study.toml").write_text(f'title = "t"\n"{name.encode("unicode_escape").decode()}" = 1\n')
    read_study(folder / "study.toml")


@pytest.mark.parametrize(
    "read",
    [
        lambda name, _: named_settings("settings", {name: 1}, ["size"]),
        lambda name, _: Provenance.from_dict({name: "x"}),
        lambda name, _: TransferConfig(losses={"gram": {name: 1}}),
        lambda name, _: TransferConfig(losses={name: {}}),
        study_with,
    ],
    ids=["settings", "provenance", "a loss", "losses", "study"],
)
@pytest.mark.parametrize("name", NAMES, ids=["line break", "separator", "terminal", "long", "no character"])
def test_an_unknown_name_is_told_in_one_line(read: Callable[[str, Path], Any], name, tmp_path):
    with pytest.raises(StyleTransferError) as told:
        read(name, tmp_path)
    line = str(told.value)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert len(line) < 3000


def test_ordinary_names_are_told_as_they_are():
    assert received_names(["size", "größe", 3, ("a",)]) == "size, größe, 3, ('a',)"
