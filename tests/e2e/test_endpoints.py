"""An endpoint from the first test of its address to its end; how it breaks, rings and recovers before one's eyes."""

import re
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from support.behaviours import answer
from support.beside import Targets
from support.engine import Engine
from support.pages import assert_never_reloaded, mark
from support.process import Process

JSON = {"Content-Type": "application/json"}
WELL = answer('{"status":"ok"}', headers=JSON)
BROKEN = answer("the database is away", 503)
OFTEN: dict[str, Any] = {"interval": "5s", "timeout": "1s", "failure_threshold": 1, "recovery_threshold": 1}
RARELY: dict[str, Any] = {"interval": "24h", "timeout": "2s"}


def add(server: Process, name: str, target: str, **options: Any) -> int:
    """Add an endpoint by the API, and return its id."""
    kind = "http" if target.startswith("http") else "tcp"
    body = {"name": name, "target": target, "endpoint_type": kind, **RARELY, **options}
    return int(server.post("/api/v1/endpoints", body)["endpoint"]["id"])


def row(page: Page, name: str) -> Locator:
    return page.locator(f'[data-testid="endpoint-row"][data-name="{name}"]')


def field(page: Page, name: str) -> Locator:
    return page.get_by_test_id("endpoint-form").locator(f'[name="{name}"]')


def head(page: Page) -> Locator:
    """The head of an endpoint's page: its name, how it is, why, and what can be done."""
    return page.locator("main header")


def badge(page: Page) -> Locator:
    return head(page).get_by_test_id("endpoint-badge")


def checks(page: Page) -> Locator:
    return page.get_by_test_id("check")


def test_an_address_is_tested_saved_and_then_checked_again_and_again(page: Page, server: Process, targets: Targets):
    target = targets.serve(answer('{"status":"sick"}', headers=JSON))
    page.get_by_role("link", name="Endpoints").first.click()
    expect(page.get_by_text("Nothing is checked yet")).to_be_visible()
    expect(page.get_by_text("tocsin.endpoint.http:")).to_be_visible()
    mark(page)
    page.get_by_role("link", name="Add endpoint").click()

    field(page, "target").fill(target.base + "/health")
    page.keyboard.press("Tab")
    expect(field(page, "name")).to_have_value("127.0.0.1")
    page.keyboard.type("shop")
    expect(field(page, "name")).to_have_value("shop")  # what was suggested is replaced
    page.get_by_text("What the answer must say").click()
    field(page, "json_path").fill("$.status")
    field(page, "json_equals").fill("ok")
    page.get_by_role("button", name="Test it").click()

    trial = page.get_by_test_id("trial")
    expect(trial).to_have_attribute("data-standing", "down")
    expect(trial).to_contain_text("HTTP 200")
    expect(trial).to_contain_text("sick")
    expect(trial).to_contain_text("application/json")
    expect(trial).to_contain_text("it is not kept")

    target.script = WELL
    page.get_by_role("button", name="Test it").click()
    expect(trial).to_have_attribute("data-standing", "up")
    assert server.get("/api/v1/endpoints")["total"] == 0
    assert [request.path for request in target.requests] == ["/health", "/health"]

    field(page, "interval").fill("5s")
    field(page, "timeout").fill("1s")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("shop")
    expect(badge(page)).to_have_attribute("data-standing", "up")
    expect(page.get_by_text("$.status = ok")).to_be_visible()
    expect(checks(page).nth(1)).to_contain_text("200")  # a second check came by itself
    page.get_by_role("link", name="Endpoints").first.click()
    expect(row(page, "shop")).to_have_attribute("data-standing", "up")
    assert_never_reloaded(page)


