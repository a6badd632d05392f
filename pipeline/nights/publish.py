"""A finished report becomes a night: compared with the one before, written, and older ones taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from pipeline import storage
from pipeline.grid.paths import plan_file
from pipeline.nights.archive import PAGE, SNAPSHOT, KeepRule, NightArchive, link_tree
from pipeline.nights.changes import Thresholds, compare
from pipeline.nights.night import Night
from pipeline.nights.page import NightPage, show_changes
from pipeline.storage.sealed import records_of, sealed


def write_night(
    archive: NightArchive, night: Night, report: PurePath, page: Callable[[NightPage], str], thresholds: Thresholds
) -> NightPage:
    """Write a night beside the others, compared with the latest earlier one of its study.

    Args:
        night: not compared yet.
        report: folder of the report whose files it takes over.
        page: the report's page as HTML, given what is to stand at its top.

    Returns:
        What stands at the top of its page.
    """
    before = archive.latest(night.title, night.date)
    with archive.new(night.date) as folder:
        link_tree(report, folder, leave_out=(PAGE, plan_file(PurePath()).name))
        top = NightPage(night.date)
        if before is not None:
            changes = compare(before, night, thresholds)
            shown = show_changes(changes.changed, archive.path(before.date), folder)
            top = NightPage(night.date, before.date, changes, shown)
            worse = tuple((*each.after.names, each.reason) for each in changes.worse)
            night = replace(night, compared_with=before.date, worse=worse)
        storage.write(folder / PAGE, page(top).encode())
        files = records_of(folder, (path.relative_to(folder).as_posix() for path in storage.walk(folder)))
        storage.write(folder / SNAPSHOT, sealed({**night.to_dict(), "files": files}))
    return top


def prune(archive: NightArchive, night: Night, rule: KeepRule) -> None:
    """Take away the nights that a rule does not keep; never this one, the one before, or one of another study."""
    spared = {night.date, *filter(None, [night.compared_with])}
    going = rule.to_prune(archive.dates(), spared)
    archive.prune(date for date in going if archive.of_study(date, night.title))
