"""One worker that serves a central scheduler until it is ended: `nst-workers` starts as many as it is asked for."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
from types import FrameType

from luigi.interface import core
from luigi.setup_logging import InterfaceLogging

from nstcore.system.streams import tell
from pipeline.sharing import shared_run
from pipeline.sharing.leases import release_all
from tasks.workers.patient import PatientScheduler
from tasks.workers.supervisor import end_with_parent
from tasks.workers.worker import GridWorker

_SECONDS_TO_END = 2.0
_TERMINATED = 128 + signal.SIGTERM

logger = logging.getLogger("luigi-interface")


def main() -> int:
    """Do what the scheduler gives, one task at a time, in this process: a network that is loaded stays."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scheduler", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--module", required=True)
    options = parser.parse_args()
    importlib.import_module(options.module)
    signal.signal(signal.SIGTERM, _end)
    end_with_parent()
    InterfaceLogging.setup(core())
    shared_run.serve_only()
    scheduler = PatientScheduler(options.scheduler)
    worker = GridWorker(
        scheduler=scheduler, worker_processes=1, assistant=True, keep_alive=True, worker_id=options.name
    )
    try:
        with worker:
            worker.run()
    except KeyboardInterrupt:
        return _TERMINATED
    except Exception as error:
        logger.debug("", exc_info=True)
        tell(f"nst-workers: {options.name}: {error}")
        return 1
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C would: whatever is held or half written is put away, and no task counts as failed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    watch = threading.Timer(_SECONDS_TO_END, _leave)
    watch.daemon = True
    watch.start()
    raise KeyboardInterrupt


def _leave() -> None:
    """End in the middle of what does not let go, or has dropped the exception as callbacks do."""
    release_all()
    os._exit(_TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