def test_an_endpoint_that_breaks_rings_with_the_reason_and_recovers(page: Page, server: Process, targets: Targets):
    target = targets.serve(WELL)
    add(server, "shop", target.base, **OFTEN)
    page.get_by_role("link", name="Endpoints").first.click()
    expect(row(page, "shop")).to_have_attribute("data-standing", "up")
    mark(page)

    target.script = BROKEN

    expect(row(page, "shop")).to_have_attribute("data-standing", "down")
    bell = page.get_by_role("link", name="Alerts 1").first
    expect(bell).to_be_visible()
    bell.click()
    alert = page.get_by_test_id("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("shop")
    expect(alert).to_contain_text("unexpected status code 503, expected 2xx")
    alert.get_by_text("Evidence").click()
    expect(alert).to_contain_text("Expected")
    expect(alert).to_contain_text("the database is away")
    alert.get_by_role("link", name="shop", exact=True).click()
    expect(badge(page)).to_have_attribute("data-standing", "down")
    expect(head(page)).to_contain_text("unexpected status code 503")
    expect(page.get_by_test_id("alert")).to_have_attribute("data-status", "active")
    page.get_by_role("link", name="Dashboard").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 problem")
    page.get_by_role("link", name="Alerts").first.click()

    target.script = WELL

    expect(page.get_by_text("All quiet")).to_be_visible()
    expect(page.get_by_role("link", name="Alerts 1")).to_have_count(0)
    page.get_by_role("button", name="History").click()
    expect(page.get_by_test_id("alert")).to_contain_text("Recovered")
    page.get_by_role("link", name="Endpoints").first.click()
    expect(row(page, "shop")).to_have_attribute("data-standing", "up")
    assert_never_reloaded(page)
    assert len(server.get("/api/v1/alerts?source=endpoint")["alerts"]) == 1


def test_a_header_is_masked_kept_and_replaced(page: Page, server: Process, targets: Targets):
    target = targets.serve(WELL)
    page.goto(server.base + "/endpoints/new")
    field(page, "target").fill(target.base)
    field(page, "name").fill("shop")
    page.get_by_role("button", name="Add header").click()
    page.get_by_label("Name of header 1").fill("Authorization")
    page.get_by_label("Value of header 1").fill("Bearer first-secret")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Authorization: ***")).to_be_visible()
    expect(checks(page)).to_have_count(1)
    assert target.requests[-1].header("Authorization") == "Bearer first-secret"
    assert "first-secret" not in page.content()

    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Value of header 1")).to_have_value("***")
    field(page, "name").fill("market")
    page.get_by_role("button", name="Test it").click()
    expect(page.get_by_test_id("trial")).to_have_attribute("data-standing", "up")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("market")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Up, in")).to_be_visible()
    assert {request.header("Authorization") for request in target.requests} == {"Bearer first-secret"}

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Value of header 1").fill("Bearer second-secret")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("market")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Up, in")).to_be_visible()
    assert target.requests[-1].header("Authorization") == "Bearer second-secret"


def test_an_endpoint_is_paused_resumed_looked_at_and_deleted(page: Page, server: Process, targets: Targets):
    target = targets.serve(WELL)
    number = add(server, "shop", target.base)
    page.goto(f"{server.base}/endpoints/{number}")
    expect(checks(page)).to_have_count(1)
    mark(page)

    target.script = BROKEN
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Down, in")).to_be_visible()
    expect(checks(page)).to_have_count(2)
    expect(badge(page)).to_have_attribute("data-standing", "down")

    page.get_by_role("button", name="Pause").click()
    expect(badge(page)).to_have_attribute("data-standing", "paused")
    page.get_by_role("link", name="Endpoints").first.click()
    expect(row(page, "shop")).to_have_attribute("data-standing", "paused")
    row(page, "shop").click()
    target.script = WELL
    page.get_by_role("button", name="Resume").click()
    expect(badge(page)).to_have_attribute("data-standing", "up")

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("deleted for good")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert server.get("/api/v1/endpoints")["total"] == 1
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing is checked yet")).to_be_visible()
    assert_never_reloaded(page)
    assert server.get("/api/v1/endpoints")["total"] == 0


MISTAKES = [
    ("target", {"target": "example.org"}, "http"),
    ("target", {"target": "http://169.254.169.254/latest/meta-data/"}, "169.254.169.254"),
    ("timeout", {"interval": "5s", "timeout": "10s"}, "must not be longer than interval 5s"),
    ("interval", {"interval": "1s"}, "from 5s to 24h"),
    ("expected_status", {"expected_status": "2xy"}, "2xy"),
    ("json_path", {"json_path": "$..["}, "not a JSONPath"),
    ("body_matches", {"body_matches": "("}, "body_matches"),
]


def test_a_mistake_is_told_beside_its_field(page: Page, server: Process, targets: Targets):
    target = targets.serve(WELL)
    for wrong, values, reason in MISTAKES:
        page.goto(server.base + "/endpoints/new")
        page.get_by_text("What the answer must say").click()
        for name, value in {"target": target.base, "name": "shop", **values}.items():
            field(page, name).fill(value)
        page.get_by_text("What the answer must say").click()
        expect(field(page, "json_path")).to_be_hidden()
        page.get_by_role("button", name="Save").click()

        expect(field(page, wrong)).to_have_accessible_description(re.compile(re.escape(reason)))
        expect(field(page, wrong)).to_have_attribute("aria-invalid", "true")
        expect(field(page, wrong)).to_be_visible()  # what was closed has opened
        assert page.locator("[aria-invalid=true]").count() == 1, wrong
    assert server.get("/api/v1/endpoints")["total"] == 0
    assert target.requests == []


