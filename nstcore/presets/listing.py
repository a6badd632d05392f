"""Presets in words, for a person."""

from __future__ import annotations

import json
import textwrap
from dataclasses import fields

from nstcore.config import TransferConfig
from nstcore.frozen import plain
from nstcore.presets import PRESETS, get

_WIDTH = 100


def listing(names: tuple[str, ...], backbone: str) -> str:
    """For each preset where it comes from, what is not from there, and its settings that are no defaults.

    Args:
        names: of presets; () for all.
        backbone: the network whose settings are told.

    Raises:
        ConfigError: for an unknown preset or backbone.
    """
    return "\n\n".join(_described(name, backbone) for name in names or PRESETS)


def _described(name: str, backbone: str) -> str:
    config, preset, default = get(name, backbone=backbone), PRESETS[name], TransferConfig(backbone=backbone)
    settings = {
        field.name: plain(getattr(config, field.name))
        for field in fields(config)
        if getattr(config, field.name) != getattr(default, field.name)
    }
    lines = [name, *_paragraph("from", preset.source)]
    if preset.ours:
        lines += _paragraph("ours", preset.ours)
    trained = {"training.backbone": preset.backbone} if preset.backbone else {}
    trained |= {f"network.{key}": value for key, value in preset.network.items()}
    trained |= {f"training.{key}": value for key, value in preset.training.items()}
    return "\n".join([*lines, *(f"    {key} = {json.dumps(value)}" for key, value in {**settings, **trained}.items())])


def _paragraph(word: str, text: str) -> list[str]:
    return textwrap.wrap(f"{word}: {text}", _WIDTH, initial_indent="  ", subsequent_indent="        ")
