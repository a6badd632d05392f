"""Workers that are killed, a scheduler that is killed, commands that meet in one folder: every grid comes out right.

    python -m benchmarks.drills.workers [kills scheduler failing commands luigid] [--luigid]
                                        [--cells 60 --seconds-between-kills 5]

Real processes on this machine, small cells with random weights. Each drill says what it saw in one line; one that does
not hold ends the command with status 1 and leaves its folder to look at.

- kills: four workers on one scheduler, one of them killed (SIGKILL) every few seconds and replaced: the grid completes.
- scheduler: the scheduler is killed in the middle and comes back: the grid completes.
- failing: two commands of one study on one scheduler; a third of its cells fail: the others are made, those that failed
  are told, there is one page, and both commands end with the same status.
- commands: two commands of one grid, each with a scheduler of its own, in one folder.
- luigid: two commands of one grid on a plain `luigid`, with no settings of ours; one of them is killed (SIGKILL) in the
  middle of a cell, and the other one ends well; how long the rest took is told.

The scheduler of `kills` and `failing` is `nst-scheduler`; with `--luigid` it is Luigi's own, started with the project's
`luigi.cfg`.

In each of them no cell is made by two processes at a time, which `cells.log` shows: a line when a process begins a cell
and when it has made it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.common.ports import free_port
from benchmarks.common.report import Report, add_results_option
from benchmarks.drills.place import Broken, Place, children, leave_when_terminated, require, serving


def kills(place: Place, options: argparse.Namespace) -> str:
    """Four workers, one killed every few seconds."""
    with serving(place, plain=options.luigid) as port:
        return _kills(place, options, port)


def _kills(place: Place, options: argparse.Namespace, port: int) -> str:
    began = time.monotonic()
    command = place.start(
        *("command", "-m", "tasks.workers.command", "--processes", "4", "--scheduler", f"127.0.0.1:{port}"),
        *("--", *place.grid()),
    )
    chance, killed = random.Random(0), 0
    while command.poll() is None:
        time.sleep(options.seconds_between_kills)
        workers = children(command.pid, "tasks.workers.serve")
        if workers and command.poll() is None:
            place.kill(chance.choice(workers))
            killed += 1
        require(time.monotonic() - began < options.limit, f"not done after {options.limit} s")
    status = command.wait()
    require(status == 0, f"ended with status {status}")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return f"{place.cells} cells, {killed} kills, {time.monotonic() - began:.0f} s"


def scheduler(place: Place, options: argparse.Namespace) -> str:
    """The scheduler is killed in the middle."""
    port = free_port()
    began = time.monotonic()
    command = place.start(
        *("command", "-m", "tasks.workers.command", "--processes", "2", "--scheduler", f"127.0.0.1:{port}"),
        *("--", *place.grid()),
    )
    killed = 0
    while command.poll() is None:
        time.sleep(0.5)
        due = killed < 2 and place.made() >= place.cells * (killed + 1) // 3
        if due and (found := children(command.pid, "tasks.workers.scheduler")):
            place.kill(found[0])
            killed += 1
            if killed == 2:  # the second time it comes back without a memory
                shutil.rmtree(place.folder / "state", ignore_errors=True)
        require(time.monotonic() - began < options.limit, f"not done after {options.limit} s")
    status = command.wait()
    require(status == 0 and killed == 2, f"ended with status {status} after {killed} kills")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return f"{place.cells} cells, killed with its state kept and with it lost, {time.monotonic() - began:.0f} s"


def failing(place: Place, options: argparse.Namespace) -> str:
    """Two commands on one scheduler; 4 of 12 cells fail."""
    (place.folder / "study.toml").write_text(
        'content_dir = "content"\nstyle_dir = "style"\ncontents = ["c0", "c1"]\nstyles = ["s0", "s1"]\n'
        'backbones = ["vgg16"]\n[settings]\nsize = 48\niterations = 20\nweights = "random"\n'
        "[sweep]\nstyle_weight = [5, 40, 1e300]\n"
    )
    with serving(place, plain=options.luigid) as port:
        words = ("-m", "luigi", "--module", "tasks", "Sweep", "--config", "study.toml", "--scheduler-port", str(port))
        commands = [place.start(name, *words) for name in ("first", "second")]
        statuses = [command.wait(timeout=options.limit) for command in commands]
    told = [(place.folder / f"{name}.log").read_text().count("ERROR: FailedCell") for name in ("first", "second")]
    pages = list((place.folder / "outputs" / "reports").glob("*/index.html"))
    require(statuses == [30, 30], f"ended with {statuses}")
    require(told == [4, 4] and place.made() == 8, f"{place.made()} cells made, {told} told")
    require(len(pages) == 1, f"{len(pages)} pages")
    for name in ("first", "second"):
        require("nfulfilled" not in (place.folder / f"{name}.log").read_text(), "a dependency was unfulfilled")
    return "8 made, 4 told by both, one page, both ended with 30"


def commands(place: Place, options: argparse.Namespace) -> str:
    """Two commands with schedulers of their own."""
    began = time.monotonic()
    started = [place.start(name, "-m", "luigi", "--module", "tasks", *place.grid()) for name in ("first", "second")]
    statuses = [command.wait(timeout=options.limit) for command in started]
    require(statuses == [0, 0], f"ended with {statuses}")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return f"{place.cells} cells by {len(place.makers())} processes, {time.monotonic() - began:.0f} s"


def luigid(place: Place, options: argparse.Namespace) -> str:
    """Two commands on Luigi's own scheduler as it comes; one is killed."""
    with serving(place, plain=True, settings=None) as port:
        words = ("-m", "luigi", "--module", "tasks", *place.grid(), "--scheduler-port", str(port))
        first, second = (place.start(name, *words) for name in ("first", "second"))
        while not (2 <= place.made() < place.cells - 2 and place.at_work(first.pid) and place.at_work(second.pid)):
            require(first.poll() is None and second.poll() is None, "one ended before both were at work at a time")
            time.sleep(0.05)
        killed, made = time.monotonic(), place.made()
        place.kill(first.pid)
        first.wait()
        while place.made() < place.cells - 1 and second.poll() is None:
            time.sleep(0.2)
        last = time.monotonic() - killed
        status = second.wait(timeout=options.limit)
    require(status == 0, f"the other one ended with status {status}")
    require(place.made() == place.cells, f"{place.made()} of {place.cells} cells are made")
    return (
        f"{made} of {place.cells} cells were made when one of two was killed; the other made all the rest but the "
        f"killed one's in {last:.0f} s, and was done after {time.monotonic() - killed:.0f} s"
    )


