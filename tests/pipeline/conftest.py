"""A headless Chromium, for the tests that open pages as people do.

They need a Chromium on the path (Debian: `apt-get install chromium`) and Playwright to drive it, and are skipped
without. With NST_REQUIRE_BROWSER=1, as in CI, they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    missing = "" if CHROMIUM else "no Chromium on the path"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "Playwright is not installed"
    if missing:
        (pytest.fail if os.environ.get("NST_REQUIRE_BROWSER") == "1" else pytest.skip)(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


class Opened:
    """A page, and everything that went wrong in it."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
        self.errors: list[str] = []
        self.page = self._new_page()

    def _new_page(self) -> Any:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(f"error: {error}"))
        page.on("console", lambda message: self.errors.append(f"console: {message.text}"))
        page.on("requestfailed", self._failed)
        return page

    def _failed(self, request: Any) -> None:
        # Whoever leaves a picture before it is there does not wait for it.
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"request: {request.url}, {request.failure}")

    def open(self, folder: Path, address: str = "", name: str = "index.html") -> Any:
        self.page.goto("about:blank")  # or only the address within the page would change
        self.page.goto((folder / name).as_uri() + address)
        return self.page

    def tab(self, folder: Path, name: str) -> Any:
        """The page opened beside, in another tab."""
        page = self._new_page()
        page.goto((folder / name).as_uri())
        return page


@pytest.fixture
def browse(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Options of Playwright's `new_context` -> a window of its own, in which nothing may go wrong."""
    windows: list[Opened] = []

    def browse(**options: Any) -> Opened:
        windows.append(Opened(browser, **options))
        return windows[-1]

    yield browse
    for window in windows:
        window.context.close()
    assert [error for window in windows for error in window.errors] == []


@pytest.fixture
def opened(browse: Callable[..., Opened]) -> Opened:
    return browse()


@pytest.fixture
def phone(browse: Callable[..., Opened]) -> Opened:
    return browse(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
