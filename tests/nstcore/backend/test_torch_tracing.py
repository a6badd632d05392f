"""What torch computes at once on a GPU is what it computes operation by operation, to the last bit."""

from __future__ import annotations

import gc

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


def test_on_a_gpu_what_is_called_often_becomes_a_graph_of_it():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU that torch computes on")
    from nstcore.backend.torch_tracing import Traced

    calls = []
    numbers = torch.arange(4.0, device="cuda")
    traced = Traced(lambda x, more: (calls.append(1), (2 * x + more["one"] * (numbers + 1), x.sum()))[1])
    others = []
    for number in range(20):
        x = torch.full((3, 4), float(number), device="cuda")
        doubled, total = traced(x, {"one": x + 1})
        gc.collect()
        others += [torch.full((4,), -1.0, device="cuda") for _ in range(100)]  # where nothing is kept they lie instead
        assert (doubled == 2 * x + (x + 1) * (numbers + 1)).all()
        assert total == 12 * number
    assert len(calls) == 8
