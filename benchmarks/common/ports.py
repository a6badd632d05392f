"""Ports of this machine, for schedulers and servers that a drill, a benchmark or a test starts."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port of the loopback interface that nobody listened at a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
