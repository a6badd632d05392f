"""Files of votes, as the voting page gives them, to plain votes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from nstcore.errors import InputError
from nstcore.system.files import encodable
from pipeline.votes.ballot import QUESTIONS

FORMAT = "nst votes 1"
Answer = Literal["left", "same", "right"]

# Far above what anyone votes, and far below what reading it could hurt.
_MOST_BYTES = 50_000_000

# As the page draws and writes them.
_BALLOT = re.compile("[0-9a-f]{32}")
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Vote:
    """What one person said of two results of one pair of pictures.

    Attributes:
        voter: a name, or what tells the ballot apart if the voter gave none.
        scene: the report, and the names of the content and the style picture.
        left, right: who made the results: labels of series.
        answers: by the names of `QUESTIONS`; those that were answered.
    """

    voter: str
    scene: tuple[str, str, str]
    left: str
    right: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True)
class VoteFile:
    """A file that was downloaded from a voting page, with all votes that its ballot had by then.

    Attributes:
        path: of the file.
        ballot: what tells one voter's votes on one report apart from others': the report, and a number that the page
            draws; of a file without one, a digest of the contents.
        written: when, as the page writes it: the later, the greater. "" without a number.
        votes: in the order in which they were cast.
    """

    path: Path
    ballot: tuple[str, str]
    written: str
    votes: tuple[Vote, ...]


def read_votes(path: Path) -> VoteFile:
    """Read a file that was downloaded from a voting page.

    Raises:
        InputError: in one line, naming the file, if it cannot be read or is not such a file.
    """
    try:
        size = path.stat().st_size
        found = json.loads(path.read_bytes()) if size <= _MOST_BYTES else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is no JSON; give a file downloaded from a voting page") from None
    if size > _MOST_BYTES:
        raise InputError(f"{path}: is larger than any file of votes; give one downloaded from a voting page")
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("votes"), list):
        raise InputError(f"{path}: is no file of votes ({FORMAT!r}); give one downloaded from a voting page")
    voter, grid = (printable(value) if isinstance(value := found.get(key), str) else "" for key in ("voter", "grid"))
    ballot, written = found.get("ballot"), found.get("written")
    if ballot is None:
        ballot = hashlib.sha256(json.dumps([voter, grid, found["votes"]], sort_keys=True).encode()).hexdigest()
    elif not _is(_BALLOT, ballot) or not _is(_WRITTEN, written):
        raise InputError(f"{path}: its ballot or its date is not as the voting page writes it")
    votes = tuple(_vote(path, number, one, voter or ballot, grid) for number, one in enumerate(found["votes"], 1))
    return VoteFile(path, (grid, ballot), written or "", votes)


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def latest(files: Iterable[VoteFile]) -> tuple[list[VoteFile], list[tuple[VoteFile, VoteFile]]]:
    """Of several files of one ballot the one that was written last: it has the votes of those before, as they are now.

    Returns:
        The files that count; and each that does not, with the one that counts in its place.
    """
    files = list(files)
    of_ballot: dict[tuple[str, str], VoteFile] = {}
    for each in sorted(files, key=lambda file: file.written):
        of_ballot[each.ballot] = each
    counted = [each for each in files if of_ballot[each.ballot] is each]
    return counted, [(each, of_ballot[each.ballot]) for each in files if of_ballot[each.ballot] is not each]


def _vote(path: Path, number: int, one: Any, voter: str, grid: str) -> Vote:
    found = [one.get(key) for key in ("content", "style", "left", "right")] if isinstance(one, dict) else []
    names = [name for name in found if isinstance(name, str)]
    answers = one.get("answers") if isinstance(one, dict) else None
    if (
        len(names) != 4
        or not isinstance(answers, dict)
        or not answers
        or not all(key in QUESTIONS and value in get_args(Answer) for key, value in answers.items())
    ):
        raise InputError(f"{path}: vote {number} is not as the voting page writes it")
    content, style, left, right = map(printable, names)
    if left == right:
        raise InputError(f"{path}: vote {number} compares a result with itself")
    return Vote(voter, (grid, content, style), left, right, answers)


def printable(name: str) -> str:
    """A name as it can be printed: files come from strangers, and terminals obey control characters."""
    return encodable("".join(each if each.isprintable() else "\ufffd" for each in name))
