"""What Luigi is told by the project itself, so that a grid runs the same in any folder and however it was installed.

A person's `luigi.cfg`, the file that LUIGI_CONFIG_PATH names, and flags come first. Luigi reads its files when it is
imported and asks for values when it needs them, after `--module tasks` was imported; what they leave open is set here.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from luigi.configuration import LuigiConfigParser, get_config

#: Networks that run at once under a central scheduler: each worker has a device of its own, and does one thing at a
#: time.
AS_MANY_AS_THERE_ARE_WORKERS = 1_000_000

_DEFAULTS: dict[str, dict[str, Any]] = {
    "core": {
        "log_level": "INFO",
        # Luigi's lock is for tasks that could be made twice at a time. Here a second command of the same task helps.
        "no_lock": True,
    },
    # How long a worker waits that has nothing to do, in seconds, and how much longer at random.
    "worker": {"wait_interval": 0.5, "wait_jitter": 0.5, "ping_interval": 3.0},
    "resources": {
        "accelerator": 1,  # networks that run at once: one per GPU
        "night": 1,  # nights are compared one with the next, so they are made one at a time
    },
    # What `luigi` exits with; of Luigi's own accord it is 0 even after a failure.
    "retcode": {
        "already_running": 10,
        "missing_data": 20,
        "not_run": 25,
        "task_failed": 30,
        "scheduling_error": 35,
        "unhandled_exception": 40,
    },
    "execution_summary": {"summary_length": 5},
}

#: What names a central scheduler, in files and as flags. Luigi knows the first three by an older name too.
SCHEDULER = ("scheduler_host", "scheduler_port", "scheduler_url")
_SCHEDULER_NAMES = (*SCHEDULER, *(f"default_{name}" for name in SCHEDULER))

# Options whose value is the project's own.
_brought: set[tuple[str, str]] = set()


def bring_defaults() -> None:
    """Set what no file of the person's sets."""
    core: dict[str, Any] = {}
    if not any(_is_set("core", name) for name in _SCHEDULER_NAMES):
        core["local_scheduler"] = True  # one process schedules and works
    if hasattr(os, "getuid"):
        # Luigi's own is one folder for all, which the first user of a machine makes and no other may enter.
        core["lock_pid_dir"] = os.path.join(tempfile.gettempdir(), f"luigi-{os.getuid()}")
    for section, options in {**_DEFAULTS, "core": {**_DEFAULTS["core"], **core}}.items():
        for name, value in options.items():
            set_unless_set(section, name, value)


def set_unless_set(section: str, name: str, value: Any) -> None:
    """Set an option of Luigi's that no file of the person's sets; the last value that is given so counts."""
    if (section, name) in _brought or not _is_set(section, name):
        _brought.add((section, name))
        set_option(section, name, value)


def set_option(section: str, name: str, value: Any) -> None:
    """Set an option of Luigi's, in the form that its kind of file has: only TOML knows types."""
    config = get_config()
    config.set(section, name, str(value) if isinstance(config, LuigiConfigParser) else value)


def _is_set(section: str, name: str) -> bool:
    return bool(get_config().has_option(section, name))
