"""Two projects share an output folder and a cache of weights: neither harms the other, also where one is killed.

    python -m benchmarks.drills.projects [--rounds 4 --kills 2 --seed 0]

Two commands, each with a scheduler of its own, ask at once for two studies that share pictures, targets and some of
their cells. Nothing is there at first: they fetch the weights too, from a stand-in for a host, which gives random ones
after a while. In every second round one of the two, whichever chance says, is killed (SIGKILL) at a random moment and
started again, and so on. Then both end with 0, each page is whole and shows its own cells, no cell was made by two
processes at a time, nor weights fetched by two, `nst check` finds every file as it was written, the weights are whole,
and the same commands have nothing left to do. Measures are left out: their networks come from real hosts alone.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.common.report import Report, add_results_option
from benchmarks.drills.place import Broken, Place, leave_when_terminated, require
from nstcore.system.files import PART_PATTERN

_STUDY = """title = "{name}"
content_dir = "content"
style_dir = "style"
contents = ["c0", "c1"]
styles = {styles}
backbones = ["vgg16"]
[settings]
size = 48
iterations = 20
[sweep]
style_weight = {weights}
"""
#: The studies: styles and weights of the style. A third of what each asks for is asked for by the other too.
_STUDIES = {"first": (["s0", "s1", "s2"], [5, 40]), "second": (["s1", "s2", "s3"], [40, 100])}
_CELLS_OF_EACH, _CELLS = 12, 20
#: What comes in the place of a host of weights, and of measures; it is added to what notes the making of cells.
_STAND_IN = """
import tasks.table
from nstcore.networks.weights import sources
from nstcore.networks.weights.arrays import digest
from nstcore.networks.weights.provenance import Provenance
from nstcore.networks.weights.random_weights import random_arrays

