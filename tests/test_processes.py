"""How `make test` spreads the tests over processes: what is made once for a file is made once."""

from __future__ import annotations

import pytest

_SEEN: list[str] = []


@pytest.fixture
def conftest(request):
    """The module that spreads them."""
    return request.config.pluginmanager.get_plugin(str(request.path.parents[1] / "conftest.py"))


@pytest.mark.parametrize("number", range(4))
def test_those_of_a_file_run_in_one_process_in_their_order(request, number):
    _SEEN.append(request.node.name)
    chosen = [item.name for item in request.session.items if item.originalname == request.node.originalname]
    assert chosen[: len(_SEEN)] == _SEEN


def test_those_that_ask_the_backends_are_told_apart_without_collecting_them(request, conftest):
    """Of the tests that were chosen: who spreads them has their names alone, and reads the files."""
    for item in request.session.items:
        asks = "ask" in item.fixturenames
        assert (conftest._unit(item.nodeid) == conftest.BACKENDS) == asks, item.nodeid


def test_a_unit_is_a_file_whatever_a_test_is_called(request, conftest):
    here = str(request.path.relative_to(conftest.ROOT))
    assert conftest._unit(f"{here}::test_a[one::two]") == here
    assert conftest._unit(f"{here}::TestA::test_b") == here
    assert all(unit == conftest.BACKENDS or (conftest.ROOT / unit).is_file() for unit in conftest.LONGEST)
