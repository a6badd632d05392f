"""What papers are compared with: our own balanced loss."""

from __future__ import annotations

from typing import Any

from pipeline.grid.study import Study


def balanced_study(*backbones: str, **settings: Any) -> Study:
    """The balanced preset through some networks.

    It has one title, whatever the paper: papers that ask for the same cells share their report, and would otherwise
    write it anew in turns.
    """
    return Study(title="Ours: the balanced loss", backbones=backbones, preset="balanced", settings=settings)
