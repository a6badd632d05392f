"""A program that writes keras.applications' own weights: `… -m nstcore.networks.weights.keras_child NETWORK OUT.npz`.

A program of its own because Keras downloads without any time limit: a child can be given one, and be ended. Keras
looks into its cache first; before it opens any URL the host is asked for a sign of life. If it fails, a line of
standard error that begins with "ERROR: " says why and the exit status is 1.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import urllib.error
import urllib.request
from typing import Any

import numpy as np

from nstcore.keras_settings.numerics import own_numerics
from nstcore.keras_settings.start import start_keras
from nstcore.networks.backbones import build_application
from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.failures import one_line
from nstcore.networks.weights.network import read_arrays

#: Longest wait for the first sign of life of the host, in seconds, name resolution included.
PROBE_SECONDS = 4.0
#: Longest silence in the middle of a download, in seconds.
_SILENCE_SECONDS = 30.0


def probe(url: str, seconds: float = PROBE_SECONDS) -> None:
    """Ask for the headers of a URL, by way of a proxy where one is configured; any answer will do.

    Raises:
        urllib.error.URLError: nobody answered in time, or there is no way to the host.
    """
    outcome: queue.Queue[BaseException | None] = queue.Queue()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
            outcome.put(None)
        except urllib.error.HTTPError as error:
            error.close()
            outcome.put(None)
        except Exception as error:
            outcome.put(error)

    # In a thread, because the resolution of a name knows no time limit.
    threading.Thread(target=ask, daemon=True).start()
    try:
        error = outcome.get(timeout=seconds + 0.5)
    except queue.Empty:
        error = TimeoutError()
    if isinstance(error, TimeoutError) or (
        isinstance(error, urllib.error.URLError) and isinstance(error.reason, TimeoutError)
    ):
        raise urllib.error.URLError(f"no answer within {seconds:g} s")
    if error is not None:
        raise error if isinstance(error, urllib.error.URLError) else urllib.error.URLError(str(error))


def _probe_before_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "urllib.Request":
        url, _, _, method = arguments
        if method != "HEAD":
            probe(url)


@own_numerics()
def official_arrays(application: str) -> Arrays:
    """Weights of `keras.applications` for ImageNet, from Keras' cache or its host, under the names of our network."""
    return read_arrays(build_application(application, weights="imagenet"))


def main(application: str, path: str) -> int:
    """Write the weights that Keras has of one network for ImageNet, and return the exit status."""
    socket.setdefaulttimeout(_SILENCE_SECONDS)
    sys.addaudithook(_probe_before_opening)
    try:
        start_keras()
        arrays = official_arrays(application)
    except Exception as error:  # Keras raises bare Exception where a download fails
        print(f"\nERROR: {one_line(error)}", file=sys.stderr)
        return 1
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
