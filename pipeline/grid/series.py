"""What a curve of a plot and a table of pictures belong to: a backbone with one set of settings of a study."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import Any

from pipeline.grid.backbone_labels import backbone_order, display_name

#: What a study varied and to what, in the study's order: (("style_weight", "40"), ("pooling", "avg")).
Variant = tuple[tuple[str, str], ...]

# Of a label, before the checksum that tells shortened labels apart.
_LONGEST_SLUG = 60


def variant_label(variant: Variant) -> str:
    """How people write a variant: "style_weight 40, pooling avg"; "" for the only one."""
    return ", ".join(f"{name} {value}" for name, value in variant)


@dataclass(frozen=True)
class Series:
    """A backbone with one set of settings, across all pictures.

    Attributes:
        backbone: its name.
        variant: what the study set for it; empty where the study varies nothing.
    """

    backbone: str
    variant: Variant = ()

    @property
    def label(self) -> str:
        """For people: "VGG19", or "VGG19, style_weight 40"."""
        return ", ".join(filter(None, (display_name(self.backbone), variant_label(self.variant))))

    @property
    def file_stem(self) -> str:
        """For files: the backbone alone, or with what varies, in letters that every file system takes."""
        if not self.variant:
            return self.backbone
        label = variant_label(self.variant)
        slug = re.sub(r"[^A-Za-z0-9._]+", "-", label).strip("-.")[:_LONGEST_SLUG]
        return f"{self.backbone}--{slug}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"


def series_order(series: Series) -> tuple[Any, ...]:
    """Sort key where no study says the order: backbones as in the registry, then what varies, numbers by size."""
    return backbone_order(series.backbone), tuple((name, _by_size(value)) for name, value in series.variant)


def _by_size(value: str) -> tuple[float, list[str | int]]:
    """Numbers first and by size ("5" before "40"), then texts, those within them by size too ("a 5" before "a 40")."""
    try:
        number = float(value)
    except ValueError:
        number = math.inf
    # Splitting at a group gives text, digits, text, ...: the same kinds at the same places of any two.
    parts = [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d{1,300})", value))]
    return (math.inf if math.isnan(number) else number), parts
