"""The nearest of many vectors, by inner products: matrix products in chunks, so that memory stays bounded.

What is found is an index, which has no gradient: callers search in `stop_gradient` of what they optimize.
"""

from __future__ import annotations

import math
from typing import Any

from nstcore.losses import ops
from nstcore.losses.loss import Tensor

#: Inner products that are held at once, of one picture: 16 MiB, which the caches of a processor hold next to entirely.
AT_ONCE = 2**22
# Vectors are compared in blocks of these, first block against block: a maximum is many times faster than its place.
_BLOCK = 64
# What norms are kept above, against the root mean square of all: vectors of nothing have no direction, nor a gradient.
_LEAST_NORM = 1e-4
_TINY = 1e-30


def nearest(queries: Tensor, keys: Tensor) -> Tensor:
    """For each query the index of the key with the largest inner product, the first of equal ones.

    Divide keys by their norms to compare cosines; the norms of queries change nothing.

    Args:
        queries: (B, n, N).
        keys: (B, m, N).

    Returns:
        (B, n), int32, 0 to m - 1.
    """
    batch, count, channels = queries.shape
    blocks = math.ceil(keys.shape[1] / _BLOCK)
    # The first key again, as often as it takes: of equal ones the first is found, so that these never are.
    again = blocks * _BLOCK - keys.shape[1]
    keys = ops.swapaxes(ops.concatenate([keys, ops.repeat(keys[:, :1], again, axis=1)], axis=1), -1, -2)
    rows = max(1, min(count, AT_ONCE // (blocks * _BLOCK)))

    def search(queries: Tensor, keys: Tensor) -> Tensor:
        return best(ops.reshape(products(queries, keys), (batch, rows, blocks, _BLOCK)))

    if rows == count:
        return search(queries, keys)

    def step(start: Tensor, found: Tensor, queries: Tensor, keys: Tensor) -> tuple[Tensor, ...]:
        first = ops.minimum(start, count - rows)  # the last chunk may see some of the one before again
        part = search(ops.slice(queries, (0, first, 0), (batch, rows, channels)), keys)
        return after(part, start + rows), ops.slice_update(found, (0, first), part), queries, keys

    found = ops.zeros((batch, count), "int32")
    return in_turn(count, step, found, queries, keys)[0]


def in_turn(end: int, step: Any, *carried: Tensor) -> tuple[Tensor, ...]:
    """Call `step(place, *carried)`, which gives both anew, from place 0 until `end`: one compiled body, not many.

    Everything it needs of tensors is carried, because in a symbolic graph nothing else reaches it.
    """
    loop = ops.while_loop(lambda place, *_: ops.less(place, end), step, (ops.zeros((), "int32"), *carried))
    return tuple(loop[1:])


def after(found: Tensor, place: Tensor) -> Tensor:
    """The next place of `in_turn`, known no sooner than what was found, indices >= 0.

    TensorFlow would otherwise begin with up to ten steps at once, and hold what they need.
    """
    return place + ops.minimum(ops.min(found), 0)


def products(queries: Tensor, keys: Tensor) -> Tensor:
    """Inner products (B, n, m) of queries (B, n, N) and keys, their channels first: (B, N, m).

    Those of a single picture are multiplied as plain matrices, which is faster than as a batch of one.
    """
    if queries.shape[0] == 1:
        return ops.expand_dims(ops.matmul(queries[0], keys[0]), 0)
    return ops.matmul(queries, keys)


def best(values: Tensor) -> Tensor:
    """Where the largest of values (B, n, r, c) is, for each of B x n: (B, n), r * C + c, the first of equal ones."""
    batch, count, rows, columns = values.shape
    row = ops.reshape(ops.argmax(ops.max(values, axis=-1), axis=-1), (batch * count,))
    place = row + ops.arange(batch * count) * rows
    within = ops.take(ops.reshape(values, (batch * count * rows, columns)), place, axis=0)
    return ops.reshape(row * columns + ops.argmax(within, axis=-1), (batch, count))


def chosen(vectors: Tensor, index: Tensor) -> Tensor:
    """The vectors (B, m, N) at an index (B, …) into each picture's own: (B, …, N)."""
    batch, count, channels = vectors.shape
    own = ops.reshape(ops.arange(batch) * count, (batch,) + (1,) * (len(index.shape) - 1))
    return ops.take(ops.reshape(vectors, (batch * count, channels)), index + own, axis=0)


def flat(activation: Tensor) -> Tensor:
    """The vectors of an activation (B, h, w, N), row by row: (B, h w, N)."""
    batch, height, width, channels = activation.shape
    return ops.reshape(activation, (batch, height * width, channels))


def unit(vectors: Tensor) -> Tensor:
    """Vectors (B, m, N) divided by their norms, or by 1e-4 of their root mean square norm, where that is more."""
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    least = _LEAST_NORM**2 * ops.stop_gradient(ops.mean(squares, axis=1, keepdims=True))
    return vectors * ops.rsqrt(ops.maximum(squares, ops.maximum(least, _TINY)))


def mean_cosine_distance(units: Tensor, others: Tensor) -> Tensor:
    """The mean of 1 − cos of unit vectors (B, m, N), one by one: (B,).

    As half their squared distance, which loses no digits where both are next to equal.
    """
    return 0.5 * ops.mean(ops.sum(ops.square(units - others), axis=-1), axis=-1)
