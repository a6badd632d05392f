"""What a curve of a plot and a table of pictures belong to: a backbone with one set of settings of a study."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pipeline.grid.backbone_labels import backbone_order, display_name

#: What a study varied and to what, in the study's order: (("style_weight", "40"), ("pooling", "avg")).
Variant = tuple[tuple[str, str], ...]

#: How the picture of a cell comes about: it is optimised; a network that was trained for the style gives it; or it is
#: optimised from the network's picture on.
Method = Literal["optimize", "feedforward", "refine"]
METHODS: tuple[Method, ...] = get_args(Method)
#: That of every grid that does not say otherwise.
USUAL: Method = "optimize"
_METHOD_NAMES = {"feedforward": "feed-forward", "refine": "from feed-forward"}

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
        method: how its pictures come about.
    """

    backbone: str
    variant: Variant = ()
    method: str = USUAL

    @property
    def is_usual(self) -> bool:
        return self.method == USUAL

    @property
    def is_iterated(self) -> bool:
        """Whether its pictures come about in iterations; else in one pass of a network."""
        return self.method != "feedforward"

    @property
    def label(self) -> str:
        """For people: "VGG19", or "VGG19, feed-forward, style_weight 40"."""
        return ", ".join(filter(None, (display_name(self.backbone), self.method_label, variant_label(self.variant))))

    @property
    def losses_label(self) -> str:
        """What its losses see through, and with which settings, whatever the method: "VGG19, style_weight 40"."""
        return replace(self, method=USUAL).label

    @property
    def method_label(self) -> str:
        """What people call its method; "" for the usual one."""
        return "" if self.is_usual else _METHOD_NAMES.get(self.method, self.method)

    @property
    def file_stem(self) -> str:
        """For files: the backbone alone, or with what varies, in letters that every file system takes."""
        own = self.backbone if self.is_usual else f"{self.backbone}-{self.method}"
        if not self.variant:
            return own
        label = variant_label(self.variant)
        slug = re.sub(r"[^A-Za-z0-9._]+", "-", label).strip("-.")[:_LONGEST_SLUG]
        return f"{own}--{slug}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"backbone": self.backbone, "variant": self.variant, **method_of(self)}


def series_order(series: Series) -> tuple[Any, ...]:
    """Sort key where no study says the order: backbones as in the registry, then what varies, numbers by size."""
    place = backbone_order(series.backbone), tuple((name, _by_size(value)) for name, value in series.variant)
    return *place, not series.is_usual, series.method


def method_of(series: Any) -> dict[str, str]:
    """The method of a series or a cell, for data that has none where it is the usual one."""
    return {} if series.method == USUAL else {"method": series.method}


def _by_size(value: str) -> tuple[float, list[str | int]]:
    """Numbers first and by size ("5" before "40"), then texts, those within them by size too ("a 5" before "a 40")."""
    try:
        number = float(value)
    except ValueError:
        number = math.inf
    # Splitting at a group gives text, digits, text, ...: the same kinds at the same places of any two.
    parts = [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d{1,300})", value))]
    return (math.inf if math.isnan(number) else number), parts
