"""Two studies with cells in common, in one output folder and with one cache of weights: real processes, tiny cells."""

from __future__ import annotations

import random
import shutil

import pytest

from benchmarks.drills.projects import one_round, prepared


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 1])
def test_neither_harms_the_other_also_where_one_is_killed(kills):
    place = prepared()
    try:
        assert one_round(place, random.Random(1), kills).endswith(f", {kills} kills")
    finally:
        place.end()
        shutil.rmtree(place.folder)
