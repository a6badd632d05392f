"""How the pictures of a problem are improved. The registry holds names and settings; Keras is imported by the rest."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from nstcore.checks import choice, named_settings
from nstcore.optimizers.settings import FirstOrderSettings, LBFGSSettings

if TYPE_CHECKING:
    from nstcore.optimizers.protocol import Optimizer

__all__ = ["OPTIMIZERS", "OptimizerEntry", "make_optimizer", "optimizer_class", "optimizer_settings"]


@dataclass(frozen=True)
class OptimizerEntry:
    """Where an optimiser is.

    Attributes:
        optimizer: a class that is made from its settings, or where it is, as "module:Class".
        settings: a frozen dataclass; its values are checked when it is built.
        defaults: settings of this name that differ from those of the dataclass.
    """

    optimizer: str | type[Optimizer]
    settings: type[Any]
    defaults: tuple[tuple[str, Any], ...] = ()


OPTIMIZERS: dict[str, OptimizerEntry] = {
    "lbfgs-device": OptimizerEntry("nstcore.optimizers.lbfgs_device:DeviceLBFGS", LBFGSSettings),
    "lbfgs": OptimizerEntry("nstcore.optimizers.scipy_lbfgs:ScipyLBFGS", LBFGSSettings),
    "adam": OptimizerEntry("nstcore.optimizers.first_order:Adam", FirstOrderSettings),
    "rmsprop": OptimizerEntry("nstcore.optimizers.first_order:RMSprop", FirstOrderSettings),
    "sgd": OptimizerEntry("nstcore.optimizers.first_order:SGD", FirstOrderSettings, (("momentum", 0.9),)),
    "gradient-descent": OptimizerEntry("nstcore.optimizers.first_order:SGD", FirstOrderSettings),
}


def optimizer_settings(name: str, settings: Mapping[str, Any]) -> Any:
    """Build the settings of an optimiser.

    Raises:
        ConfigError: for an optimiser or a setting that does not exist, listing those that do, or a value out of range.
    """
    choice("optimizer", name, tuple(OPTIMIZERS))
    entry = OPTIMIZERS[name]
    named_settings("optimizer_settings", settings, [field.name for field in fields(entry.settings)])
    return entry.settings(**{**dict(entry.defaults), **settings})


def optimizer_class(name: str) -> type[Optimizer]:
    """The class of an optimiser that is registered."""
    found = OPTIMIZERS[name].optimizer
    if isinstance(found, str):
        module, _, member = found.partition(":")
        found = getattr(importlib.import_module(module), member)
    return found


def make_optimizer(name: str, settings: Any) -> Optimizer:
    """Make a run of an optimiser from what `optimizer_settings` gave."""
    made: Optimizer = optimizer_class(name)(settings)
    return made
