"""Small files that ask for gigabytes, or for hours: refused in one line, in seconds, in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAMES = [
    *("flat.webp", "passes.jpg", "empty segments.jpg", "fill bytes.jpg", "texts.png", "empty chunks.png"),
    *("strips.tif", "tile.tif", "comments.ppm"),
    *("unpacks.h5", "opaque.h5", "graph.weights.h5", "names.h5"),
    *("packed.npz", "claimed.npz", "dots.toml"),
]
#: What is wrong with these pictures are texts that nobody needs, and which are left out.
READ = {"texts.png"}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came of each file, all read by one process without Keras."""
    command = [sys.executable, str(ROOT / "tests/bombs_probe.py"), str(tmp_path_factory.mktemp("bombs"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
    return {row["name"]: row for row in map(json.loads, ended.stdout.splitlines())}


@pytest.mark.parametrize("name", NAMES)
def test_a_small_file_that_asks_for_too_much_is_refused_at_once(name, outcomes):
    row = outcomes[name]
    assert (row["outcome"] == "read") == (name in READ), row
    assert "\n" not in row["outcome"]
    assert row["seconds"] < 10
    assert row["peak_mib"] < 2048


def test_no_file_is_left_out(outcomes):
    assert set(outcomes) == set(NAMES)
