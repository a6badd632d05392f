"""The trace: every digit comes back from its file, and the file is whole or absent."""

from __future__ import annotations

import csv
import errno
import os
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from nstcore import Iterate, PictureError, Trace, TransferConfig, TransferResult
from nstcore.errors import OutputError
from nstcore.networks.weights import Provenance
from nstcore.pictures.images import read_picture

COUNTS = st.integers(min_value=0)
# Infinities are numbers too; NaN is left out because it is not equal to itself.
NUMBERS = st.floats(allow_nan=False)
ITERATES = st.builds(Iterate, COUNTS, COUNTS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)

EXTREME = Trace(
    (
        Iterate(0, 1, 0.0, sys.float_info.max, sys.float_info.min, 5e-324, -0.0),
        Iterate(1, 21, 0.1 + 0.2, 1e22, 1 / 3, 2.0**-1074, 1e-5),
    )
)


@given(st.lists(ITERATES, max_size=5))
def test_csv_gives_back_every_digit(iterates):
    trace = Trace(tuple(iterates))
    again = Trace.from_csv(trace.to_csv().splitlines())
    # Their text as well, which tells 0.0 from -0.0 and 1 from 1.0.
    assert repr(again) == repr(trace)


def test_the_file_is_plain_csv_with_the_columns_of_the_contract(tmp_path):
    EXTREME.save(tmp_path / "trace.csv")
    content = (tmp_path / "trace.csv").read_bytes()
    assert b"\r" not in content
    _, *rows = csv.reader(content.decode("ascii").splitlines())
    assert content.startswith(b"iteration,evaluations,seconds,total,content,style,total_variation\n")
    assert [[float(cell) for cell in row] for row in rows] == [
        [0, 1, 0.0, sys.float_info.max, sys.float_info.min, 5e-324, 0.0],
        [1, 21, 0.30000000000000004, 1e22, 0.3333333333333333, 5e-324, 1e-05],
    ]
    with open(tmp_path / "trace.csv", encoding="utf-8") as file:
        assert Trace.from_csv(file) == EXTREME


def test_a_trace_is_a_sequence_of_iterates():
    assert len(EXTREME) == 2
    assert list(EXTREME) == [EXTREME[0], EXTREME[1]]
    assert EXTREME[-1].evaluations == 21


def test_saving_replaces_a_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("old", encoding="utf-8")
    EXTREME.save(path)
    assert path.read_text(encoding="utf-8") == EXTREME.to_csv()
    assert os.listdir(tmp_path) == ["trace.csv"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "trace.csv"
    path.write_text("old", encoding="utf-8")

    def write_half(self, content):
        with open(self, "wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", write_half)
    with pytest.raises(OutputError, match=r"trace\.csv: cannot be written \(No space left"):
        EXTREME.save(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["trace.csv"]


def test_saving_into_a_folder_that_does_not_exist_fails(tmp_path):
    with pytest.raises(OutputError, match=r"trace\.csv: cannot be written \(No such file"):
        EXTREME.save(tmp_path / "missing" / "trace.csv")
    assert os.listdir(tmp_path) == []


def test_a_result_writes_its_picture(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    result = TransferResult(
        image, EXTREME, TransferConfig(), Provenance("vgg16", "random", "", "0" * 64, None, ""), "8 iterations", 1.0
    )
    result.save(tmp_path / "out.png")
    assert (read_picture(tmp_path / "out.png") == image).all()
    with pytest.raises(PictureError, match="has no 16 to write"):
        result.save(tmp_path / "out.png", bits=16)
    with pytest.raises(PictureError, match=r"end it in \.png"):
        result.save(tmp_path / "out.txt")
    with pytest.raises(OutputError, match="missing"):
        result.save(tmp_path / "missing" / "out.png")


def test_a_result_writes_16_bits_and_the_transparency_of_another_picture(tmp_path):
    random = np.random.default_rng(0)
    pixels = random.uniform(0, 255, (9, 7, 3)).astype(np.float32)
    weights = Provenance("vgg16", "random", "", "0" * 64, None, "")
    image = np.rint(pixels).astype(np.uint8)
    result = TransferResult(image, EXTREME, TransferConfig(), weights, "", 1.0, pixels=pixels)
    content = random.integers(0, 256, (9, 7, 4)).astype(np.uint8)
    result.save(tmp_path / "out.tif", bits=16, opacity_of=content)
    written = tifffile.imread(tmp_path / "out.tif")
    assert written.dtype == np.uint16
    assert (written[..., :3] == np.rint(pixels.astype(float) * 257)).all()
    assert (written[..., 3] == content[..., 3] * np.uint16(257)).all()
    result.save(tmp_path / "plain.png", opacity_of=content[..., :3])
    assert (read_picture(tmp_path / "plain.png") == image).all()
    with pytest.raises(PictureError, match="16 bits"):
        result.save(tmp_path / "out.jpg", bits=16)
