"""The strip of a cell: small pictures of what it had reached on the way, in one file.

Frames lie in rows, each in a tile of its own that is filled up with its last row and column: WebP has blocks of 16
pixels, and two frames in one would show through each other.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from nstcore.errors import InputError, one_line
from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize_to, size_at
from nstcore.result import TransferResult
from nstcore.snapshots import Snapshots

#: The most frames of a strip. So many are as large as a picture of 3,840 pixels.
MOST_FRAMES = 100

# As the small versions of pictures in reports.
_LONGEST_SIDE = 384
_BLOCK = 16
_ENCODING: dict[str, Any] = {"quality": 85}


@dataclass(frozen=True)
class Moment:
    """When a frame was taken.

    Attributes:
        size: longest side of the run, pixels; coarse runs are smaller.
        iteration: of that run; 0 is the picture that it started from.
        total: the loss then. Those of two sizes do not compare.
    """

    size: int
    iteration: int
    total: float


@dataclass(frozen=True)
class Strip:
    """A strip as a file, and what its cell's manifest says of it.

    Attributes:
        content: the bytes of the file, WebP.
        moments: one for each frame, in order; the last frame is the result.
        height, width: of a frame, pixels.
    """

    content: bytes
    moments: tuple[Moment, ...]
    height: int
    width: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the manifest."""
        return {
            "height": self.height,
            "width": self.width,
            "columns": _columns(len(self.moments)),
            "tile_height": _filled(self.height),
            "tile_width": _filled(self.width),
            "frames": [asdict(moment) for moment in self.moments],
        }


