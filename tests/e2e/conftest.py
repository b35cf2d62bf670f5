"""A real browser on the real pages, in front of a real engine."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from support.beside import Targets, beside
from support.engine import Engine
from support.pki import Authority
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
expect.set_options(timeout=20_000)  # a check every five seconds, on a machine that may be busy
REFUSED = re.compile(r"ERR_|status of (400|401|409)")
ADMIN = {"TOCSIN_ADMIN_USER": "ada", "TOCSIN_ADMIN_PASSWORD": "correct horse battery"}


@pytest.fixture(scope="module")  # it keeps an event loop running in this thread: not for longer than it is used
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def targets() -> Iterator[Targets]:
    """Servers to be checked, that can be broken and mended while the browser looks on."""
    with beside() as found:
        yield found


@pytest.fixture
def server(engine: Engine, authority: Authority, tmp_path: Path) -> Iterator[Process]:
    """Tocsin with an admin, watching the engine; it may check this machine, and trusts the authority of the tests."""
    process = Process(
        tmp_path / "data",
        TOCSIN_RUNTIME="docker",
        TOCSIN_DOCKER_HOST=engine.url,
        TOCSIN_ARCHIVE_AFTER="1s",
        TOCSIN_EGRESS_ALLOW="127.0.0.1,localhost",
        TOCSIN_CA_FILE=str(authority.write(tmp_path)),
        **ADMIN,
    )
    process.start()
    yield process
    process.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, server: Process) -> Iterator[Page]:
    """A page that is signed in; the test fails if the browser logged an error that is not a lost connection.

    That what somebody typed was refused (400, 401, 409) is no error.
    """
    page = context.new_page()
    problems: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"{message.text} {message.location['url']}")

    page.on("console", hear)
    page.on("pageerror", lambda error: problems.append(str(error)))
    sign_in(page, server)
    yield page
    bad = [text for text in problems if not REFUSED.search(text)]
    assert bad == [], server.log


def sign_in(page: Page, server: Process) -> None:
    page.goto(server.base + "/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_test_id("login-form").get_by_role("button", name="Sign in").click()
    page.wait_for_url(server.base + "/")
