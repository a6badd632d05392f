"""A central scheduler that may be away for a while: its workers wait for it, and none loses its work meanwhile."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from luigi import rpc

from nstcore import ConfigError
from nstcore.checks import expected

logger = logging.getLogger("luigi-interface")

# How long a scheduler may be away; long enough to start its machine anew.
_SECONDS_AWAY, _SECONDS_BETWEEN = 900.0, 2.0
# What is only said, so that it can be left unsaid: no cell waits for a page to show how far it is.
_SAID = ("set_task_status_message", "set_task_progress_percentage", "ping")


class PatientScheduler(rpc.RemoteScheduler):
    """Luigi's client of a central scheduler. It tells of an outage in one line, and of its end in another."""

    _away_since: float | None = None
    _silent_until = 0.0

    def answers(self, seconds: float = 3.0) -> bool:
        """Whether there is a scheduler, within so many seconds.

        Raises:
            ConfigError: if nothing can be at such an address.
        """
        limit = time.monotonic() + seconds
        while True:
            try:
                self._ask("/api/is_paused", {})
                return True
            except self._fetcher.raises:
                if time.monotonic() >= limit:
                    return False
                time.sleep(min(0.2, seconds))
            except ValueError as error:  # such as a name that is too long, or has two dots side by side
                raise ConfigError(expected("scheduler", "the address of one", self._url)) from error

    def _request(self, url: str, data: dict[str, Any], attempts: int = 3, allow_null: bool = True) -> Any:
        if url.rpartition("/")[2] in _SAID:
            return self._said(url, data)
        limit = time.monotonic() + _SECONDS_AWAY
        while True:
            try:
                answer = self._ask(url, data)
            except self._fetcher.raises as error:
                self._tell_away(error)
                if time.monotonic() >= limit:
                    raise rpc.RPCError(f"the scheduler at {self._url} did not come back", error) from error
                time.sleep(_SECONDS_BETWEEN)
                continue
            self._tell_back()
            if answer is not None or allow_null:
                return answer
            attempts -= 1
            if attempts <= 0:
                raise rpc.RPCError(f"the scheduler at {self._url} gave no answer to {url}")

    def _said(self, url: str, data: dict[str, Any]) -> Any:
        if time.monotonic() < self._silent_until:
            return None
        try:
            return self._ask(url, data)
        except self._fetcher.raises:
            self._silent_until = time.monotonic() + _SECONDS_BETWEEN
            return None

    def _ask(self, url: str, data: dict[str, Any]) -> Any:
        body = {"data": json.dumps(data)}
        return json.loads(self._fetcher.fetch(rpc._urljoin(self._url, url), body, self._connect_timeout))["response"]

    def _tell_away(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            reason = str(error).splitlines()[0]
            logger.warning(
                "the scheduler at %s does not answer (%s); asking again for %d minutes",
                self._url,
                reason,
                _SECONDS_AWAY / 60,
            )

    def _tell_back(self) -> None:
        if self._away_since is not None:
            logger.info("the scheduler is back after %.0f s", time.monotonic() - self._away_since)
            self._away_since = None
