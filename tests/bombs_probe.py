"""A program that reads files that ask for too much, one after the other, in a process with little memory.

`bombs_probe.py FOLDER`: it makes each file, reads it, and prints a line of JSON: name, what came of it, seconds of the
processor, and the largest resident size up to then in MiB.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from PIL import Image

from nstcore.errors import StyleTransferError
from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.keras_files import opened
from nstcore.networks.weights.trial import try_out
from nstcore.pictures.images import load, read_picture
from nstcore.system.npz import read_npz
from pipeline.grid.study import read_study

# One color, 13300 x 13300 pixels, just below what is refused by its size alone.
FLAT_WEBP = "524946461e000000574542505650384c110000002ff3f3fc0c07508f22d7a3ff8188e87f0000"


def saved(mode: str, kind: str, side: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, kind, **options)
    return file.getvalue()


def zeros(gibibytes: int) -> bytes:
    """Deflated zeros: one block of them, which needs nothing of what is before it, again and again."""
    packing, side = zlib.compressobj(9, wbits=-15), 2**24
    block, count = packing.compress(bytes(side)) + packing.flush(zlib.Z_FULL_FLUSH), gibibytes * 64
    checksum = (count * side % 65521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\x01" + block * count + b"\x03\x00" + struct.pack(">I", checksum)


def many_passes() -> bytes:
    whole = saved("RGB", "JPEG", 2000, progressive=True, quality=5)
    starts = [place for place in range(len(whole)) if whole[place : place + 2] == b"\xff\xda"]
    return whole[:-2] + whole[starts[2] : starts[3]] * 30_000 + whole[-2:]


def many_parts(kind: str, before: int, part: bytes, **options: Any) -> bytes:
    whole = saved("RGB", kind, 64, **options)
    return whole[:before] + part * (9_000_000 // len(part)) + whole[before:]


def text_of_png() -> bytes:
    data = b"iTXt" + b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2**20), 9)
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return many_parts("PNG", 33, chunk)


def endless_strips() -> bytes:
    file = io.BytesIO()
    planes = np.zeros((3, 64, 64), "u2")
    tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate", compression="zlib")
    whole, bomb = bytearray(file.getvalue()), zeros(2)
    for tag, value in ((273, len(whole)), (279, len(bomb))):
        with tifffile.TiffFile(io.BytesIO(whole)) as tiff:
            entry = tiff.pages.first.tags[tag]
            place, count = entry.valueoffset, entry.count
        whole[place : place + 4 * count] = struct.pack("<I", value) * count
    return bytes(whole) + bomb


def large_tile() -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((64, 64, 3), "u1"), photometric="rgb", tile=(64, 64), compression="zlib")
    whole = bytearray(file.getvalue())
    for tag in (322, 323):
        with tifffile.TiffFile(io.BytesIO(whole)) as tiff:
            place = tiff.pages.first.tags[tag].valueoffset
        whole[place : place + 4] = struct.pack("<I", 20_000)
    return bytes(whole)


PICTURES: dict[str, Callable[[], bytes]] = {
    "flat.webp": lambda: bytes.fromhex(FLAT_WEBP),
    "passes.jpg": many_passes,
    "empty segments.jpg": lambda: many_parts("JPEG", 2, b"\xff\xe1\0\x10Exif\0\0MM\0*\0\0\0\x08"),
    "fill bytes.jpg": lambda: many_parts("JPEG", 2, b"\xff"),
    "texts.png": text_of_png,
    "empty chunks.png": lambda: many_parts("PNG", 33, b"\0\0\0\0teXt\0\0\0\0"),
    "strips.tif": endless_strips,
    "tile.tif": large_tile,
    "comments.ppm": lambda: b"P3\n1000 1000\n255\n" + b"#a\n1\n" * 1_800_000,
}


def with_array(path: Path, fill: Callable[[h5py.Group], Any]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"one"]
        group = file.create_group("one")
        group.attrs["weight_names"] = [b"kernel:0"]
        fill(group)


def unpacks(group: h5py.Group) -> None:
    array = group.create_dataset("kernel:0", (64, 64), "f4", chunks=(64, 64), compression="gzip")
    array.id.write_direct_chunk((0, 0), zeros(2))


def opaque(group: h5py.Group) -> None:
    group.create_dataset("kernel:0", (64, 64), np.dtype("V2000000")).attrs["dtype"] = "bfloat16"


def graph(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("layers")
        for _ in range(40):
            group["b"] = group.create_group("a")
            group = group["a"]


def names(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file.create_group("a")
        file.attrs["layer_names"] = np.array([b"a"] * 9_000_000)


WEIGHTS: dict[str, Callable[[Path], None]] = {
    "unpacks.h5": lambda path: with_array(path, unpacks),
    "opaque.h5": lambda path: with_array(path, opaque),
    "graph.weights.h5": graph,
    "names.h5": names,
}


def packed_arrays(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (2**29,)})
        for _ in range(128):
            file.write(bytes(2**24))


def claimed_arrays(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**36,)})


def read_weights(path: Path) -> None:
    try_out(path)
    with opened(path) as stored:
        for layer in stored.layers.values():
            for variable in layer.variables:
                variable.read()


def look(name: str, path: Path, make: Callable[[Path], Any], *readers: Callable[[Path], Any]) -> None:
    make(path)
    assert path.stat().st_size < 10 * 2**20, name
    start, outcome = time.process_time(), "read"
    for read in readers:
        try:
            read(path)
        except (StyleTransferError, SourceError) as error:
            outcome = f"{type(error).__name__}: {error}"
    peak = _peak_mib()
    row = {"name": name, "outcome": outcome, "seconds": time.process_time() - start, "peak_mib": peak}
    print(json.dumps(row), flush=True)
    path.unlink()


def _peak_mib() -> float:
    """Since the program began: what `getrusage` tells counts the process that started it too."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 2**10


def main(folder: Path) -> None:
    Image.MAX_IMAGE_PIXELS = None  # not what Pillow would refuse by itself
    for name, content in PICTURES.items():
        look(
            name,
            folder / name,
            lambda path, content=content: path.write_bytes(content()),
            read_picture,
            lambda path: load(path, 64, smallest_side=8, backbone="it"),
        )
    for name, make in WEIGHTS.items():
        look(name, folder / name, make, read_weights)
    look("packed.npz", folder / "packed.npz", packed_arrays, read_npz)
    look("claimed.npz", folder / "claimed.npz", claimed_arrays, read_npz)
    dots = ".".join(["a"] * 300_000) + " = 1"
    look("dots.toml", folder / "dots.toml", lambda path: path.write_text(dots), read_study)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
