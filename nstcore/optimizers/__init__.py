"""How the pictures of a problem are improved. The registry holds names and settings; Keras is imported by the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from nstcore.checks import choice, named_settings
from nstcore.optimizers.settings import FirstOrderSettings, LBFGSSettings
from nstcore.system.imports import imported

if TYPE_CHECKING:
    from nstcore.optimizers.protocol import Optimizer

__all__ = [
    "OPTIMIZERS",
    "OptimizerEntry",
    "make_optimizer",
    "optimizer_class",
    "optimizer_settings",
    "optimizer_version",
]


@dataclass(frozen=True)
class OptimizerEntry:
    """Where an optimiser is.

    Attributes:
        optimizer: a class that is made from its settings, or where it is, as "module:Class".
        settings: a frozen dataclass; its values are checked when it is built.
        defaults: settings of this name that differ from those of the dataclass.
        without: names of those that it has no use for, and that are refused.
    """

    optimizer: str | type[Optimizer]
    settings: type[Any]
    defaults: tuple[tuple[str, Any], ...] = ()
    without: tuple[str, ...] = ()


_OF_ADAM = ("beta_1", "beta_2")

OPTIMIZERS: dict[str, OptimizerEntry] = {
    "lbfgs-device": OptimizerEntry("nstcore.optimizers.lbfgs_device:DeviceLBFGS", LBFGSSettings),
    "lbfgs": OptimizerEntry("nstcore.optimizers.scipy_lbfgs:ScipyLBFGS", LBFGSSettings),
    "adam": OptimizerEntry(
        "nstcore.optimizers.first_order:Adam", FirstOrderSettings, without=("momentum", "rho", "halving")
    ),
    "rmsprop": OptimizerEntry(
        "nstcore.optimizers.first_order:RMSprop", FirstOrderSettings, without=(*_OF_ADAM, "halving")
    ),
    "sgd": OptimizerEntry(
        "nstcore.optimizers.first_order:SGD",
        FirstOrderSettings,
        defaults=(("momentum", 0.9),),
        without=(*_OF_ADAM, "rho", "epsilon"),
    ),
    "gradient-descent": OptimizerEntry(
        "nstcore.optimizers.first_order:SGD", FirstOrderSettings, without=(*_OF_ADAM, "rho", "epsilon")
    ),
}


def optimizer_settings(name: str, settings: Mapping[str, Any]) -> Any:
    """Build the settings of an optimiser.

    Raises:
        ConfigError: for an optimiser or a setting that does not exist, listing those that do, or a value out of range.
    """
    choice("optimizer", name, tuple(OPTIMIZERS))
    entry = OPTIMIZERS[name]
    known = [field.name for field in fields(entry.settings) if field.name not in entry.without]
    named_settings(f"optimizer_settings of {name}", settings, known)
    return entry.settings(**{**dict(entry.defaults), **settings})


def optimizer_version(name: str, settings: Mapping[str, Any]) -> int:
    """Raised by hand where an optimiser comes to other pictures by the same settings; digests count it from 2 on.

    2: descents without a learning rate take steps back that go too far.
    """
    searches = name in ("sgd", "gradient-descent") and settings.get("learning_rate") is None
    return 2 if searches else 1


def optimizer_class(name: str) -> type[Optimizer]:
    """The class of an optimiser that is registered."""
    return imported(OPTIMIZERS[name].optimizer)


def make_optimizer(name: str, settings: Any) -> Optimizer:
    """Make a run of an optimiser from what `optimizer_settings` gave."""
    made: Optimizer = optimizer_class(name)(settings)
    return made
