"""Names of layers that do not depend on what else a process has built.

Keras numbers the layers that a network leaves unnamed by a counter that runs through the whole process: conv2d,
conv2d_1, … The first network of a process gets other names than the second.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def kind_of(layer: keras.Layer) -> str:
    """What Keras calls an unnamed layer of this class: "batch_normalization" for BatchNormalization."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def fresh_names(names: Iterable[str], kinds: Collection[str]) -> dict[str, str]:
    """Map each name to the one it would have in a process that had built nothing before.

    Args:
        names: of all layers of one network. Their order does not matter: the numbers keep the order of creation.
        kinds: the kinds of layers that Keras may have numbered; every other name stays as it is.
    """
    fresh = {}
    numbered: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        kind, _, number = name.rpartition("_")
        if name in kinds:
            numbered[name].append((0, name))
        elif kind in kinds and number.isdecimal():
            numbered[kind].append((int(number), name))
        else:
            fresh[name] = name
    for kind, of_kind in numbered.items():
        for place, (_, name) in enumerate(sorted(of_kind)):
            fresh[name] = f"{kind}_{place}" if place else kind
    return fresh


def name_as_in_a_fresh_process(layers: Collection[keras.Layer]) -> None:
    """Rename the layers that Keras named itself to what the first network of a process would be given."""
    fresh = fresh_names([layer.name for layer in layers], {kind_of(layer) for layer in layers})
    for layer in layers:
        layer.name = fresh[layer.name]