DRILLS: dict[str, Callable[[Place, argparse.Namespace], str]] = {
    drill.__name__: drill for drill in (kills, scheduler, failing, commands, luigid)
}
#: Those whose scheduler may be Luigi's own.
_ON_EITHER = ("kills", "failing")


def main() -> int:
    options = _options()
    leave_when_terminated()
    names = options.drills or (_ON_EITHER if options.luigid else DRILLS)
    kind = [*options.drills, *(["on_luigid"] if options.luigid else [])]
    title = f"Workers, schedulers and commands that are killed or meet{', on plain `luigid`' if options.luigid else ''}"
    report = Report("_".join(["workers", *kind]), title, options.results)
    broken = 0
    for name in names:
        place = Place.make(12 if name == "failing" else options.cells)
        try:
            seen = DRILLS[name](place, options)
            require(not place.twice_at_a_time(), f"made twice at a time: {place.twice_at_a_time()}")
            require(not place.left_behind(), f"left behind: {place.left_behind()}")
        except (Broken, subprocess.TimeoutExpired) as error:
            broken += 1
            print(f"{name}: DOES NOT HOLD: {error}; see {place.folder}", flush=True)
        else:
            shutil.rmtree(place.folder)
            report.say(f"- {name}: holds: {seen}")
        finally:
            place.end()
    if broken:
        return 1
    report.write()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drills", nargs="*", choices=[[], *DRILLS], help="which; default: all")
    parser.add_argument("--luigid", action="store_true", help="on plain luigid: kills and failing alone")
    parser.add_argument("--cells", type=int, default=60, help="a multiple of 6")
    parser.add_argument("--seconds-between-kills", type=float, default=5.0)
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds after which a drill has failed")
    add_results_option(parser)
    options = parser.parse_args()
    others = [name for name in options.drills if name not in _ON_EITHER]
    if options.luigid and others:
        parser.error(f"--luigid is for {' and '.join(_ON_EITHER)}. Received: {', '.join(others)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
