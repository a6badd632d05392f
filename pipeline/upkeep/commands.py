"""The commands `nst status`, `check`, `gc` and `fetch`, which look after an output folder. None imports Keras."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from nstcore.system.entry_point import OneLineParser
from nstcore.system.files import encodable
from nstcore.system.free_memory import binary_size
from nstcore.system.streams import say, tell
from pipeline.storage.places import place_at
from pipeline.upkeep.fetching import fetch_folder
from pipeline.upkeep.housekeeping import Leftover, find_leftovers, plans_in, remove
from pipeline.upkeep.status import RunningCell, StudyStatus, status_of, when

#: The exit status of a check that found something.
DAMAGED = 1

# Failed cells that a person is told of for each study; --json has all.
_SHOWN = 10


def _of_outputs(command: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """The parser of a command that is given an output folder."""
    parser = OneLineParser(prog=f"nst {command}", description=description, epilog=epilog)
    parser.add_argument("outputs", nargs="?", default="outputs", metavar="OUTPUTS", help="the folder (default outputs)")
    return parser


def _add_nights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nights-dir", action="append", default=[], help="a folder of nights besides OUTPUTS/nights")


def status_parser() -> argparse.ArgumentParser:
    parser = _of_outputs("status", "Say how the studies of an output folder stand, from any terminal that sees it.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def status(options: argparse.Namespace) -> None:
    studies = status_of(place_at(options.outputs))
    if options.json:
        say(json.dumps({"outputs": options.outputs, "studies": [asdict(study) for study in studies]}, indent=2))
        return
    if not studies:
        say(f"{options.outputs}: no study was planned here yet")
    for study in studies:
        for line in _lines(study):
            say(encodable(line))


def _lines(study: StudyStatus) -> list[str]:
    counts = {"done": study.done, "running": len(study.running), "failed": len(study.failed), "to make": study.waiting}
    counts["left out"] = study.skipped
    told = ", ".join(f"{number} {word}" for word, number in counts.items() if number or word == "done")
    lines = [f"{study.title} (reports/{study.name}): {study.cells} cells, {told}"]
    lines += [f"  running: {_of_running(cell)}" for cell in study.running]
    lines += [f"  training: {_of_running(each)}" for each in study.training]
    lines += [f"  networks still to be trained: {study.untrained}"] if study.untrained else []
    lines += [f"  failed: {name}: {reason}" for name, reason in study.failed[:_SHOWN]]
    if len(study.failed) > _SHOWN:
        lines.append(f"  and {len(study.failed) - _SHOWN} more failed; --json lists them all")
    if study.running or study.waiting or study.training:
        end = "not known" if study.expected.seconds is None else when(study.expected.seconds)
        lines.append(f"  expected end: {end} ({study.expected.basis})")
    return lines


def _of_running(cell: RunningCell) -> str:
    line = f"{cell.name}: {cell.who}, since {cell.since}"
    progress = cell.progress
    if {"iteration", "iterations"} <= progress.keys():
        line += f", iteration {progress['iteration']} of {progress['iterations']}"
    if {"step", "steps"} <= progress.keys():
        line += f", step {progress['step']} of {progress['steps']}"
    if "size" in progress:
        line += f" at {progress['size']} px"
    if isinstance(progress.get("total"), int | float):
        line += f", loss {progress['total']:.4g}"
    return line


def check_parser() -> argparse.ArgumentParser:
    parser = _of_outputs(
        "check",
        "Read every file of an output folder and compare it with what was noted when it was written.",
        "Exit status: 0 where all is as it was, 1 where something is not, with a line for each.",
    )
    parser.add_argument("--mend", action="store_true", help="take what is damaged away, so that the next run makes it")
    _add_nights(parser)
    return parser


def check(options: argparse.Namespace) -> int:
    from pipeline.upkeep.check import check as findings_of

    found = False
    for finding in findings_of(place_at(options.outputs), [place_at(each) for each in options.nights_dir]):
        found = True
        mended = f"; {finding.mend()}" if options.mend else ""
        say(encodable(f"{finding.line}{mended}"))
    if not found:
        say(encodable(f"{options.outputs}: every file is as it was written"))
        return 0
    if options.mend:
        tell("nst check: the next run of the grid makes anew what was taken out of the way")
    return DAMAGED


def gc_parser() -> argparse.ArgumentParser:
    parser = _of_outputs(
        "gc",
        "Say what of an output folder no report needs any more, and what killed processes left there.",
        "A report is kept while its folder in OUTPUTS/reports is there: to be rid of a study, remove "
        "that folder first. Nothing is removed that a report, a night or a process at work refers to.",
    )
    parser.add_argument("--delete", action="store_true", help="remove it, instead of saying what would be removed")
    parser.add_argument("--states", action="store_true", help="also the states from which unfinished cells would go on")
    _add_nights(parser)
    parser.add_argument("--list", action="store_true", help="name every file and folder")
    return parser


def gc(options: argparse.Namespace) -> None:
    output = place_at(options.outputs)
    plans = plans_in(output)
    leftovers = find_leftovers(output, states=options.states, nights=[place_at(each) for each in options.nights_dir])
    if options.delete:
        leftovers = remove(output, leftovers, plans)
    if options.list:
        for each in leftovers:
            say(encodable(f"{each.path}: {each.kind}, {binary_size(each.size)}"))
    for kind in dict.fromkeys(each.kind for each in leftovers):
        of_the_kind = [each for each in leftovers if each.kind == kind]
        say(f"{len(of_the_kind)} × {kind}: {_size(of_the_kind)}")
    if not leftovers:
        say(f"{output}: nothing to remove")
    elif options.delete:
        say(f"{output}: {_size(leftovers)} removed")
    else:
        say(f"{output}: {_size(leftovers)} could be removed; nothing was: give --delete")


def _size(leftovers: list[Leftover]) -> str:
    return binary_size(sum(each.size for each in leftovers))


def fetch_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst fetch",
        description="Download a report, a night or the pages of papers from object storage, with all that they show.",
        epilog="A report lies at s3://BUCKET/PREFIX/reports/DIGEST, a night at …/nights/DATE: open its index.html.",
    )
    parser.add_argument("place", metavar="ADDRESS", help="the folder of the page, or the page itself")
    parser.add_argument("folder", metavar="FOLDER", help="where to put it on this machine; made if need be")
    return parser


def fetch(options: argparse.Namespace) -> None:
    place = place_at(options.place)
    if place.name == "index.html":
        place = place.parent
    count, size = fetch_folder(place, Path(options.folder))
    say(encodable(f"{options.folder}: {count} files, {binary_size(size)}"))
