"""The command `nst votes`: scores from files of votes. It does not import Keras."""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nstcore.errors import InputError, OutputError
from nstcore.system.entry_point import OneLineParser
from nstcore.system.files import encodable, write_results
from nstcore.system.places import require_place
from nstcore.system.streams import say
from pipeline.votes.ballot import QUESTIONS
from pipeline.votes.vote_files import Vote, VoteFile, latest, printable, read_votes

if TYPE_CHECKING:
    from pipeline.votes.scores import Score


def parser() -> argparse.ArgumentParser:
    made = OneLineParser(
        prog="nst votes",
        description="Say what people prefer: Bradley–Terry scores with intervals, from files of votes.",
        epilog="Votes are cast on vote.html in the folder of a grid's report, and downloaded there. A score is the "
        "logarithm of the odds against an average result; 0.7 is two to one.",
    )
    made.add_argument("files", nargs="+", metavar="VOTES.json", help="what voters downloaded")
    made.add_argument("-o", "--output", metavar="FILE", help="write the scores to a table, too (.csv)")
    made.add_argument(
        "--together",
        action="store_true",
        help="take results of one label for one maker's in all reports; otherwise each report's are its own",
    )
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def votes(options: argparse.Namespace) -> None:
    """Read, fit and tell.

    Raises:
        StyleTransferError: in one line, for a file that is none of votes, or if there is no vote in any.
    """
    paths = [Path(name) for name in {os.path.realpath(name): name for name in options.files}.values()]
    if options.output:
        _require_table(Path(options.output), paths)
    files, replaced = latest(map(read_votes, paths))
    read = [vote for file in files for vote in file.votes]
    if not read:
        raise InputError(f"{', '.join(options.files)}: no vote was cast")
    read = read if options.together else told_apart(read)
    from pipeline.votes.scores import Score, scores

    found = {question: scores(read, question) for question in QUESTIONS}
    if options.output:
        names = [field.name for field in fields(Score)]
        text = io.StringIO()
        table = csv.DictWriter(text, ["question", *names], lineterminator="\n")
        table.writeheader()
        table.writerows({"question": question, **asdict(one)} for question, each in found.items() for one in each)
        write_results({Path(options.output): text.getvalue().encode()})
    counts = _counts(read)
    if options.json:
        told = {question: [asdict(one) for one in each] for question, each in found.items()}
        not_counted = [printable(str(file.path)) for file, _ in replaced]
        say(json.dumps({**counts, "not_counted": not_counted, "scores": told}, indent=2))
        return
    for file, instead in replaced:
        say(_why_not(file, instead))
    say(f"votes: {counts['votes']}, voters: {counts['voters']}, pairs of pictures: {counts['scenes']}")
    for question, each in found.items():
        say(f"\n{QUESTIONS[question]}")
        for line in _lines(each):
            say(encodable(line))


def _lines(found: list[Score]) -> Iterator[str]:
    from pipeline.votes.scores import LEAST_SCENES

    if not found:
        yield "  No votes."
    width = max((len(one.name) for one in found), default=0)
    for group, members in itertools.groupby(found, key=lambda one: one.group):
        if group > 1:
            yield "  Never compared with those above, so that the scores do not compare:"
        several = list(members)
        for one in several:
            interval = "" if one.low is None else f"  ({one.low:+.2f} to {one.high:+.2f})"
            line = f"  {one.name:<{width}}  {one.value:+.2f}{interval}"
            yield f"{line}  {one.wins} won, {one.losses} lost, {one.ties} the same"
        if any(one.low is None for one in several):
            yield f"  No intervals: they take votes on at least {LEAST_SCENES} pairs of pictures."


def _why_not(file: VoteFile, instead: VoteFile) -> str:
    path, other = printable(str(file.path)), printable(str(instead.path))
    if file.votes == instead.votes:
        return f"{path}: has the votes of {other} and is not counted again"
    return f"{path}: not counted, for {other} is of the same ballot and was downloaded later"


def told_apart(votes: Iterable[Vote]) -> list[Vote]:
    """Votes in which a label that several reports have stands with the report's name.

    "VGG19" of one study may have other settings than that of another, which the label does not say.
    """
    votes = list(votes)
    reports: dict[str, set[str]] = {}
    for vote in votes:
        for label in (vote.left, vote.right):
            reports.setdefault(label, set()).add(vote.scene[0])

    def name(label: str, report: str) -> str:
        return f"{label} ({report})" if len(reports[label]) > 1 else label

    return [replace(vote, left=name(vote.left, vote.scene[0]), right=name(vote.right, vote.scene[0])) for vote in votes]


def _require_table(output: Path, read: list[Path]) -> None:
    if output.resolve() in {path.resolve() for path in read}:
        raise OutputError(f"{output}: would overwrite votes; name another file")
    if output.suffix.lower() != ".csv":
        raise OutputError(f"scores are written as a table that ends in .csv. Received: {output}")
    require_place(output)


def _counts(read: list[Vote]) -> dict[str, int]:
    return {
        "votes": len(read),
        "voters": len({vote.voter for vote in read}),
        "scenes": len({vote.scene for vote in read}),
    }
