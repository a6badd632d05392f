"""Named by tests as `nst-workers --module slowed_tasks`: the tasks, in processes whose iterations take longer."""

from __future__ import annotations

from slowed_luigi import slow

import tasks  # noqa: F401

slow(0.05)
