"""Streams that are closed, broken, full, or of an encoding without our letters keep no command from its work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

#: A command in small: what it writes, says and ends with.
COMMAND = """
import argparse, sys
from pathlib import Path
from nstcore.system.entry_point import OneLineParser, run_command
from nstcore.errors import PictureError
from nstcore.system.streams import say

def command(options):
    if options.place == "bad":
        raise PictureError("bäd")
    file = Path(options.place).open("wb")
    for number in range(2000):
        say(f"line {number} of \\udce9 é")
    file.write(b"made")
    file.close()

parser = OneLineParser(prog="small")
parser.add_argument("place")
sys.exit(run_command(command, parser.parse_args(), "small"))
"""


def shell(tmp_path, line, **environment):
    (tmp_path / "small.py").write_text(COMMAND)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("SMALL", f"{sys.executable} small.py")],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.mark.parametrize(
    "streams",
    ["<&- >&- 2>&-", "<&-", ">&-", "2>&-", "<&- 2>&-", ">&- 2>&-", "| head -0", "2>/dev/full", "2>/dev/full | head -0"],
)
def test_the_work_is_done_whatever_the_streams_are(tmp_path, streams):
    finished = shell(tmp_path, f"SMALL made {streams}")
    assert (finished.returncode, finished.stderr) == (0, b"")
    assert (tmp_path / "made").read_bytes() == b"made"


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "2>&-", "2>/dev/full"])
@pytest.mark.parametrize("arguments", ["bad", "--unknown"])
def test_bad_input_has_its_status_where_its_line_cannot_be_said(tmp_path, streams, arguments):
    finished = shell(tmp_path, f"SMALL {arguments} {streams}")
    assert (finished.returncode, finished.stdout, finished.stderr) == (2, b"", b"")


@pytest.mark.parametrize("streams", [">&-", "| head -0", ">/dev/full"])
def test_help_ends_quietly(tmp_path, streams):
    finished = shell(tmp_path, f"SMALL --help {streams}")
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_an_answer_that_cannot_be_written_is_no_success(tmp_path):
    finished = shell(tmp_path, "SMALL made > /dev/full")
    assert finished.returncode == 2
    assert finished.stderr == (
        b"small: standard output: cannot be written (No space left on device); send it elsewhere\n"
    )


@pytest.mark.parametrize(("encoding", "letter"), [("ascii", rb"\xe9"), ("latin-1", b"\xe9"), ("utf-8", "é".encode())])
def test_what_an_encoding_lacks_is_escaped(tmp_path, encoding, letter):
    finished = shell(tmp_path, "SMALL made", PYTHONIOENCODING=encoding)
    assert (finished.returncode, finished.stderr) == (0, b"")
    assert finished.stdout.splitlines()[0] == rb"line 0 of \xe9 " + letter
    finished = shell(tmp_path, "SMALL bad", PYTHONIOENCODING=encoding)
    assert finished.returncode == 2
    assert finished.stderr.count(b"\n") == 1


def test_every_command_sees_to_its_streams(tmp_path):
    """Those that a person starts: without any of them they end as they would with them."""
    commands = {
        "-m nstcore.cli nope nope -o out.png": 2,
        "-m pipeline.subcommands measure nope nope": 2,
        "-m pipeline.subcommands map nope": 2,
        f"-m pipeline.samples --content-dir {tmp_path}/content --style-dir {tmp_path}/style": 0,
        '-c "import tasks, sys; sys.exit(None in (sys.stdin, sys.stdout, sys.stderr))"': 0,
    }
    for command, status in commands.items():
        finished = shell(tmp_path, f"{sys.executable} {command} <&- >&- 2>&-")
        assert finished.returncode == status, command
    assert list((tmp_path / "content").iterdir())
