"""What goes wrong, and how often it is tried: by the nature of the error, whatever it is wrapped in."""

from __future__ import annotations

import errno

import pytest

from nstcore import failures
from nstcore.errors import (
    ConfigError,
    DivergenceError,
    MemoryShortageError,
    OutputError,
    PictureError,
    WeightsError,
)
from nstcore.failures import nature_of, persevere
from nstcore.system.refusals import line_of


def named(name: str, *bases: type[Exception]) -> type[Exception]:
    """A framework's class of errors, without the framework."""
    return type(name, bases or (Exception,), {})


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


TABLE = [
    (MemoryError(), failures.OUT_OF_MEMORY),
    (named("ResourceExhaustedError")("OOM when allocating tensor"), failures.OUT_OF_MEMORY),
    (named("OutOfMemoryError", RuntimeError)("CUDA out of memory. Tried to allocate"), failures.OUT_OF_MEMORY),
    (named("XlaRuntimeError", RuntimeError)("RESOURCE_EXHAUSTED: Out of memory"), failures.OUT_OF_MEMORY),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), failures.OUT_OF_MEMORY),
    (MemoryShortageError("too large"), failures.TOO_LARGE),
    (OSError(errno.ENOSPC, "No space left on device"), failures.FULL_DISK),
    (caused(OutputError("x"), OSError(errno.EDQUOT, "quota")), failures.FULL_DISK),
    (caused(PictureError("x"), OSError(errno.EIO, "Input/output error")), failures.DISTURBED),
    (OSError(errno.ESTALE, "Stale file handle"), failures.DISTURBED),
    (WeightsError("no source"), failures.NO_WEIGHTS),
    (DivergenceError("NaN"), failures.DIVERGED),
    (PictureError("no picture"), failures.BAD_PICTURE),
    (ConfigError("x"), failures.TO_MEND),
    (PermissionError(errno.EACCES, "denied"), failures.TO_MEND),
    (RuntimeError("shapes do not match"), failures.OURS),
    (ZeroDivisionError(), failures.OURS),
]


@pytest.mark.parametrize(("error", "nature"), TABLE, ids=lambda value: getattr(value, "name", type(value).__name__))
def test_errors_are_tried_as_often_as_their_nature_allows(error, nature, monkeypatch):
    assert nature_of(error) is nature
    slept, tried, freed = [], [], []
    monkeypatch.setattr(failures.time, "sleep", slept.append)

    def work():
        tried.append(1)
        raise error

    with pytest.raises(type(error)):
        persevere(work, before_again=freed.append)
    assert len(tried) == nature.tries
    assert freed == [nature] * (nature.tries - 1)
    assert slept == [nature.pause * 2**each for each in range(nature.tries - 1)]


def test_what_answers_the_second_time_is_given(monkeypatch, caplog):
    monkeypatch.setattr(failures.time, "sleep", lambda seconds: None)
    answers = iter([OSError(errno.EIO, "Input/output error"), "the answer"])

    def work():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert persevere(work, name="a × b") == "the answer"
    assert [record.getMessage() for record in caplog.records] == ["a × b: storage disturbed (OSError); tried again"]


@pytest.mark.parametrize(("error", "nature"), TABLE, ids=lambda value: getattr(value, "name", type(value).__name__))
def test_all_but_faults_of_ours_are_one_line(error, nature):
    line = line_of(error)
    assert bool(line) == (nature is not failures.OURS)
    assert "\n" not in line
