"""A browser that opens pages."""

import shutil
import subprocess

import pytest


@pytest.fixture
def open_page(tmp_path):
    """Return what opens HTML in a browser and gives what its scripts made of it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs chromium to open the page, and there is none")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'user'}",
    ]

    def open_it(text):
        (tmp_path / "opened.html").write_text(f"<!doctype html>{text}")
        command = [chromium, *options, "--dump-dom", f"file://{tmp_path / 'opened.html'}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return open_it