def test_filters_and_search_live_in_the_address(page: Page, server: Process, targets: Targets):
    good, bad = targets.serve(WELL), targets.serve(BROKEN)
    add(server, "shop", good.base + "/shop")
    add(server, "database", good.address)
    add(server, "billing", bad.base, **OFTEN)
    names = ("shop", "database", "billing")
    page.goto(server.base + "/endpoints")
    expect(row(page, "billing")).to_have_attribute("data-standing", "down")

    def shown(*wanted: str) -> None:
        for name in names:
            expect(row(page, name)).to_have_count(1 if name in wanted else 0)

    shown(*names)
    page.get_by_label("Status").get_by_role("button", name="Down 1").click()
    shown("billing")
    expect(page).to_have_url(re.compile(r"\?status=down$"))
    page.reload()
    shown("billing")
    page.keyboard.press("Escape")
    shown(*names)
    expect(page).to_have_url(server.base + "/endpoints")

    page.get_by_label("Type").select_option("TCP")
    shown("database")
    expect(page).to_have_url(re.compile(r"\?type=tcp$"))
    page.get_by_label("Type").select_option("Every type")
    page.get_by_role("searchbox").fill("/sho")
    shown("shop")
    expect(page).to_have_url(re.compile(r"\?q=(/|%2F)sho$"))
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.get_by_test_id("endpoint-row")).to_have_count(0)
    page.get_by_role("button", name="Clear the filters").click()
    shown(*names)


def test_an_endpoint_of_a_label_says_where_it_comes_from(page: Page, server: Process, engine: Engine, targets: Targets):
    target = targets.serve(WELL)
    page.get_by_role("link", name="Endpoints").first.click()
    expect(page.get_by_text("Nothing is checked yet")).to_be_visible()
    mark(page)
    engine.run("web", "--label", f"tocsin.endpoint.http={target.base}/health", command=("sleep", "1000"))

    expect(row(page, "web")).to_have_attribute("data-standing", "up")
    expect(row(page, "web")).to_contain_text("From a label")
    row(page, "web").click()
    expect(page.get_by_text("endpoint.http", exact=True)).to_be_visible()
    expect(page.get_by_text("Change or remove the label")).to_be_visible()
    expect(page.get_by_role("button", name="Check now")).to_be_visible()
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    head(page).get_by_role("link", name="web").click()
    expect(page.get_by_test_id("container-endpoints")).to_contain_text(target.base)

    engine.docker("rm", "-f", "web")
    page.get_by_role("link", name="Endpoints").first.click()
    expect(page.get_by_text("Nothing is checked yet")).to_be_visible()
    assert_never_reloaded(page)


def test_a_form_is_not_offered_for_an_endpoint_of_a_label(
    page: Page, server: Process, engine: Engine, targets: Targets
):
    engine.run("web", "--label", f"tocsin.endpoint.http={targets.serve(WELL).base}", command=("sleep", "1000"))
    page.goto(server.base + "/endpoints")
    row(page, "web").click()
    page.wait_for_url(re.compile(r"/endpoints/\d+$"))
    page.goto(page.url + "/edit")
    expect(page.get_by_text("A label on its container says how it is checked")).to_be_visible()
    expect(page.get_by_test_id("endpoint-form")).to_have_count(0)


def test_a_copied_badge_is_a_picture_for_everybody(
    page: Page, context: BrowserContext, browser: Browser, server: Process, targets: Targets
):
    number = add(server, "shop", targets.serve(WELL).base)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.base}/endpoints/{number}")
    expect(badge(page)).to_have_attribute("data-standing", "up")
    page.get_by_role("button", name="Copy badge").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    picture = re.fullmatch(r"!\[shop\]\((http\S+\.svg)\)", copied)
    assert picture, copied

    stranger = browser.new_context()
    try:
        elsewhere = stranger.new_page()
        response = elsewhere.goto(picture[1])
        assert response is not None
        assert (response.status, response.headers["content-type"].split(";")[0]) == (200, "image/svg+xml")
        assert "up" in response.text().lower()
        refused = elsewhere.goto(f"{server.base}/api/v1/endpoints/{number}")
        assert refused is not None
        assert refused.status == 401
    finally:
        stranger.close()
    shown = page.locator("img[src*='/badges/']")
    expect(shown).to_have_count(3)
    for image in shown.all():
        image.scroll_into_view_if_needed()
        page.wait_for_function("(image) => image.complete && image.naturalWidth > 0", arg=image.element_handle())
