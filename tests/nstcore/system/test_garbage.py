"""The collector is still while something is imported, and afterwards what it was."""

from __future__ import annotations

import gc
import weakref

import pytest

from nstcore.system.garbage import uncollected


class Node:
    """Garbage that only the collector finds, once nobody has it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector():
    """A collector that is on and has frozen nothing, before and after."""
    gc.enable()
    gc.unfreeze()
    yield
    gc.enable()
    gc.unfreeze()


def is_old(thing: object) -> bool:
    return any(each is thing for each in gc.get_objects(generation=2))


def test_what_is_made_meanwhile_is_old_and_its_garbage_is_found_later():
    with uncollected():
        assert not gc.isenabled()
        kept, garbage = Node(), Node()
        assert not is_old(kept)
    assert gc.isenabled()
    assert is_old(kept)
    assert gc.get_freeze_count() == 0
    left = weakref.ref(garbage)
    del garbage
    gc.collect()
    assert left() is None


def test_it_is_on_again_after_an_error():
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    with uncollected():
        kept = Node()
    assert not gc.isenabled()
    assert not is_old(kept)


def test_what_a_program_has_frozen_stays_frozen():
    gc.freeze()
    frozen = gc.get_freeze_count()
    with uncollected():
        pass
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
