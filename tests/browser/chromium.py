"""Finds a Chromium, which is the one thing that the tests of this tier need from the machine."""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Playwright

# The first two are Chromium without what draws on a screen: the same pages take less than half of the CPU.
NAMES = (
    *("chromium-headless-shell", "chrome-headless-shell"),
    *("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"),
)
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
MISSING = (
    "no Chromium on this machine, and the browser tests need one: install it "
    "(Debian: `apt-get install chromium-headless-shell`; elsewhere: `.venv/bin/playwright install chromium`), "
    "or name one in the variable CHROMIUM"
)
# No look-ups of hosts at start. A sandbox of its own is not to be had as root, as in a container.
ARGUMENTS = [
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
    *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
]


class MissingChromiumError(Exception):
    """There is no Chromium; the message says how to get one."""


def find(playwright: Playwright) -> str:
    """Return the path of the Chromium that CHROMIUM names, of the system's, or of Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    installed = (*(shutil.which(name) for name in NAMES), MAC, playwright.chromium.executable_path)
    for path in installed:
        if path and Path(path).exists():
            return str(path)
    raise MissingChromiumError(MISSING)
