"""What of the outputs is not as it was written is set aside, where people find it and nothing takes it for a result.

That is `damaged/` in the output folder, under the path that it had, with a number. Nothing reads it again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import PurePath

from pipeline import storage
from pipeline.storage.folders import is_there

#: Name of the folder.
DAMAGED = "damaged"

# Where cells and what is computed for them lie: so many folders below the output folder.
_DEPTHS = {"cells": 3, "networks": 2, "targets": 3, "measures": 3}


def set_aside(place: PurePath, names: Iterable[str] = ()) -> PurePath:
    """Move a file, or some of the files of a folder, out of the way.

    Args:
        place: the file; of a folder whose files are named, the folder.

    Returns:
        Where it is now.
    """
    files = list(names)
    goal = _free(place)
    if files:
        for name in files:
            storage.move(place / name, goal / name)
    else:
        storage.move(place, goal)
    return goal


def _free(place: PurePath) -> PurePath:
    parents = place.parents
    known = (
        parents[depth] for part, depth in _DEPTHS.items() if len(parents) > depth and parents[depth - 1].name == part
    )
    output = next(known, place.parent)
    goal = output / DAMAGED / place.relative_to(output)
    tried = (goal.with_name(f"{goal.stem}-{number}{goal.suffix}") for number in itertools.count(1))
    return next(path for path in tried if not is_there(path))
