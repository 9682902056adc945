"""A browser that opens pages."""

import shutil

import pytest

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser():
    """Return a browser that playwright drives."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs chromium to open the page, and there is none")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Return what opens an address at a width; errors of its scripts fail the test."""
    contexts, errors = [], []

    def open_it(url, *, width=1280, height=800, context=None):
        context = context or browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(url)
        ready(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


def ready(page):
    """Wait until a page takes keys."""
    page.wait_for_selector("body:not([data-busy])", timeout=120_000)


@pytest.fixture
def press(open_page):
    """Return what presses keys on a page, one after the other is done."""

    def press_them(page, *keys):
        for key in keys:
            page.keyboard.press(key)
            ready(page)

    return press_them
