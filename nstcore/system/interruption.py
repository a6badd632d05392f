"""Ctrl-C and a termination end a command: soon, with one line, whatever the command is doing.

Python turns Ctrl-C into a `KeyboardInterrupt` wherever the main thread happens to be; here SIGTERM, by which services,
queues and containers end a program, does the same. Some of these places keep it to themselves: packages that catch
everything while they are imported, as TensorFlow's do, finalizers, and what runs before and after a fork. Others do not
come back to Python for long, such as a network's evaluation. A thread that hears of the signal at once therefore ends
the process if it has not ended by itself. Processes that were forked hold the end of a pipe by which they notice that
the one that forked them is gone, however it went.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from nstcore.system import streams

#: The exit status that shells give to what Ctrl-C ended, and to what was terminated.
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

# Long enough to leave by way of every `finally`: files under way are removed, workers ended. No child outlives the
# signal by 3 seconds.
_SECONDS_TO_LEAVE = 2.5


class Terminated(KeyboardInterrupt):
    """What SIGTERM raises. Whatever makes way for Ctrl-C makes way for it."""


def status_of(interrupt: KeyboardInterrupt) -> int:
    """The exit status of a process that this ended."""
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


def how_ended() -> str:
    """What last words call it: "interrupted", or "terminated"."""
    return "terminated" if _ended_by == signal.SIGTERM else "interrupted"


@contextlib.contextmanager
def ended_by_interrupt(last_words: Callable[[], str]) -> Iterator[None]:
    """See that Ctrl-C and SIGTERM leave the block with a `KeyboardInterrupt` and one line, and the process ends.

    Nothing is logged after the signal. Processes that are forked within the block end at once and silently when the
    signal reaches them too, as from a terminal, and are ended by this one otherwise, or when this one is gone. Where a
    signal is not heard of (it is ignored, or this is not the main thread) there is only the line.

    Args:
        last_words: the line for stderr; asked for when it is written.
    """
    with contextlib.ExitStack() as stack:
        heard_of = _heard_of()
        if heard_of:
            stack.enter_context(_watched(heard_of, last_words))
        try:
            yield
        except KeyboardInterrupt:
            _say(streams.tell, last_words)
            raise


def _heard_of() -> list[signal.Signals]:
    """The signals that nothing else has been arranged for."""
    if threading.current_thread() is not threading.main_thread():
        return []
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    return [number for number, handler in usual.items() if signal.getsignal(number) is handler]


# Whether the last words were said, by whichever thread came first. None: no block is being watched.
_said: bool | None = None
_saying = threading.Lock()
# The signal that came, 0 before there was one.
_ended_by = 0
# Read and write end of a pipe that closes with this process; None where no block is being watched.
_lifeline: tuple[int, int] | None = None


def _say(write: Callable[[str], object], last_words: Callable[[], str]) -> None:
    global _said
    with _saying:
        if not _said:
            write(last_words())
        if _said is not None:
            _said = True


@contextlib.contextmanager
def _watched(heard_of: list[signal.Signals], last_words: Callable[[], str]) -> Iterator[None]:
    global _said, _ended_by, _lifeline
    heard, tell = os.pipe()
    os.set_blocking(tell, False)
    stderr = _own_stderr()
    before = {number: signal.getsignal(number) for number in heard_of}
    told = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in heard_of:
        signal.signal(number, _interrupt)
    _said, _ended_by, _lifeline = False, 0, os.pipe()
    unraisable, sys.unraisablehook = sys.unraisablehook, _kept_from(sys.unraisablehook)
    watching = (heard, stderr, heard_of, last_words)
    threading.Thread(target=_watch, args=watching, daemon=True, name="interrupts").start()
    try:
        yield
    finally:
        if not _ended_by:  # else the thread stays, to see that the process ends
            _said = None
            sys.unraisablehook = unraisable
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(told)
            lifeline, _lifeline = _lifeline, None
            for descriptor in (tell, *(lifeline or ())):
                os.close(descriptor)


def _own_stderr() -> int | None:
    """Where the last words go while a block silences stderr."""
    try:
        return os.dup(2)
    except OSError:  # closed
        return None


def _interrupt(number: int, _frame: FrameType | None) -> None:
    global _ended_by
    _ended_by = number
    logging.disable(logging.CRITICAL)
    # One is enough: a second would break off what the first has begun.
    for other in _SIGNALS:
        if signal.getsignal(other) is _interrupt:
            signal.signal(other, _leave_alone)
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


# Set when an interrupt was raised where Python has to drop it.
_dropped = threading.Event()


def _kept_from(told: Callable[[Any], object]) -> Callable[[Any], object]:
    """A hook for exceptions that Python has to drop: a dropped interrupt is raised once more, soon after."""

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            told(dropped)
            return
        signal.signal(_ended_by, _interrupt)
        _dropped.set()

    return hook


def _leave_alone(_number: int, _frame: FrameType | None) -> None:
    pass


def _watch(heard: int, stderr: int | None, heard_of: list[signal.Signals], last_words: Callable[[], str]) -> None:
    while number := os.read(heard, 1):
        if number[0] in heard_of:
            break
    else:  # the other end was closed
        for descriptor in filter(None, (heard, stderr)):
            os.close(descriptor)
        return
    if _dropped.wait(_SECONDS_TO_LEAVE):
        time.sleep(0.1)  # until what dropped it is over
        _thread.interrupt_main(signal.Signals(number[0]))
        time.sleep(_SECONDS_TO_LEAVE)
    for worker in multiprocessing.active_children():
        worker.kill()
    with contextlib.suppress(Exception):
        if stderr is not None:
            _say(lambda line: os.write(stderr, f"{line}\n".encode(errors="backslashreplace")), last_words)
    os._exit(128 + number[0])


@contextlib.contextmanager
def heard_in_a_fork() -> Iterator[None]:
    """Within a forked process, which a signal ends at once, let the block be left with a `KeyboardInterrupt` first.

    For work that keeps what it has come to. The process ends as the signal would have ended it when the block has been
    left, and is killed by the one that forked it if that takes long. Elsewhere the block is as it would be without.
    """
    if multiprocessing.parent_process() is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if not came:
            came.append(number)
            raise KeyboardInterrupt

    replaced = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in replaced:
        signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if came:
            signal.signal(came[0], signal.SIG_DFL)
            os.kill(os.getpid(), came[0])
        raise
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def _as_a_worker() -> None:
    global _lifeline
    if _said is None or _lifeline is None:
        return
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        if signal.getsignal(number) in (_interrupt, _leave_alone):
            signal.signal(number, signal.SIG_DFL)
    (ends, stays), _lifeline = _lifeline, os.pipe()
    os.close(stays)  # or this process would hold the end by which it and its siblings notice
    _thread.start_new_thread(_end_with_parent, (ends,))


def _end_with_parent(ends: int) -> None:
    while os.read(ends, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_as_a_worker)
