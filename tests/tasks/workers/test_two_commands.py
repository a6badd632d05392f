"""Two commands of one study on one scheduler, some of whose cells fail: real processes, tiny cells."""

from __future__ import annotations

import argparse
import shutil

import pytest

from benchmarks.drills.place import Place
from benchmarks.drills.workers import failing


@pytest.mark.slow
@pytest.mark.parametrize("luigid", [False, True], ids=["nst-scheduler", "luigid"])
def test_they_share_the_work_and_both_tell_the_truth(luigid):
    place = Place.make(12)
    try:
        assert failing(place, argparse.Namespace(limit=300.0, luigid=luigid)).startswith("8 made, 4 told by both")
        assert place.twice_at_a_time() == []
        assert place.left_behind() == []
    finally:
        shutil.rmtree(place.folder)
