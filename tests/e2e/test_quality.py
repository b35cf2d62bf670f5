"""What every page owes everybody: no axe violation, nothing that sticks out, a light first load."""

import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.behaviours import answer
from support.beside import Targets
from support.engine import Engine
from support.pki import Authority
from support.process import Process

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
RUN = """async (rules) => (await axe.run(document, {runOnly: rules})).violations
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)"""
STICKS_OUT = """() => {
    const main = document.querySelector('main')
    if (!main) return document.documentElement.scrollWidth > window.innerWidth
    const edge = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight)
    const isOut = (part) => !part.closest('.overflow-x-auto') && part.getBoundingClientRect().right > edge + 1
    const parts = [...main.querySelectorAll('h1, .btn, .field, .card')]
    return document.documentElement.scrollWidth > window.innerWidth || parts.some(isOut)
}"""
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
    "/endpoints?status=down",
    "/endpoints/new",
    "/endpoints/999",
    "/endpoints/999/edit",
    "/heartbeats",
    "/heartbeats?q=nothing-like-it",
    "/heartbeats?status=down",
    "/heartbeats/new",
    "/heartbeats/999",
    "/heartbeats/999/edit",
    "/certificates",
    "/certificates?q=nothing-like-it",
    "/certificates?status=expired",
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
ENDPOINTS = ("well", "broken", "paused", "gone")
HEARTBEATS = ("well", "failed", "running", "new", "paused")
CERTIFICATES = ("well", "expired", "foreign", "halved", "self-signed")
FIRST_LOAD_LIMIT_BYTES = 200 * 1024


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_is_accessible(
    browser: Browser,
    engine: Engine,
    server: Process,
    targets: Targets,
    authority: Authority,
    scheme: str,
    width: int,
):
    engine.run("web", image="web:1.0")
    engine.run("crashed", command=("sh", "-c", "echo boom >&2; exit 7"))
    endpoints, certificates = fill(server, targets, authority)
    heartbeats = fill_heartbeats(server)
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
        for number in endpoints.values():
            problems += look(page, server, f"/endpoints/{number}")
        problems += look(page, server, f"/endpoints/{endpoints['gone']}/edit")
        problems += look(page, server, f"/endpoints/{endpoints['well']}?view=phases&range=1h")
        problems += look(page, server, f"/endpoints/{endpoints['broken']}/edit", try_it)
        problems += look(page, server, "/endpoints/new", make_a_mistake)
        for number in heartbeats.values():
            problems += look(page, server, f"/heartbeats/{number}")
        problems += look(page, server, f"/heartbeats/{heartbeats['failed']}", open_bodies)
        problems += look(page, server, f"/heartbeats/{heartbeats['well']}/edit", see_the_next_times)
        problems += look(page, server, "/heartbeats/new", open_more)
        for number in certificates.values():
            problems += look(page, server, f"/certificates/{number}")
        problems += look(page, server, f"/certificates/{certificates['well']}", edit_rules)
        problems += look(page, server, "/certificates", watch_one_more)
        problems += look(page, server, "/alerts", open_evidence)
    finally:
        context.close()
    assert problems == []


def test_longer_words_have_room_on_a_phone(
    browser: Browser, engine: Engine, server: Process, targets: Targets, authority: Authority
):
    engine.run("web", image="web:1.0")
    engine.run("crashed", command=("sh", "-c", "echo boom >&2; exit 7"))
    endpoints, certificates = fill(server, targets, authority)
    heartbeats = fill_heartbeats(server)
    places = [f"/endpoints/{number}" for number in endpoints.values()]
    places += [f"/endpoints/{endpoints['well']}/edit", *(f"/certificates/{number}" for number in certificates.values())]
    places += [f"/heartbeats/{number}{part}" for number in heartbeats.values() for part in ("", "/edit")]
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        locale="fr-FR",
        extra_http_headers={"Authorization": "Bearer a-token-for-the-tests-only"},
    )
    page = context.new_page()
    problems = []
    try:
        for path in (*PAGES, *places):
            page.goto(server.base + path)
            page.wait_for_selector("h1")
            page.wait_for_timeout(300)
            problems += sticking_out(page, path)
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        expect(page.get_by_role("link", name="Certificats").first).to_be_visible()
    finally:
        context.close()
    assert problems == []


