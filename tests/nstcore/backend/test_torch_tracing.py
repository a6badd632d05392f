"""What torch computes at once on a GPU is what it computes operation by operation, to the last bit."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest.mock import MagicMock, call

import numpy as np
import pytest

from nstcore.networks.backbones import BACKBONES


@pytest.fixture
def found(ask):
    return ask("tracing", "torch")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_traced_evaluation_is_the_evaluation(found, backbone):
    for number in range(2):  # the pictures that it was traced at, and others
        for place in range(2):  # gradients, scalars
            expected, traced = (found[f"{backbone}/{number}/{what}/{place}"] for what in ("expected", "traced"))
            assert np.isfinite(expected).all()
            assert expected.any()
            np.testing.assert_array_equal(traced, expected)
    assert (found[f"{backbone}/0/expected/0"] != found[f"{backbone}/1/expected/0"]).any()


def test_what_depends_on_values_is_not_traced(found):
    assert found["of values"]


def test_a_program_keeps_its_constants_which_a_graph_reads_where_they_lie(found):
    assert found["constants"] == found["constants kept"] == 1
    assert found["constants left"] == 0


def test_nothing_is_traced_on_a_processor(found):
    assert found["calls"] == 12


def _called(calls: list[int], numbers: Any, x: Any, more: dict[str, Any]) -> tuple[Any, Any]:
    calls.append(1)
    return 2 * x + more["one"] * (numbers + 1), (x @ x.mT).sum()


def test_on_a_gpu_what_is_called_often_becomes_a_graph_of_it():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU that torch computes on")
    from nstcore.backend.torch_tracing import Traced

    for _ in range(2):  # and when all graphs have gone, the next
        calls: list[int] = []
        numbers = torch.arange(4.0, device="cuda")
        traced = Traced(partial(_called, calls, numbers))
        others = []
        for number in range(20):
            x = torch.full((3, 4), float(number), device="cuda")
            doubled, total = traced(x, {"one": x + 1})
            gc.collect()
            # Where nothing is kept these lie instead.
            others += [torch.full((4,), -1.0, device="cuda") for _ in range(100)]
            assert (doubled == 2 * x + (x + 1) * (numbers + 1)).all()
            assert total == 36 * number**2
        assert len(calls) == 8
        del traced
        gc.collect()


class _Pools:
    """In the place of a GPU: what the last graph has left cannot be captured into any more.

    That is torch's rule for the memory of CUDA graphs (`create_or_incref_pool` in its `CUDACachingAllocator.cpp`).
    """

    def __init__(self, torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        #: How many graphs each pool has.
        self.graphs: list[int] = []
        #: Whether there is memory.
        self.is_full = False
        monkeypatch.setattr(torch.Tensor, "is_cuda", True)
        for name in ("Stream", "current_stream", "stream", "empty_cache"):
            monkeypatch.setattr(torch.cuda, name, MagicMock())
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: _Graph(self))
        monkeypatch.setattr(torch.cuda, "graph", self.capture)

    @contextlib.contextmanager
    def capture(self, graph: _Graph, pool: int | None, capture_error_mode: str) -> Iterator[None]:
        gc.collect()  # as torch may
        if pool is None:
            self.graphs.append(0)
            pool = len(self.graphs) - 1
        elif not self.graphs[pool]:
            raise RuntimeError("use_count > 0 INTERNAL ASSERT FAILED")
        graph.place = pool
        self.graphs[pool] += 1
        yield
        if self.is_full:
            try:
                raise RuntimeError("CUDA out of memory.\nException raised from malloc")
            except RuntimeError:
                raise RuntimeError("there is no capture to end")  # noqa: B904


class _Graph:
    def __init__(self, pools: _Pools) -> None:
        self.pools = pools
        self.place: int | None = None

    def pool(self) -> int | None:
        return self.place

    def replay(self) -> None:
        pass

    def __del__(self) -> None:
        if self.place is not None:
            self.pools.graphs[self.place] -= 1


def _called_often(torch: Any) -> Any:
    from nstcore.backend.torch_tracing import Traced

    traced = Traced(lambda x: 2 * x)
    for _ in range(10):
        traced(torch.ones(3))
    return traced


def test_graphs_share_their_memory_as_long_as_one_of_them_is_there(monkeypatch, caplog):
    torch = pytest.importorskip("torch")
    pools = _Pools(torch, monkeypatch)
    first, second = _called_often(torch), _called_often(torch)
    assert pools.graphs == [2]
    del first, second  # as a network's training ends in a process that goes on
    gc.collect()
    third = _called_often(torch)
    assert pools.graphs == [0, 1]
    del third
    assert not caplog.records


def test_what_does_not_become_a_graph_is_computed_as_it_is_and_tells_of_it(monkeypatch, caplog):
    torch = pytest.importorskip("torch")
    pools = _Pools(torch, monkeypatch)
    pools.is_full = True
    with caplog.at_level(logging.WARNING):
        traced = _called_often(torch)
    assert (traced(torch.ones(3)) == 2).all()
    assert torch.cuda.stream.call_args == call(torch.cuda.current_stream.return_value)  # where it goes on
    (record,) = caplog.records
    assert record.getMessage() == (
        "computed operation by operation, which takes several times as long: CUDA out of memory."
    )
