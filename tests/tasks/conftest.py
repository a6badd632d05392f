"""What the tests of the tasks share."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from unittest import mock

import luigi
import pytest
from luigi.execution_summary import LuigiRunResult

from tasks import outcome


def _run(task: luigi.Task) -> LuigiRunResult:
    with mock.patch.object(outcome, "_RUN", uuid.uuid4().hex):
        return luigi.build([task], local_scheduler=True, detailed_summary=True, log_level="WARNING")


@pytest.fixture(scope="session")
def run() -> Callable[[luigi.Task], LuigiRunResult]:
    """Run a task as a new `luigi` process would."""
    return _run
