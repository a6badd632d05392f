"""Places for files: whether one can be had is tried before the work, and what has lost its place is kept in another."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from nstcore.errors import ConfigError, OutputError
from nstcore.system.refusals import refused

# A full disk still makes an empty file, but none with something in it.
_TRIAL = b"\0" * 4096


def require_place(path: str | os.PathLike[str]) -> None:
    """See that a file can be written at a place, by writing another beside it for a moment.

    Raises:
        OutputError: if its folder does not exist or takes no files, or the place is a folder.
    """
    target = Path(path)
    with _named(path, "written"):
        if not target.parent.is_dir():
            raise OutputError(f"{path}: the folder {target.parent} does not exist; make it first")
        if target.is_dir():
            raise OutputError(f"{path}: is a folder; name a file")
        _try(target.parent)
        if os.path.lexists(target) and _belongs_to_another(target):
            raise OutputError(f"{path}: belongs to another user, and so nobody else may replace it; name another file")


def require_folder(path: str | os.PathLike[str]) -> None:
    """See that files can be written into a folder; one that is not there yet is not made.

    Raises:
        OutputError: if that cannot be.
    """
    with _named(path, "written"):
        there = Path(path).absolute()
        while not (there.exists() or there.is_symlink() or there == there.parent):
            there = there.parent
        if not there.is_dir():
            raise OutputError(f"{path}: cannot be a folder, because {there} is none; name another place")
        _try(there)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        OutputError: if that cannot be.
    """
    with _named(path, "made"):
        Path(path).mkdir(parents=True, exist_ok=True)


def keep(files: Mapping[str, bytes]) -> str:
    """Put files that have lost their place into a new folder, in the first place that takes them, and say where.

    Tried are the working folder, the home folder, and the one for temporary files.

    Args:
        files: by their paths in the new folder.

    Returns:
        What became of them, for the end of a message.
    """
    for refuge in _refuges():
        try:
            folder = Path(tempfile.mkdtemp(prefix="nst-kept-", dir=refuge))
        except OSError:
            continue
        try:
            for name, content in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return f"kept instead: {', '.join(str(folder / name) for name in files)}"
    return "no other place takes it either, so it is lost"


def expand_home(path: str, name: str) -> Path:
    """A path whose "~" or "~user" is the home folder that is meant.

    Args:
        name: what the path was given as, for the message.

    Raises:
        ConfigError: if there is no such folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{name}={path!r} begins with a home folder that is not known; write it in full") from None


def _refuges() -> Iterator[Path]:
    with contextlib.suppress(OSError):  # it may have been removed
        yield Path.cwd()
    with contextlib.suppress(RuntimeError):  # not everybody has one
        yield Path.home()
    with contextlib.suppress(OSError):
        yield Path(tempfile.gettempdir())


@contextlib.contextmanager
def _named(path: str | os.PathLike[str], deed: str) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(refused(error, path, deed)) from error


def _try(folder: Path) -> None:
    """Write a file into a folder, and remove it."""
    trial = folder / f".{uuid.uuid4().hex}.part"
    try:
        trial.write_bytes(_TRIAL)
    finally:
        with contextlib.suppress(OSError):  # what kept it from being written is told already
            trial.unlink()


def _belongs_to_another(target: Path) -> bool:
    """Whether a file lies in a folder such as /tmp, where each is replaced by its owner alone."""
    folder, user = target.parent.stat(), os.geteuid()
    return bool(folder.st_mode & stat.S_ISVTX) and user not in (0, folder.st_uid, target.lstat().st_uid)
