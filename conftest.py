"""How tests are spread over processes.

`make test` spreads the files over a process per processor (PYTEST_XDIST_AUTO_NUM_WORKERS sets another number), and
`python -m pytest FILE` runs one file in one. The tests of a file run in one process, in their order; those that ask
other backends are one more such file. xdist's own groups (`xdist_group`) do that no longer: it writes them into names
of tests that pytest 9.2 keeps elsewhere, and says nothing.
"""

from __future__ import annotations

import ast
import functools
import gc
import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent
#: The tests that ask the Keras backends, wherever they are.
BACKENDS = "backends"
#: Units of tests that take longest, the longest first.
LONGEST = (
    BACKENDS,
    *(f"tests/tasks/{name}.py" for name in ("test_full_grid", "test_feedforward", "test_object_storage")),
    *(f"tests/tasks/{name}.py" for name in ("test_taken_up", "workers/test_command", "workers/test_two_commands")),
    *(f"tests/tasks/{name}.py" for name in ("test_paper_figures", "test_every_option", "test_luigi_process")),
    *(f"tests/nstcore/networks/{name}.py" for name in ("test_weights_files", "test_further_backbones")),
    "tests/test_wrong_values.py",
)

#: A process that ran everything held 2.2 GiB.
_MEMORY_OF_A_PROCESS = 3 * 2**30


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """`-n auto`: a process per processor that this one may use, as far as the memory goes, unless told otherwise."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(_processors(), memory // _MEMORY_OF_A_PROCESS))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _share_processors() -> None:
    """Leave to each of several processes its share of threads; libraries read this when they are imported."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        threads = str(max(1, _processors() // processes))
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NPROC"):
            os.environ.setdefault(name, threads)


_share_processors()


@functools.cache
def _asking(file: Path) -> set[str]:
    """Tests and fixtures of a file that ask the backends."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    asking = {"ask"}
    while more := {each.name for each in functions if asking & {one.arg for one in each.args.args}} - asking:
        asking |= more
    return asking


def _unit(test: str) -> str:
    """What one process runs in one piece: the tests of a file, or all those that ask the backends.

    What a backend is asked takes minutes; if files did so one by one, all processes would soon wait for the first.
    """
    file, *_, name = test.split("[")[0].split("::")
    return BACKENDS if name in _asking(ROOT / file) else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: at the end nobody waits long for the last."""
    units = {item: _unit(item.nodeid) for item in items}
    items.sort(key=lambda item: LONGEST.index(units[item]) if units[item] in LONGEST else len(LONGEST))


@functools.cache
def _freeze() -> None:
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Spare the garbage collector what stays for ever once Keras is imported: it took a tenth of the time."""
    if "keras" in sys.modules:
        _freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`-n`, `--dist loadgroup`: units, in the order above."""
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _unit(nodeid)

    if config.getvalue("dist") not in ("load", "loadgroup"):
        return None
    config.option.loadscopereorder = False  # by their number of tests
    return Units(config, log)
