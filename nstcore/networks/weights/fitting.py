"""Pairing what a file holds with a network: every layer of the network, and besides a classifier and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nstcore.networks.layer_names import fresh_names, kind_of
from nstcore.networks.weights.arrays import Arrays, select
from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.hdf5_parts import Variable
from nstcore.networks.weights.keras_files import StoredLayer, StoredNetwork
from nstcore.networks.weights.network import named_variables, shapes_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class _Wanted:
    """A layer of the network, at the place where a file of that format keeps it."""

    name: str
    place: str
    variables: tuple[Any, ...]


def fit(stored: StoredNetwork, network: keras.Model) -> Arrays:
    """Read the arrays of a network out of a file, by "layer/variable". Nothing is read before all of it fits.

    Raises:
        SourceError: the file is for another network, with the first layer that shows it.
    """
    sources = {
        id(variable): source
        for layer, from_file in _paired(stored, network)
        for variable, source in _variables(layer, from_file)
    }
    for name, variable in named_variables(network):
        source, shape = sources[id(variable)], tuple(variable.shape)
        if source.shape != shape:
            raise SourceError(f"its {name} is {_by(source.shape)}, not {_by(shape)}")
    arrays = {name: sources[id(variable)].read() for name, variable in named_variables(network)}
    return select(arrays, shapes_of(network))


def _by(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape)) or "a single number"


def _paired(stored: StoredNetwork, network: keras.Model) -> list[tuple[_Wanted, StoredLayer]]:
    """Each layer of the network with that of the file, by name where the file knows all names, otherwise by place.

    By place, as Keras itself does, because a file may come from a network whose layers were named otherwise. A name
    that the network has elsewhere then says that the order is another one.
    """
    wanted = list(_classic_places(network) if stored.is_classic else _present_places(network))
    # Automatic names depend on what else the writing process had built.
    fresh = fresh_names(stored.names, {kind_of(layer) for layer in network.layers})
    by_name = {fresh[layer.name]: place for place, layer in stored.layers.items() if layer.name in fresh}
    if all(layer.name in by_name for layer in wanted):
        places = [by_name[layer.name] for layer in wanted]
    else:
        places = [layer.place for layer in wanted]
        names = {place: name for name, place in by_name.items()}
        known = {layer.name for layer in wanted}
        for layer in wanted:
            if layer.place not in stored.layers:
                raise SourceError(f"it has nothing for {layer.name}")
            name = names.get(layer.place, "")
            if name != layer.name and name in known:
                raise SourceError(f"it has {name} where {layer.name} belongs")
    _require_classifier(stored, set(places), network.output.shape[-1])
    return [(layer, stored.layers[place]) for layer, place in zip(wanted, places, strict=True)]


def _classic_places(network: keras.Model) -> Iterator[_Wanted]:
    with_weights = [layer for layer in network.layers if layer.weights]
    for number, layer in enumerate(with_weights):
        yield _Wanted(layer.name, str(number), tuple(layer.weights))


def _present_places(network: keras.Model, around: str = "") -> Iterator[_Wanted]:
    """Keras names a place by the kind of the layer and its number among the layers of that kind."""
    seen: Counter[str] = Counter()
    for layer in network.layers:
        kind = kind_of(layer)
        place = f"{around}{kind}_{seen[kind]}" if seen[kind] else f"{around}{kind}"
        seen[kind] += 1
        if hasattr(layer, "layers"):
            yield from _present_places(layer, f"{place}/layers/")
        elif layer.weights:
            yield _Wanted(layer.name, place, tuple(layer.weights))


def _variables(layer: _Wanted, from_file: StoredLayer) -> Iterator[tuple[Any, Variable]]:
    """Each variable of a layer with an array of the file: by name where the names are the same, otherwise in order."""
    stored = from_file.variables
    if len(stored) != len(layer.variables):
        raise SourceError(f"its {layer.name} has {len(stored)} arrays, not {len(layer.variables)}")
    by_name = {variable.name: variable for variable in stored}
    # A layer that is a network itself may have several of one name.
    if len(by_name) == len(stored) and by_name.keys() == {variable.name for variable in layer.variables}:
        stored = tuple(by_name[variable.name] for variable in layer.variables)
    return zip(layer.variables, stored, strict=True)


def _require_classifier(stored: StoredNetwork, taken: Collection[str], channels: int) -> None:
    """See that what a file holds besides the network is a classifier on top of it.

    Its kernels see single positions (dense, or 1 × 1), and each takes in the last feature map, pooled or flattened, or
    what another of them gives out. A classic file has the layers in the network's order, so there they come last.

    Args:
        taken: the places of the network's own layers.
        channels: of the last feature map.

    Raises:
        SourceError: naming the first layer that is part of no classifier.
    """
    order = {place: number for number, place in enumerate(stored.layers)}
    last = max((order[place] for place in taken), default=-1)
    given: set[int] = set()

    def fits(values: int) -> bool:
        return values in given or (values > 0 and values % channels == 0)

    rest = {place: list(_weights(layer)) for place, layer in stored.layers.items() if place not in taken}
    while rest:
        ready = [
            place
            for place, shapes in rest.items()
            if (order[place] > last or not stored.is_classic) and _takes_in(shapes, fits)
        ]
        if not ready:
            place = next(iter(rest))
            raise SourceError(f"it has {stored.layers[place].name or place} besides, which is part of no classifier")
        for place in ready:
            given.update(shape[-1] for shape in rest.pop(place) if len(shape) > 1)


def _weights(layer: StoredLayer) -> Iterator[tuple[int, ...]]:
    return (variable.shape for variable in layer.variables if variable.is_weight)


def _takes_in(shapes: Iterable[tuple[int, ...]], fits: Callable[[int], bool]) -> bool:
    """Whether a layer with arrays of these shapes can stand in a classifier whose earlier layers give what fits."""
    shapes = list(shapes)
    kernels = [shape for shape in shapes if len(shape) > 1]
    if any(math.prod(shape[:-2]) != 1 or len(shape) not in (2, 4) for shape in kernels):
        return False
    inputs = [shape[-2] for shape in kernels] or [shape[0] for shape in shapes if shape]
    return all(map(fits, inputs))
