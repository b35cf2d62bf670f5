"""A real browser on the real pages, in front of a real engine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support.engine import Engine
from support.process import Process

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ADMIN = {"TOCSIN_ADMIN_USER": "ada", "TOCSIN_ADMIN_PASSWORD": "correct horse battery"}


@pytest.fixture(scope="module")  # it keeps an event loop running in this thread: not for longer than it is used
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server(engine: Engine, tmp_path: Path) -> Iterator[Process]:
    """Tocsin with an admin, watching the engine."""
    process = Process(
        tmp_path / "data",
        TOCSIN_RUNTIME="docker",
        TOCSIN_DOCKER_HOST=engine.url,
        TOCSIN_ARCHIVE_AFTER="1s",
        **ADMIN,
    )
    process.start()
    yield process
    process.stop()


class Problems(list[str]):
    """What the browser complained about."""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, server: Process) -> Iterator[Page]:
    """A page that is signed in; the test fails if the browser logged an error that is not a lost connection."""
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    sign_in(page, server)
    yield page
    bad = [text for text in problems if "ERR_" not in text and "401" not in text]
    assert bad == []


def sign_in(page: Page, server: Process) -> None:
    page.goto(server.base + "/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_test_id("login-form").get_by_role("button", name="Sign in").click()
    page.wait_for_url(server.base + "/")
