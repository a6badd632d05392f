"""How light a picture is: luma, the weighted sum of red, green and blue as they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What red, green and blue weigh (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


def luminance(picture: NDArray[Any]) -> NDArray[np.float64]:
    """Luma of a picture (H, W, 3), RGB, 0 to 255: float64 (H, W), 0 to 255."""
    luma: NDArray[np.float64] = np.asarray(picture, dtype=np.float64) @ np.array(LUMA)
    return luma


def of_luminance(luma: NDArray[Any]) -> NDArray[Any]:
    """The picture (H, W, 3) without colors of a luma (H, W), of its type."""
    return np.repeat(luma[..., np.newaxis], 3, axis=2)
