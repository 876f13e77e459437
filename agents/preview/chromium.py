"""Where this machine's Chromium is. Loads nothing, so that the install can ask before there are settings."""

import os
import shutil
from pathlib import Path

ON_PATH = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OF_PLAYWRIGHT = ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/*/chrome")


def find(given: str = "") -> str:
    """The browser's path; empty when there is none. `given` (the setting CHROMIUM) is not second-guessed."""
    for name in (given,) if given else ON_PATH:
        if found := shutil.which(name):
            return found
    return "" if given else _of_playwright()


def _of_playwright() -> str:
    """The newest that Playwright has downloaded for this user."""
    place = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    for pattern in OF_PLAYWRIGHT:
        found = [path for path in sorted(place.glob(pattern)) if os.access(path, os.X_OK)]
        if found:
            return str(found[-1])
    return ""
