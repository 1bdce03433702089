"""Headless Chromium, for the tests of pages."""

import contextlib
import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: `apt-get install chromium`")
SCREENSHOTS = os.environ.get("JAXENVS_SCREENSHOTS")
"""A folder to which the tests write pictures of the pages, for people to look at."""


@contextlib.contextmanager
def chromium(*arguments):
    """A browser, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        yield browser
        browser.close()
