"""Ctrl-C ends a command: soon, with one line, whatever the command is doing.

Python turns the signal into a `KeyboardInterrupt` wherever the main thread happens to be. Some of these places keep it
to themselves: packages that catch everything while they are imported, as TensorFlow's do, finalizers, and what runs
before and after a fork. Others do not come back to Python for long, such as a network's evaluation. A thread that
hears of the signal at once therefore ends the process if it has not ended by itself.
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

#: The exit status that shells give to what Ctrl-C ended.
INTERRUPTED = 130

# Long enough to leave by way of every `finally`: files under way are removed, workers ended.
_SECONDS_TO_LEAVE = 3.0


@contextlib.contextmanager
def ended_by_interrupt(last_words: Callable[[], str]) -> Iterator[None]:
    """See that Ctrl-C leaves the block with a `KeyboardInterrupt`, after one line on stderr, and that the process ends.

    Nothing is logged after the signal. Processes that are forked within the block end at once and silently when the
    signal reaches them too, as from a terminal, and are ended by this one otherwise. Where the signal is not heard of
    (it is ignored, or this is not the main thread) there is only the line.

    Args:
        last_words: the line; asked for when it is written.
    """
    with contextlib.ExitStack() as stack:
        if _hears_interrupts():
            stack.enter_context(_watched(last_words))
        try:
            yield
        except KeyboardInterrupt:
            _say(streams.tell, last_words)
            raise


def _hears_interrupts() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler


# Whether the last words were said, by whichever thread came first. None: no block is being watched.
_said: bool | None = None
_saying = threading.Lock()


def _say(write: Callable[[str], object], last_words: Callable[[], str]) -> None:
    global _said
    with _saying:
        if not _said:
            write(last_words())
        if _said is not None:
            _said = True


@contextlib.contextmanager
def _watched(last_words: Callable[[], str]) -> Iterator[None]:
    global _said
    heard, tell = os.pipe()
    os.set_blocking(tell, False)
    stderr = _own_stderr()
    told = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _interrupt)
    _said = False
    unraisable, sys.unraisablehook = sys.unraisablehook, _kept_from(sys.unraisablehook)
    threading.Thread(target=_watch, args=(heard, stderr, last_words), daemon=True, name="interrupts").start()
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is not _leave_alone:  # else the thread stays, to see that the process ends
            _said = None
            sys.unraisablehook = unraisable
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.set_wakeup_fd(told)
            os.close(tell)


def _own_stderr() -> int | None:
    """Where the last words go while a block silences stderr."""
    try:
        return os.dup(2)
    except OSError:  # closed
        return None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, _leave_alone)  # one is enough: a second would break off what the first has begun
    raise KeyboardInterrupt


# Set when an interrupt was raised where Python has to drop it.
_dropped = threading.Event()


def _kept_from(told: Callable[[Any], object]) -> Callable[[Any], object]:
    """A hook for exceptions that Python has to drop: a dropped interrupt is raised once more, soon after."""

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            told(dropped)
            return
        signal.signal(signal.SIGINT, _interrupt)
        _dropped.set()

    return hook


def _leave_alone(_number: int, _frame: FrameType | None) -> None:
    pass


def _watch(heard: int, stderr: int | None, last_words: Callable[[], str]) -> None:
    while number := os.read(heard, 1):
        if number[0] == signal.SIGINT:
            break
    else:  # the other end was closed
        for descriptor in filter(None, (heard, stderr)):
            os.close(descriptor)
        return
    if _dropped.wait(_SECONDS_TO_LEAVE):
        time.sleep(0.1)  # until what dropped it is over
        _thread.interrupt_main()
        time.sleep(_SECONDS_TO_LEAVE)
    for worker in multiprocessing.active_children():
        worker.kill()
    with contextlib.suppress(Exception):
        if stderr is not None:
            _say(lambda line: os.write(stderr, f"{line}\n".encode(errors="backslashreplace")), last_words)
    os._exit(INTERRUPTED)


def _as_a_worker() -> None:
    if _said is not None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_as_a_worker)
