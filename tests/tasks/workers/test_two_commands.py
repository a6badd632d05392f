"""Two commands of one study on one scheduler, some of whose cells fail: real processes, tiny cells."""

from __future__ import annotations

import argparse
import shutil

import pytest

from benchmarks.drills.workers import Place, failing


@pytest.mark.slow
def test_they_share_the_work_and_both_tell_the_truth():
    place = Place.make(12)
    try:
        assert failing(place, argparse.Namespace(limit=300.0)).startswith("8 made, 4 told by both")
        assert place.twice_at_a_time() == []
        assert place.left_behind() == []
    finally:
        shutil.rmtree(place.folder)
