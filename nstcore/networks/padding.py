"""What lies beyond the border of a layer: zeros as in training, or what the layer itself continues with.

Zeros are an edge all around the picture. Deep layers see it, so that the frame of a stylised picture is often unlike
the rest. "reflect" mirrors the layer at its outermost row, "replicate" repeats that row. Sizes stay what they are.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from nstcore.errors import ConfigError

#: Rows before and after, or columns.
Amounts = tuple[int, int]


def same_amounts(side: int, kernel: int, stride: int, dilation: int) -> Amounts:
    """How many zeros Keras' padding "same" puts before and after a side: as many after as before, or one more."""
    reach = (kernel - 1) * dilation + 1
    total = max((-(-side // stride) - 1) * stride + reach - side, 0)
    return total // 2, total - total // 2


class EdgePadding2D(keras.layers.Layer):
    """Continue (B, H, W, N) beyond its borders.

    Args:
        mode: "reflect" or "replicate".
        amounts: of rows and of columns; None is what a convolution with padding "same" takes for its input.
        kernel, strides, dilation: of that convolution, (height, width).

    Raises:
        ConfigError: in one line, where a layer is too small to be mirrored.
    """

    def __init__(
        self,
        mode: Literal["reflect", "replicate"],
        amounts: tuple[Amounts, Amounts] | None = None,
        *,
        kernel: tuple[int, int] = (1, 1),
        strides: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.mode = mode
        self._fixed = amounts
        self._windows = tuple(zip(kernel, strides, dilation, strict=True))

    def amounts(self, sides: tuple[int | None, ...]) -> tuple[Amounts | None, ...]:
        """Of rows and of columns, for an input of (height, width); None where they depend on a side that is open."""
        if self._fixed is not None:
            return self._fixed
        return tuple(
            # Without a stride they do not depend on it.
            None if side is None and window[1] > 1 else same_amounts(side or 1, *window)
            for side, window in zip(sides, self._windows, strict=True)
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, *sides, channels = input_shape
        padded = []
        for side, amounts in zip(sides, self.amounts(tuple(sides)), strict=True):
            if side is not None and amounts is not None:
                self._require_room(side, amounts)
            padded.append(None if side is None or amounts is None else side + sum(amounts))
        return (batch, *padded, channels)

    def call(self, inputs: Any) -> Any:
        rows, columns = self.amounts(tuple(inputs.shape[1:3]))
        assert rows is not None
        assert columns is not None
        if self.mode == "reflect":
            return ops.pad(inputs, ((0, 0), rows, columns, (0, 0)), mode="reflect")
        # Not every backend can repeat an edge more than once, but mirroring one row with itself is the same as that.
        for ring in range(max(*rows, *columns)):
            widths = [tuple(int(ring < amount) for amount in amounts) for amounts in (rows, columns)]
            inputs = ops.pad(inputs, ((0, 0), *widths, (0, 0)), mode="symmetric")
        return inputs

    def _require_room(self, side: int, amounts: Amounts) -> None:
        if self.mode == "reflect" and max(amounts) >= side:
            raise ConfigError(
                f"padding='reflect' needs more pixels: {self.name} mirrors {max(amounts)} of a layer that has {side} "
                "there; choose a larger size, less deep layers, or padding='replicate'"
            )
