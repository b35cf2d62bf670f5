"""What tests want to know about a page in a browser."""

from playwright.sync_api import Page


def mark(page: Page) -> None:
    """Leave a mark that a reload would wipe away."""
    page.evaluate("window.notReloaded = true")


def assert_never_reloaded(page: Page) -> None:
    assert page.evaluate("window.notReloaded") is True
