"""What the tests of the tasks share."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import luigi
import pytest
from luigi.execution_summary import LuigiRunResult

from tasks import outcome


@pytest.fixture
def run(monkeypatch) -> Callable[[luigi.Task], LuigiRunResult]:
    """Run a task as a new `luigi` process would."""

    def run(task: luigi.Task) -> LuigiRunResult:
        monkeypatch.setattr(outcome, "_RUN", uuid.uuid4().hex)
        return luigi.build([task], local_scheduler=True, detailed_summary=True, log_level="WARNING")

    return run
