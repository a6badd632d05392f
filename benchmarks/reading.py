"""What does it take to read a very large picture at a small size? Peak memory and seconds of whole processes.

Each picture is read twice in fresh processes: as the engine reads it, and whole with resizing after it.

    python -m benchmarks.reading [--side 13300 --size 64 --turns 2]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.measure import FinishedProcess, run_module
from benchmarks.common.report import Report, add_results_option, progress, seconds

# Name -> Pillow's mode and format, and how it is saved.
_PICTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "PNG, grey": ("L", "PNG", {"compress_level": 1}),
    "PNG, RGB": ("RGB", "PNG", {"compress_level": 1}),
    "PNG, RGB and alpha": ("RGBA", "PNG", {"compress_level": 1}),
    "JPEG": ("RGB", "JPEG", {"quality": 90}),
    "JPEG, progressive": ("RGB", "JPEG", {"quality": 90, "progressive": True}),
    "TIFF, LZW": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "WebP, 16 megapixels": ("RGB", "WEBP", {"quality": 80, "method": 0}),
    "AVIF, 16 megapixels": ("RGB", "AVIF", {"quality": 60, "speed": 10}),
}
# Slow to write, and WebP has no more than 16383 pixels a side.
_SMALLER, _SMALLER_SIDE = ("WebP", "AVIF"), 4000


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what reading a very large picture takes.")
    add_results_option(parser)
    parser.add_argument("--side", type=int, default=13300, help="pixels, of the square pictures (default 13300)")
    parser.add_argument("--size", type=int, default=64, help="longest side that is wanted (default 64)")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument(
        "--write", nargs=2, metavar=("NAME", "FILE"), help="write one of the pictures, and nothing else"
    )
    parser.add_argument("--read", nargs=3, metavar=("HOW", "FILE", "RESULT"), help="read one here and print JSON")
    options = parser.parse_args()
    if options.write:
        _write(*options.write, options.side)
    elif options.read:
        _read(*options.read, options.size)
    else:
        _report(options)


def _report(options: argparse.Namespace) -> None:
    report = Report("reading", f"Reading {options.side} × {options.side} pixels at {options.size} px", options.results)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in _PICTURES:
            file = Path(folder) / "picture"
            run_module("benchmarks.reading", ["--write", name, file, "--side", options.side])
            turns: dict[str, list[tuple[float, FinishedProcess]]] = {"wanted": [], "whole": []}
            for turn in range(options.turns):
                for how, found in turns.items():
                    progress(f"{name}, turn {turn + 1}, {how}")
                    words = ["--read", how, file, Path(folder) / how, "--size", options.size]
                    found.append(run_module("benchmarks.reading", words))
            pixels = [np.load(Path(folder) / f"{how}.npy").astype(int) for how in turns]
            rows.append(
                (
                    name,
                    f"{file.stat().st_size / 2**20:.1f}",
                    *(f"{statistics.median(p.peak_mib for _, p in found):.0f}" for found in turns.values()),
                    *(seconds(statistics.median(each for each, _ in found)) for found in turns.values()),
                    int(abs(pixels[0] - pixels[1]).max()),
                )
            )
    header = ("picture", "file, MiB", "peak, MiB", "peak, whole", "s", "s, whole", "greatest difference of 255")
    report.table(header, rows)
    report.say(
        f"Medians of {options.turns} fresh processes. The peak is that of the process, of which Python and the "
        "libraries are about 50 MiB; the seconds are of reading alone. Whole: all of it as an array, which is resized "
        "then. JPEGs of more than 40 megapixels are read reduced, all others decoded once and resized in strips."
    )
    report.write()


def _write(name: str, file: str, side: int) -> None:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    mode, kind, how = _PICTURES[name]
    side = _SMALLER_SIDE if name.startswith(_SMALLER) else side
    ramp = np.arange(side, dtype=np.uint32)
    waves: list[Callable[[], np.ndarray]] = [
        lambda: ramp[:, None] * 255 // side + ramp[None, :] // 64 % 32,
        lambda: ramp[None, :] * 255 // side + ramp[:, None] // 128 % 16,
        lambda: (ramp[None, :] + ramp[:, None]) // 256 % 256,
        lambda: np.broadcast_to(ramp[None, :] * 255 // side, (side, side)),
    ]
    picture = Image.merge(mode, [Image.fromarray(wave().clip(0, 255).astype(np.uint8)) for wave in waves[: len(mode)]])
    picture.save(file, format=kind, **how)
    print("{}")


def _read(how: str, file: str, result: str, size: int) -> None:
    from nstcore.pictures.images import load, read_picture
    from nstcore.pictures.resizing import resize

    start = time.perf_counter()
    reading = {
        "wanted": lambda: load(file, size, smallest_side=1, backbone="any"),
        "whole": lambda: resize(read_picture(file), size),
    }
    pixels = reading[how]()
    taken = time.perf_counter() - start
    np.save(result, pixels)
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
