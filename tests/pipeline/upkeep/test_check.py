"""`nst check`: every file of the outputs, to the last bit."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from nstcore import Iterate, Trace, TransferConfig, TransferResult
from nstcore.networks.weights import locate
from nstcore.pictures.images import write_picture
from pipeline import subcommands
from pipeline.grid.expansion import Grid
from pipeline.grid.paths import plan_file
from pipeline.nights.archive import NightArchive
from pipeline.nights.changes import Thresholds
from pipeline.nights.night import Night
from pipeline.nights.publish import write_night
from pipeline.outputs.cell_store import CellStore
from pipeline.outputs.made import MadeRecord
from pipeline.outputs.stores import GridStore, MeasuresStore
from pipeline.storage.sealed import records_of
from pipeline.upkeep.check import check

DATE = datetime.date(2025, 10, 1)


@pytest.fixture
def outputs(tmp_path):
    """One file of each kind, written as the tasks write them."""
    output = tmp_path / "outputs"
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    trace = Trace((Iterate(0, 1, 0.5, 3.0, 0.0, 1.0, 2.0),))
    made = TransferResult(image, trace, TransferConfig(backbone="vgg16"), locate("vgg16", "random"), "stopped", 1.5)
    CellStore(output / "cells" / "cat" / "ink" / "vgg16-01").dump(made, {"digest": "01"})
    unfinished = output / "cells" / "cat" / "oil" / "vgg16-02"
    unfinished.mkdir(parents=True)
    (unfinished / "result.png").write_bytes(b"half")  # of a cell that is being made
    targets = output / "targets" / "style" / "ink"
    targets.mkdir(parents=True)
    np.savez(targets / "vgg16-03.npz", one=np.zeros(9))
    MeasuresStore(output / "measures" / "cat" / "ink" / "vgg16-01-4.json").dump({"measures": {}, "unmeasured": {}})
    for folder in (output / "reports" / "04", output / "papers" / "all-05"):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("<html></html>")
        MadeRecord(folder, "index.html").write("what it shows", records_of(folder, ["index.html"]))
    GridStore(plan_file(output / "reports" / "04")).dump(Grid((), (), {}, {}, "Cats", ()))
    picture = output / "reports" / "04" / "pictures" / "01.png"
    picture.parent.mkdir()
    write_picture(picture, image)
    archive = NightArchive(output / "nights")
    write_night(
        archive, Night(DATE, "Cats", {}, ()), output / "reports" / "04", lambda _: "<html>a night</html>", Thresholds()
    )
    return output


def flip_unseen(path: Path) -> None:
    """As on a disk that decays."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_outputs_as_they_were_written_have_nothing_to_tell(outputs, capsys):
    assert list(check(outputs)) == []
    assert subcommands.main(["check", str(outputs)]) == 0
    assert capsys.readouterr().out == f"{outputs}: every file is as it was written\n"


DAMAGED = {
    "cells/cat/ink/vgg16-01/result.png": "cells/cat/ink/vgg16-01: result.png was changed",
    "cells/cat/ink/vgg16-01/trace.csv": "cells/cat/ink/vgg16-01: trace.csv was changed",
    "cells/cat/ink/vgg16-01/manifest.json": "cells/cat/ink/vgg16-01: manifest.json was changed",
    "targets/style/ink/vgg16-03.npz": "targets/style/ink/vgg16-03.npz: is damaged",
    "measures/cat/ink/vgg16-01-4.json": "measures/cat/ink/vgg16-01-4.json: was changed",
    "reports/04/plan.json": "reports/04/plan.json: was changed",
    "reports/04/index.html": "reports/04/index.html: was changed",
    "reports/04/.made/index.html.json": "reports/04/.made/index.html.json: was changed",
    "papers/all-05/index.html": "papers/all-05/index.html: was changed",
    "nights/2025-10-01/night.json": "nights/2025-10-01/night.json: was changed",
    "nights/2025-10-01/index.html": "nights/2025-10-01/index.html: was changed",
    "nights/2025-10-01/pictures/01.png": "nights/2025-10-01/pictures/01.png: was changed",
}


@pytest.mark.parametrize(("name", "line"), DAMAGED.items(), ids=DAMAGED)
def test_a_bit_that_flipped_unseen_is_found_in_every_file(outputs, capsys, name, line):
    if name.startswith("nights"):
        shutil.copy2(outputs / name, outputs / "copy")  # not the file that its report has, too
        os.replace(outputs / "copy", outputs / name)
    before = sorted(outputs.rglob("*"))
    flip_unseen(outputs / name)
    assert subcommands.main(["check", str(outputs)]) == 1
    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith(f"{outputs}/{line}")
    assert sorted(outputs.rglob("*")) == before
    assert subcommands.main(["check", str(outputs), "--mend"]) == 1
    kept = name == "nights/2025-10-01/index.html"  # there is no other like it
    assert subcommands.main(["check", str(outputs)]) == kept
    if name.startswith(("cells", "targets", "measures")) or name.endswith("night.json"):
        assert list((outputs / "nights" if name.startswith("nights") else outputs).rglob("damaged/*"))


def test_the_picture_of_a_cell_of_before_is_decoded(outputs):
    cell = outputs / "cells" / "cat" / "ink" / "vgg16-01"
    data = json.loads((cell / "manifest.json").read_bytes())
    del data["seal"], data["files"]
    sections = {name: {} for name in ("content", "style", "config", "weights", "result")}
    (cell / "manifest.json").write_text(json.dumps({**data, **sections}))
    assert list(check(outputs)) == []
    flip_unseen(cell / "result.png")
    (finding,) = check(outputs)
    assert "vgg16-01: " in finding.line
    assert "result.png" in finding.line


def test_a_place_that_is_no_folder_is_one_line(tmp_path, capsys):
    assert subcommands.main(["check", str(tmp_path / "nowhere")]) == 2
    assert (
        capsys.readouterr().err == f"nst check: {tmp_path}/nowhere: no such folder; name the output folder of a grid\n"
    )
