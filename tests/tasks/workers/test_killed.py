"""A process that makes a cell is killed from outside: real processes, tiny cells.

One cell kills whoever makes it, as one does that is too large for the memory; another is killed once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nstcore.pictures.images import write_picture

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["luigi", "nst-workers"])
def test_it_costs_the_cell_that_kills_alone_and_is_told_in_one_line(by, tmp_path, blotches, free_port):
    for seed, name in enumerate(("content/bridge", "content/cat", "content/dog", "style/ink")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(tmp_path / f"{name}.png", blotches(seed, 40, 40))
    # So that the scheduler sees soon who is gone.
    (tmp_path / "luigi.cfg").write_text(
        "[scheduler]\nworker_disconnect_delay = 4\nretry_delay = 1\n[worker]\nping_interval = 0.5\n"
    )
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
    grid = ["FullGrid", "--content-dir", "content", "--style-dir", "style", "--backbones", "vgg16"]
    grid += ["--weights", "random", "--size", "32", "--iterations", "2", "--settings", json.dumps(settings)]
    command = {
        "luigi": ["-m", "luigi", "--module", "deadly_tasks", *grid, "--workers", "2"],
        "nst-workers": [
            *("-m", "tasks.workers.command", "--module", "deadly_tasks", "--processes", "2"),
            *("--scheduler", f"127.0.0.1:{free_port}", "--", *grid),
        ],
    }[by]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests/tasks")])
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    told = ended.stdout + ended.stderr
    assert ended.returncode == 30, told
    reason = "the system has killed 2 processes that made it, because memory ran out; choose a smaller size"
    assert f"cat × ink, VGG16: failed: {reason}" in told
    assert "Traceback" not in told
    assert told.count("was killed (SIGKILL, as the system does when memory runs out)") == 3
    made = [path.parts[-4] for path in (tmp_path / "outputs/cells").rglob("manifest.json")]
    assert sorted(made) == ["bridge", "dog"]
    (page,) = (tmp_path / "outputs/reports").glob("*/index.html")
    assert reason in page.read_text()
    assert not list((tmp_path / "outputs").rglob("*lease.json"))
