"""The parts of an HDF5 file: groups, arrays and names, each looked at before it is read, whatever the file asks for.

A file of a few megabytes can hold an array that unpacks to terabytes, groups that contain themselves or each other in
more ways than can be counted, or links to other files. No file of Keras has any of that. Against what is beyond looking
at, see `trial`.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from nstcore.networks.weights.failures import SourceError

# The largest of keras.applications takes some 10,000.
_MOST_STEPS = 40_000
_LONGEST_TEXT = 2**26


class Variable:
    """One array of a file, read when it is asked for.

    Attributes:
        name: as the file has it, without number: "kernel"; "" in the present format, which has none.
        shape: of the array.
    """

    def __init__(self, name: str, dataset: h5py.Dataset) -> None:
        # External and virtual arrays would have other files read.
        if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual or dataset.shape is None:
            raise SourceError(f"{getattr(dataset, 'name', name)} is no plain array")
        self._dataset = dataset
        self.name = name
        self.shape: tuple[int, ...] = dataset.shape

    @property
    def is_weight(self) -> bool:
        """Whether it holds real numbers; the state of a random generator does not."""
        return self._dataset.dtype.kind == "f" or self._is_bfloat16

    @property
    def _is_bfloat16(self) -> bool:
        return self._dataset.dtype.itemsize == 2 and text(self._dataset, "dtype") == "bfloat16"

    def read(self) -> npt.NDArray[np.float32]:
        """The values; of at most 16 bytes each, so that the shape tells what they take.

        Raises:
            SourceError: they are no numbers, or are kept in pieces, which may be compressed, and unpack to anything:
                HDF5 keeps to no bound.
        """
        if not self._is_bfloat16 and self._dataset.dtype.kind not in "fiu":
            raise SourceError(f"{self._dataset.name} holds {self._dataset.dtype}, no numbers")
        if self._dataset.chunks is not None:
            raise SourceError(f"{self._dataset.name} is kept in pieces, which Keras never does; save the weights again")
        if self._is_bfloat16:
            # The upper half of a float32. HDF5 does not know the type and keeps it as two bytes.
            halves = np.asarray(self._dataset[()]).view(np.uint16).astype(np.uint32)
            return (halves << 16).view(np.float32).reshape(self.shape)
        return np.asarray(self._dataset[()], dtype=np.float32)


class Parts:
    """What is in the groups of one file, as far as anybody needs to look."""

    def __init__(self) -> None:
        self._steps = 0

    def member(self, group: Any, path: str) -> Any:
        """What lies in a group; a link is not followed, for it may lead to another file or back to itself.

        Raises:
            SourceError: there is nothing of that name, or a link, or there was too much before it.
        """
        for name in path.split("/"):
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise SourceError("it has more layers and arrays than any network of Keras")
            if not isinstance(group, h5py.Group) or name not in group:
                raise SourceError(f"it is damaged: it lists {path}, which is not in it")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise SourceError(f"{path} in it is a link; save the weights again")
            group = group[name]
        return group

    def listed(self, group: h5py.Group, attribute: str) -> list[str]:
        """The names in an attribute.

        HDF5 limits the size of an attribute, so Keras cuts long lists into attribute0, attribute1, …

        Raises:
            SourceError: they are more than any network has.
        """
        if attribute in group.attrs:
            parts = [attribute]
        else:
            numbered = (f"{attribute}{number}" for number in itertools.count())
            parts = list(itertools.takewhile(lambda name: name in group.attrs, numbered))
        names: list[str] = []
        for part in parts:
            self._steps += _size(group, part)
            if self._steps > _MOST_STEPS:
                raise SourceError(f"its {attribute} is no list of names as Keras keeps them")
            names += [_decoded(name) for name in np.atleast_1d(group.attrs[part])]
        return names


def text(part: Any, attribute: str) -> str:
    """A text that a group or an array has; "" if it has none of that name."""
    if attribute not in part.attrs:
        return ""
    value = part.attrs[attribute] if _size(part, attribute) == 1 else ""
    return _decoded(value) if isinstance(value, str | bytes) else ""


def _size(part: Any, attribute: str) -> int:
    """How many values an attribute has.

    Raises:
        SourceError: they take more than any text of Keras.
    """
    kept = part.attrs.get_id(attribute)
    size: int = math.prod(kept.shape)
    if size * kept.dtype.itemsize > _LONGEST_TEXT:
        raise SourceError(f"its {attribute} is too long")
    return size


def _decoded(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
