"""What changed from one night to the next, and which of it is worse."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nstcore.errors import ConfigError
from pipeline.measures.names import MEASURES
from pipeline.nights.night import Night, NightCell


@dataclass(frozen=True)
class Thresholds:
    """How much worse a cell may get before the run fails for it.

    Attributes:
        loss: of the final loss, as a share of the one before.
        seconds: of the time, as a share of the one before.
        least_seconds: what a cell must lose besides; a share of little time is noise.
        measure: of a measure, on its own scale, where most go from 0 to 1.
    """

    loss: float = 0.05
    seconds: float = 0.5
    least_seconds: float = 5.0
    measure: float = 0.05

    def __post_init__(self) -> None:
        for name in ("loss", "seconds", "least_seconds", "measure"):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"{name} must be a number >= 0. Received: {name}={value!r}")


@dataclass(frozen=True)
class Worsening:
    """One number of a cell that got worse beyond its threshold."""

    what: str
    before: float
    after: float

    def __str__(self) -> str:
        share = f" (+{100 * (self.after / self.before - 1):.0f} %)" if 0 < self.before < self.after else ""
        return f"{self.what} {self.before:.4g} → {self.after:.4g}{share}"


@dataclass(frozen=True)
class ChangedCell:
    """A cell that both nights have, with another picture or another outcome.

    Attributes:
        reasons: what is different about how it was made, each a few words.
    """

    before: NightCell
    after: NightCell
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class WorseCell:
    """A cell that got worse beyond the thresholds."""

    before: NightCell
    after: NightCell
    worsenings: tuple[Worsening, ...]

    @property
    def reason(self) -> str:
        """In what, in one line."""
        return "; ".join(map(str, self.worsenings))


@dataclass(frozen=True)
class Changes:
    """What is different about a night. Every cell of either night is in one of the first four, and in no other.

    Attributes:
        new: cells that the night before did not have; removed: that only it had.
        changed: with another picture or another outcome.
        unchanged: with the same picture, or still without one.
        worse: beyond the thresholds, whether the picture changed or not.
        failed: that failed now and had not before, new ones included.
        recovered: that are done and had failed before.
        settings, versions: (name, before, after) of what the study asks for, and of what the cells were made with.
    """

    new: tuple[NightCell, ...]
    removed: tuple[NightCell, ...]
    changed: tuple[ChangedCell, ...]
    unchanged: tuple[NightCell, ...]
    worse: tuple[WorseCell, ...]
    failed: tuple[NightCell, ...]
    recovered: tuple[NightCell, ...]
    settings: tuple[tuple[str, Any, Any], ...]
    versions: tuple[tuple[str, Any, Any], ...]

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return any((self.new, self.removed, self.changed, self.worse, self.settings, self.versions))


def compare(before: Night, after: Night, thresholds: Thresholds) -> Changes:
    """Say what is different about a night.

    A cell's loss compares with the one before only where both are the same function: the same two pictures, weights
    and settings. Its time does where it was made again at the same size with the same settings on the same device.
    Measures have one judge whatever the settings, so they compare while the two pictures are the same.
    """
    old, new = before.by_identity(), after.by_identity()
    both = [(old[name], cell) for name, cell in new.items() if name in old]
    changed = [(was, now) for was, now in both if _shown(was) != _shown(now)]
    worse = [WorseCell(was, now, tuple(_worsenings(was, now, thresholds))) for was, now in both]
    return Changes(
        new=tuple(cell for name, cell in new.items() if name not in old),
        removed=tuple(cell for name, cell in old.items() if name not in new),
        changed=tuple(ChangedCell(was, now, tuple(_reasons(was, now))) for was, now in changed),
        unchanged=tuple(now for was, now in both if _shown(was) == _shown(now)),
        worse=tuple(cell for cell in worse if cell.worsenings),
        failed=tuple(
            now
            for name, now in new.items()
            if now.status == "failed" and (name not in old or old[name].status != "failed")
        ),
        recovered=tuple(now for was, now in both if was.status == "failed" and now.status == "done"),
        settings=_different(before.settings, after.settings),
        # What only one of them has came or went with its cells, which are listed.
        versions=tuple(each for each in _different(before.versions(), after.versions()) if None not in each),
    )


def _shown(cell: NightCell) -> tuple[str, str]:
    return cell.status, cell.picture_sha256


def _reasons(before: NightCell, after: NightCell) -> Iterator[str]:
    if before.status != after.status:
        yield f"{before.status} → {after.status}"
    if not (before.digest and after.digest):
        return  # of a cell that did not finish nothing else is known
    if before.content_sha256 != after.content_sha256:
        yield "another content picture"
    if before.style_sha256 != after.style_sha256:
        yield "another style picture"
    if before.weights_sha256 != after.weights_sha256:
        yield "other weights"
    for name, was, now in _different(before.config, after.config):
        yield f"{name} {_text(was)} → {_text(now)}"
    if before.engine != after.engine:
        yield f"engine {before.engine} → {after.engine}"
    if before.digest == after.digest:
        yield "made again from the same pictures and settings"
    for name, was, now in _different({**before.versions, "device": before.device}, _made_with(after)):
        yield f"{name} {_text(was)} → {_text(now)}"


def _made_with(cell: NightCell) -> dict[str, str]:
    return {**cell.versions, "device": cell.device}


def _worsenings(before: NightCell, after: NightCell, thresholds: Thresholds) -> Iterator[Worsening]:
    if not before.status == after.status == "done":
        return
    same_pictures = (before.content_sha256, before.style_sha256) == (after.content_sha256, after.style_sha256)
    same_settings = before.config == after.config and before.weights_sha256 == after.weights_sha256
    if same_pictures and same_settings and _exceeds(before.loss, after.loss, thresholds.loss):
        yield Worsening("loss", _number(before.loss), _number(after.loss))
    same_work = same_settings and (before.height, before.width) == (after.height, after.width)
    made_again = (before.digest, before.finished) != (after.digest, after.finished)
    if (
        same_work
        and made_again
        and before.device == after.device
        and _exceeds(before.seconds, after.seconds, thresholds.seconds)
        and _number(after.seconds) - _number(before.seconds) > thresholds.least_seconds
    ):
        yield Worsening("seconds", _number(before.seconds), _number(after.seconds))
    for measure in MEASURES if same_pictures else ():
        was, now = before.measures.get(measure.name), after.measures.get(measure.name)
        if was is not None and now is not None and _loss_of(measure.better, was, now) > thresholds.measure:
            yield Worsening(measure.title, was, now)


def _loss_of(better: str, before: float, after: float) -> float:
    """How much worse a measure became; negative if better."""
    return {"lower": after - before, "higher": before - after}.get(better, -math.inf)


def _exceeds(before: float | None, after: float | None, threshold: float) -> bool:
    return before is not None and after is not None and after > before * (1 + threshold)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, Any, Any], ...]:
    """(name, before, after) where they differ; None for what one does not have."""
    names = [*after, *(name for name in before if name not in after)]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple((name, was, now) for name, was, now in pairs if was != now)


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
