"""This checkout of the project, and another one that it is measured against."""

from __future__ import annotations

import argparse
import compileall
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.common.measure import AnsweringProcess


def add_other_option(parser: argparse.ArgumentParser) -> None:
    """Let a person name the other checkout."""
    parser.add_argument("other", type=_checkout, help="folder of the other checkout")


def _checkout(path: str) -> Path:
    folder = Path(path).resolve()
    if not (folder / "nstcore" / "__init__.py").is_file():
        raise argparse.ArgumentTypeError(f"no checkout of the project: {folder} has no nstcore")
    return folder


def both(other: Path) -> dict[str, Path]:
    """The folders of the other checkout and of this one, compiled, or the first turn would pay for it."""
    trees = {"other": other, "this": Path(__file__).resolve().parents[2]}
    for tree in trees.values():
        for package in ("nstcore", "pipeline", "tasks"):
            compileall.compile_dir(tree / package, quiet=1)
    return trees


def start(script: Path, tree: Path, words: Mapping[str, object], backend: str = "") -> AnsweringProcess:
    """Start a file in a process that imports the project from a checkout.

    Args:
        words: options that the file is given, by their names; `tree` is one more.
        backend: of Keras; "" for that of this process' environment.
    """
    # Unlike `-m`, `-P` with a file puts neither the working folder nor that of the file before PYTHONPATH.
    options = (f"--{name}={word}" for name, word in {"tree": tree, **words}.items())
    environment = {"PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if backend:
        environment["KERAS_BACKEND"] = backend
    return AnsweringProcess([sys.executable, "-P", str(script), *options], environment)


def commit(tree: Path) -> str:
    """The commit of a checkout, with a + if files differ from it; the folder's name if git does not know it."""
    git = ["git", "-C", str(tree), "describe", "--always", "--exclude=*", "--dirty=+"]
    answer = subprocess.run(git, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else tree.name
