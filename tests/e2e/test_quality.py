"""What every page owes everybody: no axe violation, nothing that sticks out, a light first load."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from support.engine import Engine
from support.process import Process

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
RUN = """async (rules) => (await axe.run(document, {runOnly: rules})).violations
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)"""
PUBLIC_PAGES = ("/login", "/setup")
PAGES = (
    "/",
    "/containers",
    "/containers?q=nothing-like-it",
    "/containers/1",
    "/containers/1?tab=timeline",
    "/containers/1?tab=logs",
    "/containers/999",
    "/endpoints",
    "/endpoints?q=nothing-like-it",
    "/endpoints/new",
    "/endpoints/999",
    "/certificates",
    "/certificates/999",
    "/alerts",
    "/alerts?view=history",
    "/alerts?view=silences",
    "/logs?group=Ungrouped",
    "/alerts/1",
    "/settings/channels",
    "/settings/webhooks",
    "/settings/account",
    "/settings/users",
    "/settings/tokens",
    "/settings/audit",
    "/c/wep",
    "/nowhere",
)
FIRST_LOAD_LIMIT_BYTES = 200 * 1024


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_is_accessible(browser: Browser, engine: Engine, server: Process, scheme: str, width: int):
    engine.run("web", image="web:1.0")
    engine.run("crashed", command=("sh", "-c", "echo boom >&2; exit 7"))
    # axe has to be put into the page, which its own policy rightly forbids
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    problems = []
    try:
        for path in PUBLIC_PAGES:
            problems += look(page, server, path)
        context.set_extra_http_headers({"Authorization": "Bearer a-token-for-the-tests-only"})
        for path in PAGES:
            problems += look(page, server, path)
    finally:
        context.close()
    assert problems == []


def look(page: Page, server: Process, path: str) -> list[str]:
    page.goto(server.base + path)
    page.wait_for_selector("h1")
    page.wait_for_timeout(300)
    page.add_script_tag(path=AXE)
    found = [f"{path}: {violation}" for violation in page.evaluate(RUN, RULES)]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append(f"{path}: something is wider than the page")
    return found


def test_the_first_load_is_light(browser: Browser, server: Process):
    context = browser.new_context(extra_http_headers={"Authorization": "Bearer a-token-for-the-tests-only"})
    page = context.new_page()
    sizes: list[int] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    kinds: dict[str, str] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished",
        lambda event: (
            sizes.append(int(event["encodedDataLength"]))
            if kinds.get(event["requestId"]) in {"Script", "Stylesheet"}
            else None
        ),
    )
    page.goto(server.base + "/")
    page.wait_for_selector("h1")
    page.wait_for_timeout(500)
    context.close()
    assert sizes
    assert sum(sizes) <= FIRST_LOAD_LIMIT_BYTES, sum(sizes)
    print(f"first load: {sum(sizes) / 1024:.0f} KB of script and style")


def test_the_pages_and_the_reference_keep_to_their_policy(browser: Browser, server: Process):
    context = browser.new_context(extra_http_headers={"Authorization": "Bearer a-token-for-the-tests-only"})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for path in ("/", "/containers", "/api/docs"):
        page.goto(server.base + path)
        page.wait_for_timeout(800)
    assert page.get_by_text("/api/v1/containers", exact=True).first.is_visible()
    context.close()
    assert problems == []