def fill(server: Process, targets: Targets, authority: Authority) -> tuple[dict[str, int], dict[str, int]]:
    """Make endpoints and certificates in every state; return their ids when they have been looked at."""
    well = targets.serve(answer(b"well"), tls=authority.good())
    broken = targets.serve(answer(b"the database is away " * 40, 503))
    bases = (f"https://localhost:{well.port}/health", broken.base, broken.base, well.address)
    endpoints = {}
    for name, base in zip(ENDPOINTS, bases, strict=True):
        kind = "http" if base.startswith("http") else "tcp"
        more = {"headers": {"Authorization": "Bearer secret"}} if kind == "http" else {"send": "HELO", "expect": "250 "}
        body = {"name": f"{name}-with-a-long-name-that-nobody-cuts", "target": base, "endpoint_type": kind, **more}
        body |= {"interval": "1h", "timeout": "2s", "failure_threshold": 1}
        endpoints[name] = server.post("/api/v1/endpoints", body)["endpoint"]["id"]
    leaves = (
        authority.expires_in(60),
        authority.expired(),
        authority.other_name(),
        authority.incomplete(),
        authority.self_signed(),
    )
    certificates = {}
    for name, leaf in zip(CERTIFICATES, leaves, strict=True):
        body = {"hostname": "localhost", "port": targets.serve(answer(b"well"), tls=leaf).port}
        certificates[name] = server.post("/api/v1/certificates", body)["certificate"]["id"]
    deadline = time.monotonic() + 30
    while not all(one["last_check_at"] for one in server.get("/api/v1/endpoints")["endpoints"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.post(f"/api/v1/endpoints/{endpoints['paused']}/pause", {})
    shown = {one["id"]: one for one in server.get("/api/v1/endpoints")["endpoints"]}
    assert [shown[number]["status"] for name, number in endpoints.items() if name != "paused"] == ["up", "down", "down"]
    assert shown[endpoints["paused"]]["paused"]
    return endpoints, certificates


def fill_heartbeats(server: Process) -> dict[str, int]:
    """Make heartbeats in every state; return their ids."""
    made = {}
    for name in HEARTBEATS:
        body = {"name": f"{name}-with-a-long-name-that-nobody-cuts", "tags": ["backup", "a-rather-long-tag"]}
        timing = {"schedule": "0 2 * * *", "timezone": "Asia/Tokyo"} if name == "well" else {"interval_seconds": 3600}
        made[name] = server.post("/api/v1/heartbeats", {**body, **timing, "failure_keywords": ["ERROR"]})
    for name, what, said in (
        ("well", "/start", None),
        ("well", "/0", "dumped"),
        ("failed", "/3", "no room " * 40),
        ("running", "/start?rid=night", None),
        ("paused", "/log", "a note"),
    ):
        request = urllib.request.Request(made[name]["ping_url"] + what, None if said is None else said.encode())
        urllib.request.urlopen(request, timeout=10).close()
    server.post(f"/api/v1/heartbeats/{made['paused']['id']}/pause", {})
    shown = {one["id"]: one["status"] for one in server.get("/api/v1/heartbeats")["heartbeats"]}
    assert [shown[one["id"]] for one in made.values()] == ["up", "down", "started", "new", "paused"]
    return {name: int(one["id"]) for name, one in made.items()}


def just_look(_page: Page) -> None:
    pass


def try_it(page: Page) -> None:
    page.get_by_role("button", name="Test it").click()
    expect(page.get_by_test_id("trial")).to_be_visible()


def make_a_mistake(page: Page) -> None:
    page.get_by_label("URL").fill("nowhere")
    page.get_by_label("Name", exact=True).fill("nowhere")
    page.get_by_text("What the answer must say").click()
    page.get_by_role("button", name="Add header").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)


def open_bodies(page: Page) -> None:
    expect(page.get_by_test_id("ping").first).to_be_visible()
    for summary in page.get_by_text("1 line said").all():
        summary.click()
    page.get_by_role("tab", name="Kubernetes").click()
    expect(page.get_by_test_id("snippet-kubernetes")).to_be_visible()


def see_the_next_times(page: Page) -> None:
    expect(page.get_by_test_id("preview")).to_be_visible()
    page.get_by_label("Time zone").fill("Mars/Olympus")
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)


def open_more(page: Page) -> None:
    page.get_by_text("More", exact=True).click()
    expect(page.locator("[name=slug]")).to_be_visible()


def edit_rules(page: Page) -> None:
    page.get_by_role("button", name="Edit").click()
    expect(page.locator("[name=warning_thresholds]")).to_be_visible()


def watch_one_more(page: Page) -> None:
    page.get_by_role("button", name="Watch a certificate").click()
    expect(page.get_by_test_id("certificate-form")).to_be_visible()


def open_evidence(page: Page) -> None:
    for summary in page.get_by_text("Evidence", exact=True).all():
        summary.click()


def look(page: Page, server: Process, path: str, act: Callable[[Page], None] = just_look) -> list[str]:
    """Go there, do something, and return what is wrong with the page."""
    page.goto(server.base + path)
    page.wait_for_selector("h1")
    act(page)
    page.wait_for_timeout(300)
    page.add_script_tag(path=AXE)
    found = [f"{path} {act.__name__}: {violation}" for violation in page.evaluate(RUN, RULES)]
    return found + sticking_out(page, f"{path} {act.__name__}")


def sticking_out(page: Page, where: str) -> list[str]:
    return [f"{where}: something is wider than the page"] if page.evaluate(STICKS_OUT) else []


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