@dataclass
class StripRecorder:
    """Takes the frames of a transfer while it goes on.

    Attributes:
        height, width: of the finished picture; a frame has its shape.
        chosen: what `chosen_frames` gives.
    """

    height: int
    width: int
    chosen: Mapping[int, Sequence[int]]
    _taken: dict[tuple[int, int], Picture] = field(default_factory=dict)

    def snapshots(self) -> Snapshots:
        """What the transfer is given."""
        return Snapshots(0, self._take, self.chosen)

    def arrays(self) -> dict[str, np.ndarray]:
        """The frames so far, for the state of the transfer; nothing if there are none."""
        if not self._taken:
            return {}
        return {"moments": np.array(list(self._taken)), "frames": np.stack(list(self._taken.values()))}

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from the frames that `arrays` gave."""
        moments = ((int(size), int(iteration)) for size, iteration in arrays["moments"])
        self._taken = dict(zip(moments, arrays["frames"], strict=True))

    def finished(self, result: TransferResult) -> Strip:
        """The strip of the transfer, now that it is over."""
        last = (result.config.size, result.trace[-1].iteration)
        traces = {**{run.size: run.trace for run in result.coarse}, result.config.size: result.trace}
        frames = {moment: frame for moment, frame in self._taken.items() if moment != last}
        frames[last] = self._frame(result.image)
        return _strip(frames, lambda size, iteration: traces[size][iteration].total)

    def _take(self, size: int, iteration: int, picture: Picture) -> None:
        self._taken[size, iteration] = self._frame(picture)

    def _frame(self, picture: Picture) -> Picture:
        shape = (self.height, self.width)
        return resize_to(picture, *size_at(shape, min(_LONGEST_SIDE, max(shape))))


class LearningRecorder(StripRecorder):
    """Takes what a network makes of one photograph while it is trained; an iteration is a step."""

    def __init__(self, chosen: Mapping[int, Sequence[int]]) -> None:
        super().__init__(0, 0, chosen)

    def strip(self, total: Callable[[int], float]) -> Strip | None:
        """The strip, now that the training is over; None if no picture was taken.

        Args:
            total: gives the loss that was known after a number of steps.
        """
        return _strip(self._taken, lambda _, step: total(step)) if self._taken else None

    def _take(self, size: int, iteration: int, picture: Picture) -> None:
        self.height, self.width = picture.shape[:2]
        super()._take(size, iteration, picture)


def _strip(frames: Mapping[tuple[int, int], Picture], total: Callable[[int, int], float]) -> Strip:
    """Lay frames out; `total` gives the loss at a size and an iteration."""
    moments = (Moment(size, iteration, total(size, iteration)) for size, iteration in frames)
    pictures = list(frames.values())
    return Strip(_sheet(pictures), tuple(moments), *pictures[0].shape[:2])


def chosen_frames(runs: Mapping[int, int], count: int) -> dict[int, tuple[int, ...]]:
    """At which iterations a strip has frames, by the size of the run.

    One is the picture that the first run starts from, and the others are shared out among the runs. They are ever
    farther apart, since most of what is seen happens early: the k-th of n frames is taken at the share (k / n)³ of the
    run's iterations. Of even distances, the powers 1.5, 2 and 3, and a geometric row, it is cubes that made the steps
    from frame to frame most alike (root mean square differences; VGG19 and ResNet50, 100 iterations, 12 and 24 frames).

    Args:
        runs: iterations by size, in the order of the runs.
        count: of frames, >= 1; fewer where a run has fewer iterations than frames.
    """
    sizes = list(runs)
    shared = max(count - 1, 1)
    shares = [shared // len(sizes) + (place >= len(sizes) - shared % len(sizes)) for place in range(len(sizes))]
    chosen = {size: _spread(runs[size], share) for size, share in zip(sizes, shares, strict=True)}
    if count > 1:
        chosen[sizes[0]] = (0, *chosen[sizes[0]])
    return chosen


def _spread(iterations: int, count: int) -> tuple[int, ...]:
    """So many different iterations, the last among them."""
    chosen: list[int] = []
    count = min(count, iterations)
    for place in range(1, count + 1):
        soonest, latest = (chosen[-1] if chosen else 0) + 1, iterations - (count - place)
        chosen.append(min(max(round(iterations * (place / count) ** 3), soonest), latest))
    return tuple(chosen)


def arrays_of(recorders: Sequence[StripRecorder]) -> dict[str, np.ndarray]:
    """The frames of transfers that go on together, for their state."""
    return {
        f"{place}/{name}": array
        for place, recorder in enumerate(recorders)
        for name, array in recorder.arrays().items()
    }


def take_up(recorders: Sequence[StripRecorder], arrays: Mapping[str, np.ndarray]) -> bool:
    """Go on from the frames that `arrays_of` gave; False if frames are wanted and there are none."""
    for place, recorder in enumerate(recorders):
        begins = f"{place}/"
        found = {name.removeprefix(begins): array for name, array in arrays.items() if name.startswith(begins)}
        if not found:
            return False
        recorder.take_up(found)
    return True


def frames_of(content: bytes, record: Mapping[str, Any], name: object) -> list[Picture]:
    """The frames of a strip, uint8 (H, W, 3) each.

    Args:
        content: the bytes of the file.
        record: what the manifest says of it.
        name: what it is called in messages.

    Raises:
        InputError: if they do not fit together.
    """
    try:
        sheet = np.array(Image.open(io.BytesIO(content)).convert("RGB"))
        height, width = record["height"], record["width"]
        places = (divmod(place, record["columns"]) for place in range(len(record["frames"])))
        corners = [(row * record["tile_height"], column * record["tile_width"]) for row, column in places]
        frames = [sheet[top : top + height, left : left + width] for top, left in corners]
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise InputError(f"{name}: is no strip of frames ({one_line(error)})") from None
    if not frames or any(frame.shape != (height, width, 3) for frame in frames):
        raise InputError(f"{name}: is no strip of frames (its manifest speaks of another)")
    return frames


def _sheet(frames: Sequence[Picture]) -> bytes:
    height, width = frames[0].shape[:2]
    tile_height, tile_width = _filled(height), _filled(width)
    columns = _columns(len(frames))
    sheet = np.zeros((math.ceil(len(frames) / columns) * tile_height, columns * tile_width, 3), np.uint8)
    for place, frame in enumerate(frames):
        top, left = tile_height * (place // columns), tile_width * (place % columns)
        tile = np.pad(frame, ((0, tile_height - height), (0, tile_width - width), (0, 0)), mode="edge")
        sheet[top : top + tile_height, left : left + tile_width] = tile
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "WEBP", **_ENCODING)
    return file.getvalue()


def _columns(frames: int) -> int:
    return math.ceil(math.sqrt(frames))


def _filled(side: int) -> int:
    return math.ceil(side / _BLOCK) * _BLOCK