def fetch(backbone, shapes):
    with open(os.environ["NST_DRILL_LOG"] + ".fetched", "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(3)
    arrays = random_arrays(shapes)
    return arrays, Provenance(backbone, "stand-in", "1", digest(arrays))

sources._sources = lambda backbone: [("a stand-in", fetch)]
tasks.table.is_measured = tasks.measures.is_measured = lambda cell: False
"""
_SECONDS_TO_THE_NEXT_KILL = (1.0, 25.0)
_LIMIT = 600.0


def main() -> int:
    options = _options()
    leave_when_terminated()
    report = Report("projects", "Two projects in one output folder, with one cache of weights", options.results)
    chance = random.Random(options.seed)
    for number in range(options.rounds):
        place = prepared()
        try:
            seen = one_round(place, chance, options.kills if number % 2 else 0)
        except (Broken, subprocess.TimeoutExpired) as error:
            print(f"round {number + 1}: DOES NOT HOLD: {error}; see {place.folder}", flush=True)
            return 1
        finally:
            place.end()
        shutil.rmtree(place.folder)
        report.say(f"- round {number + 1}: holds: {seen}")
    report.write()
    return 0


def prepared() -> Place:
    """A place with the two studies."""
    place = Place.make(_CELLS_OF_EACH)
    for name, (styles, weights) in _STUDIES.items():
        study = _STUDY.format(name=name, styles=styles, weights=weights)
        (place.folder / f"{name}.toml").write_text(study.replace("'", '"'))
    with (place.folder / "site" / "witness.py").open("a") as file:
        file.write(_STAND_IN)
    return place


def one_round(place: Place, chance: random.Random, kills: int) -> str:
    """Run both commands to their ends, with so many kills; what was seen, in a line.

    Raises:
        Broken: something does not hold.
        subprocess.TimeoutExpired: something takes too long.
    """
    began = time.monotonic()
    processes = {name: _start(place, name) for name in _STUDIES}
    killed = 0
    while killed < kills:
        time.sleep(chance.uniform(*_SECONDS_TO_THE_NEXT_KILL))
        alive = [name for name, process in processes.items() if process.poll() is None]
        if not alive:
            break
        name = chance.choice(alive)
        place.kill(processes[name].pid)
        processes[name].wait()
        processes[name] = _start(place, name)
        killed += 1
    statuses = {name: process.wait(timeout=_LIMIT) for name, process in processes.items()}
    seconds = time.monotonic() - began
    require(set(statuses.values()) == {0}, f"ended with {statuses}")
    _require_whole(place, killed)
    fetched, begun = _fetched(place), _begun(place)
    require(not place.twice_at_a_time(), f"made twice at a time: {place.twice_at_a_time()}")
    require(begun <= _CELLS + killed, f"{begun} times a cell was begun, after {killed} kills")
    require(fetched <= 1 + killed, f"weights were fetched {fetched} times, after {killed} kills")
    require(not place.left_behind(), f"left behind: {place.left_behind()}")
    return f"{_CELLS} cells by {len(place.makers())} processes, {seconds:.0f} s, {killed} kills"


def _start(place: Place, name: str) -> subprocess.Popen[bytes]:
    words = ("-m", "luigi", "--module", "tasks", "Sweep", "--config", f"{name}.toml", "--local-scheduler")
    return place.start(name, *words, variables=_variables(place))


def _variables(place: Place) -> dict[str, str]:
    return {"NSTCORE_CACHE": str(place.folder / "cache")}


def _require_whole(place: Place, killed: int) -> None:
    """See to the cells, the pages, every file, the weights, and that nothing is left to do."""
    require(place.made() == _CELLS, f"{place.made()} of {_CELLS} cells are made")
    reports = sorted((place.folder / "outputs" / "reports").iterdir())
    require(len(reports) == len(_STUDIES), f"{len(reports)} reports")
    shown = {_require_page(report) for report in reports}
    require(shown == set(_STUDIES), f"the pages are of {sorted(shown)}")
    place.run("check", "-m", "pipeline.subcommands", "check", "outputs", variables=_variables(place))
    whole = "import sys; from nstcore.networks.weights import cache; sys.exit(cache.read('vgg16') is None)"
    place.run("weights", "-c", whole, variables=_variables(place))
    if not killed:  # what a killed process was writing lies there until it is old enough to be swept
        parts = [str(path) for path in place.folder.rglob(PART_PATTERN)]
        require(not parts, f"left behind: {parts}")
    before = _versions(place)
    for name in _STUDIES:
        require(_start(place, name).wait(timeout=_LIMIT) == 0, f"{name}, asked for once more, does not end with 0")
    changed = {file for file, version in _versions(place).items() if before.get(file) != version}
    require(not changed, f"the same commands once more wrote {sorted(changed)}")


def _require_page(report: Path) -> str:
    """See that a page and its table show the cells of its study and no others; its title."""
    page = (report / "index.html").read_text()
    titles = [name for name in _STUDIES if f"<title>{name}" in page]
    require(len(titles) == 1, f"{report} has no title of a study")
    styles, weights = _STUDIES[titles[0]]
    with (report / "grid.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = sorted((row["content"], row["style"], row["variant"]) for row in rows)
    variants = [f"style_weight {weight}" for weight in weights]
    asked = sorted((content, style, variant) for content in ("c0", "c1") for style in styles for variant in variants)
    require(found == asked, f"the table of {titles[0]} has {found}")
    require(all(row["status"] == "done" for row in rows), f"not all cells of {titles[0]} are done")
    absent = [row["picture"] for row in rows if not (report / row["picture"]).is_file() or row["picture"] not in page]
    require(not absent, f"the page of {titles[0]} lacks {absent}")
    return titles[0]


def _versions(place: Place) -> dict[str, tuple[int, int]]:
    """Every file of the outputs and of the cache of weights, and which version of it is there."""
    files = [path for folder in ("outputs", "cache/weights") for path in (place.folder / folder).rglob("*")]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files if path.is_file()}


def _fetched(place: Place) -> int:
    return len((place.folder / "cells.log.fetched").read_text().splitlines())


def _begun(place: Place) -> int:
    return sum(" begins " in line for line in (place.folder / "cells.log").read_text().splitlines())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4, help="in the second, fourth, … one of the two is killed")
    parser.add_argument("--kills", type=int, default=2, help="in such a round")
    parser.add_argument("--seed", type=int, default=0, help="of chance")
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
