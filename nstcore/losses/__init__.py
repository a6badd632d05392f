"""The terms of the total loss: one file each, pure formulas, no configuration and no network.

The registry holds names; a loss's file is imported when the loss is used, and Keras when its formulas are.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from nstcore.checks import named_settings
from nstcore.errors import ConfigError, received
from nstcore.losses import ops
from nstcore.losses.loss import (
    PICTURE,
    Layer,
    Loss,
    Tensor,
    View,
    feature_matrix,
    features_read,
    guided_layers,
    reading_name,
    view_name,
)

__all__ = [
    "LOSSES",
    "PICTURE",
    "Layer",
    "Loss",
    "Tensor",
    "View",
    "feature_matrix",
    "features_read",
    "guided_layers",
    "loss_class",
    "make_loss",
    "ops",
    "reading_name",
    "view_name",
]

#: Name -> the class, or where it is, as "module:Class".
LOSSES: dict[str, str | type[Loss]] = {
    "content": "nstcore.losses.content:Content",
    "gram": "nstcore.losses.gram:Gram",
    "total_variation": "nstcore.losses.total_variation:TotalVariation",
    "cross_gram": "nstcore.losses.cross_gram:CrossGram",
    "mean_variance": "nstcore.losses.mean_variance:MeanVariance",
    "wasserstein": "nstcore.losses.wasserstein:Wasserstein",
    "sliced_wasserstein": "nstcore.losses.sliced_wasserstein:SlicedWasserstein",
    "histogram": "nstcore.losses.histogram:Histogram",
    "patches": "nstcore.losses.patches:Patches",
    "nearest_neighbors": "nstcore.losses.nearest_neighbors:NearestNeighbors",
    "layer_neighbors": "nstcore.losses.layer_neighbors:LayerNeighbors",
    "earth_movers": "nstcore.losses.earth_movers:EarthMovers",
    "palette": "nstcore.losses.palette:Palette",
    "transformed_features": "nstcore.losses.transformed_features:TransformedFeatures",
    "self_similarity": "nstcore.losses.self_similarity:SelfSimilarity",
}


def loss_class(name: str) -> type[Loss]:
    """Look a loss up by name.

    Raises:
        ConfigError: for an unknown name, listing the known ones.
    """
    found = LOSSES.get(name) if isinstance(name, str) else None
    if found is None:
        raise ConfigError(f"unknown loss; expected some of {', '.join(LOSSES)}. Received: losses={received(name)}")
    if isinstance(found, str):
        module, _, member = found.partition(":")
        found = getattr(importlib.import_module(module), member)
    return found


def make_loss(name: str, settings: Mapping[str, Any]) -> Loss:
    """Build a loss from its settings.

    Raises:
        ConfigError: for a setting that it does not have, listing those it has, or a value out of range.
    """
    kind = loss_class(name)
    named_settings(f"losses.{name}", settings, [field.name for field in fields(kind)])
    return kind(**settings)
