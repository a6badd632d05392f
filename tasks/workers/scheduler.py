"""`nst-scheduler`: Luigi's central scheduler, set for grids, and with its state on disk at any moment.

Luigi's `luigid` writes its state when it ends in good order only, tries what a killed worker has left again after a
quarter of an hour, and forgets what nobody waits for any more. What a person's files of Luigi's set comes first.
"""

from __future__ import annotations

import argparse
import logging
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

from luigi.scheduler import BATCH_RUNNING, PENDING, RUNNING, Scheduler, SimpleTaskState
from luigi.scheduler import scheduler as SchedulerConfig
from platformdirs import user_state_path

from nstcore.errors import OutputError, StyleTransferError
from nstcore.system.entry_point import BAD_INPUT, OneLineParser
from nstcore.system.files import write_whole
from nstcore.system.places import make_folder
from nstcore.system.streams import tell
from tasks.defaults import AS_MANY_AS_THERE_ARE_WORKERS, set_unless_set
from tasks.workers.supervisor import end_with_parent

logger = logging.getLogger("luigi.scheduler")

#: Where a scheduler is looked for, as by Luigi itself.
HOST, PORT = "127.0.0.1", 8082
_SETTINGS: dict[str, dict[str, Any]] = {
    "scheduler": {
        # What a worker has left that was killed: known after 20 s without a word, tried again at once.
        "worker_disconnect_delay": 20.0,
        "retry_delay": 1.0,
        "prune_on_get_work": True,
        # What kept killing its workers (see `retry_count` of the tasks) may be asked for again after ten minutes.
        "disable_persist": 600,
        # A grid goes on when the one that asked for it has gone.
        "remove_delay": 86400.0,
    },
    "resources": {"accelerator": AS_MANY_AS_THERE_ARE_WORKERS, "night": 1},
}
# What is being made is not changed.
_AT_WORK = (RUNNING, BATCH_RUNNING)
_SECONDS_BETWEEN_PRUNINGS, _SECONDS_BETWEEN_DUMPS = 5.0, 5.0
# Share of the time that may go into writing the state, which is large for large grids.
_SHARE_OF_DUMPS = 0.02


def main(words: list[str] | None = None) -> int:
    """Serve until interrupted or terminated."""
    options = _parser().parse_args(words)
    if options.with_parent:
        end_with_parent()
    try:
        serve(options.address, options.port, Path(options.state) if options.state else default_state(options.port))
    except (StyleTransferError, OSError) as error:
        tell(f"nst-scheduler: {options.address}:{options.port}: {error}")
        return BAD_INPUT
    return 0


def default_state(port: int) -> Path:
    """Where the state of the scheduler of a port lies, unless it is said."""
    return user_state_path("nstcore", appauthor=False) / f"scheduler-{port}.pickle"


def serve(address: str, port: int, state: Path) -> None:
    """Be the scheduler of an address.

    Raises:
        OutputError: if the state cannot be written.
        OSError: if another program has the port.
    """
    import tornado.ioloop
    from luigi import server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.WARNING)  # a line for every word of every worker
    for section, settings in _SETTINGS.items():
        for name, value in settings.items():
            set_unless_set(section, name, value)
    make_folder(state.parent)
    scheduler = KeptScheduler(state)
    for seconds, call in (
        (_SECONDS_BETWEEN_PRUNINGS, scheduler.prune),
        (_SECONDS_BETWEEN_DUMPS, scheduler.dump_if_due),
    ):
        tornado.ioloop.PeriodicCallback(call, 1000 * seconds).start()
    logger.info("scheduler for grids at http://%s:%d, its state in %s", address, port, state)
    server.run(api_port=port, address=address, scheduler=scheduler)


class KeptScheduler(Scheduler):
    """Luigi's scheduler, whose state is on disk a few seconds after each change."""

    def __init__(self, state: Path) -> None:
        super().__init__(config=SchedulerConfig(state_path=os.fspath(state)))
        collector = self._state._metrics_collector
        self._state: SimpleTaskState = _KeptState(os.fspath(state))
        self._state._metrics_collector = collector
        self._dump_after = 0.0

    def add_task(self, task_id: str | None = None, **others: Any) -> Any:
        """Take what a worker says of a task; one that is asked for anew takes the settings that it is asked for with.

        Luigi keeps the first ones for as long as it knows the task, those that change no result (`--keep-state`,
        `--batch-size`) too.
        """
        known, params = self._state.get_task(task_id), others.get("params")
        if known is not None and params and others.get("status", PENDING) == PENDING and known.status not in _AT_WORK:
            known.set_params(params)
        return super().add_task(task_id=task_id, **others)

    def dump_if_due(self) -> None:
        """Write the state, unless that took long a short while ago."""
        if time.monotonic() < self._dump_after:
            return
        began = time.monotonic()
        self.dump()
        took = time.monotonic() - began
        self._dump_after = began + took / _SHARE_OF_DUMPS


class _KeptState(SimpleTaskState):
    """A state whose file is whole at any moment."""

    _written = b""

    def dump(self) -> None:
        content = pickle.dumps(self.get_state())
        if content == self._written:
            return
        try:
            write_whole(self._state_path, content)
        except OutputError as error:
            logger.warning("the state is not kept: %s", error)
        else:
            self._written = content

    def load(self) -> None:
        super().load()
        for worker in self._active_workers.values():
            worker.last_active = time.time()  # they could not be heard of meanwhile


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="nst-scheduler", description="A scheduler that workers of many machines share.")
    parser.add_argument(
        "--address", default=HOST, help="where it listens; 0.0.0.0 for other machines, in a network you trust"
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"default {PORT}")
    parser.add_argument(
        "--state", default="", metavar="FILE", help="where its state is kept; default: a file of the user's"
    )
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser


def _port(text: str) -> int:
    if not is_port(text):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 65535. Received: {text!r}")
    return int(text)


def is_port(text: str) -> bool:
    """Whether a text is the number of a port."""
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535


if __name__ == "__main__":
    sys.exit(main())
