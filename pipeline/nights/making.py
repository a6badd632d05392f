"""A finished report becomes a night: compared with the one before, written, and older ones taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nstcore.files import write_whole
from pipeline.nights.changes import Thresholds, compare
from pipeline.nights.night import Night
from pipeline.nights.page import NightPage, show_changes
from pipeline.nights.shelf import PAGE, SNAPSHOT, KeepRule, NightShelf, link_tree
from pipeline.paths import plan_file


def write_night(
    shelf: NightShelf, night: Night, report: Path, page: Callable[[NightPage], str], thresholds: Thresholds
) -> NightPage:
    """Write a night beside the others, compared with the latest earlier one of its study.

    Args:
        night: not compared yet.
        report: folder of the report whose files it takes over.
        page: the report's page as HTML, given what is to stand at its top.

    Returns:
        What stands at the top of its page.
    """
    before = shelf.latest(night.title, night.date)
    with shelf.new(night.date) as folder:
        link_tree(report, folder, leave_out=(PAGE, plan_file(Path()).name))
        top = NightPage(night.date)
        if before is not None:
            changes = compare(before, night, thresholds)
            shown = show_changes(changes.changed, shelf.path(before.date), folder)
            top = NightPage(night.date, before.date, changes, shown)
            worse = tuple((*each.after.names, each.reason) for each in changes.worse)
            night = replace(night, compared_with=before.date, worse=worse)
        write_whole(folder / PAGE, page(top).encode())
        write_whole(folder / SNAPSHOT, json.dumps(night.to_dict(), indent=1, sort_keys=True).encode())
    return top


def prune(shelf: NightShelf, night: Night, rule: KeepRule) -> None:
    """Take away the nights that a rule does not keep; never this one, the one before, or one of another study."""
    spared = {night.date, *filter(None, [night.compared_with])}
    going = rule.to_prune(shelf.dates(), spared)
    shelf.prune(date for date in going if shelf.of_study(date, night.title))
