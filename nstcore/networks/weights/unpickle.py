"""Reading pickles that came in a package: arrays and plain containers, and nothing that could run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

#: The three names a pickled NumPy array refers to. The private one is taken from an array: its module has moved.
_RECONSTRUCT = np.zeros(0).__reduce__()[0]
NUMPY_ARRAYS: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that resolves only the names it is given.

    Args:
        file: binary stream, read from its current position to the end of one pickle.
        admitted: (module, name) → what stands for it. Any other name is refused before anything is called.
        storage: turns a persistent identifier into data; without it such identifiers are refused.

    Raises (from `load`):
        pickle.UnpicklingError: the pickle refers to something that is not admitted.
    """

    def __init__(
        self,
        file: IO[bytes],
        admitted: Mapping[tuple[str, str], Any],
        storage: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(file)
        self._admitted = admitted
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._admitted[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"refused {module}.{name}: only arrays are read from a package's pickle"
            ) from None

    def persistent_load(self, identifier: Any) -> Any:
        if self._storage is None:
            raise pickle.UnpicklingError(f"refused persistent identifier {identifier!r}")
        return self._storage(identifier)
