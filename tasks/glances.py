"""Luigi asks every task of a study whether it is done before the first one runs: that is one question.

On object storage it is answered from a few listings. What another process finishes meanwhile may be missed then, which
costs a look when its task is run.
"""

from __future__ import annotations

import functools
from typing import Any

from luigi.worker import Worker

from pipeline.storage.glance import glancing


def schedule_at_a_glance() -> None:
    """Have Luigi's workers ask so, in this process."""
    if hasattr(Worker.add, "__wrapped__"):
        return
    add = Worker.add

    @functools.wraps(add)
    def add_at_a_glance(*arguments: Any, **others: Any) -> Any:
        with glancing():
            return add(*arguments, **others)

    Worker.add = add_at_a_glance
