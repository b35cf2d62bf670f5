"""A heartbeat from the form to its end; how its pings, its failures and its silence show before one's eyes."""

import urllib.error
import urllib.request
from typing import Any

from playwright.sync_api import Locator, Page, expect

from support.pages import assert_never_reloaded, mark
from support.process import Process

WORDS = "connecting to the vault\npermission denied\n"


def add(server: Process, name: str, **rules: Any) -> dict[str, Any]:
    """Add a heartbeat by the API, and return it."""
    found: dict[str, Any] = server.post("/api/v1/heartbeats", {"name": name, "interval_seconds": 3600, **rules})
    return found


def ping(url: str, body: str | None = None) -> int:
    """Ping as a job would, and return the status of the answer."""
    request = urllib.request.Request(url, None if body is None else body.encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as exc:
        return exc.code


def row(page: Page, name: str) -> Locator:
    return page.locator(f'[data-testid="heartbeat-row"][data-name="{name}"]')


def field(page: Page, name: str) -> Locator:
    return page.get_by_test_id("heartbeat-form").locator(f'[name="{name}"]')


def head(page: Page) -> Locator:
    return page.locator("main header")


def badge(page: Page) -> Locator:
    return head(page).get_by_test_id("heartbeat-badge")


def pings(page: Page) -> Locator:
    return page.get_by_test_id("ping")


def runs(page: Page) -> Locator:
    return page.get_by_test_id("run")


def confirm(page: Page, action: str) -> None:
    page.get_by_role("alertdialog").get_by_role("button", name=action).click()
    expect(page.get_by_role("alertdialog")).to_have_count(0)


def test_a_schedule_is_seen_before_it_is_saved_and_the_first_ping_shows_at_once(page: Page, server: Process):
    page.get_by_role("link", name="Heartbeats").first.click()
    expect(page.get_by_text("No heartbeats yet")).to_be_visible()
    expect(page.get_by_test_id("ping-key")).to_contain_text("/my-job?create=1")
    mark(page)
    page.get_by_role("link", name="New heartbeat").click()

    field(page, "name").fill("Nightly backup")
    field(page, "tags").fill("backup, db")
    page.get_by_role("button", name="On a schedule").click()
    field(page, "timezone").fill("Asia/Tokyo")
    field(page, "schedule").fill("0 2 * * 9")
    expect(field(page, "schedule")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("bad day-of-week")).to_be_visible()
    field(page, "schedule").fill("30 2 * * *")
    expect(page.get_by_test_id("preview").locator("li")).to_have_count(3)
    expect(page.get_by_test_id("preview")).to_contain_text("GMT+9")
    field(page, "timezone").fill("Mars/Olympus")
    expect(field(page, "timezone")).to_have_attribute("aria-invalid", "true")
    field(page, "timezone").fill("Europe/Paris")
    expect(field(page, "timezone")).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Nightly backup")
    expect(badge(page)).to_have_attribute("data-status", "new")
    expect(page.get_by_test_id("awaited")).to_contain_text("Waiting for the first ping")
    made = server.get("/api/v1/heartbeats")["heartbeats"][0]
    assert (made["schedule"], made["timezone"], made["tags"]) == ("30 2 * * *", "Europe/Paris", ["backup", "db"])
    page.get_by_role("link", name="Heartbeats").first.click()
    expect(row(page, "Nightly backup")).to_contain_text("30 2 * * *")
    expect(row(page, "Nightly backup")).to_contain_text("never pinged")

    assert ping(made["ping_url"]) == 200

    expect(row(page, "Nightly backup")).to_have_attribute("data-status", "up")
    expect(row(page, "Nightly backup")).to_contain_text("now")
    assert_never_reloaded(page)


def test_a_failure_is_told_with_the_words_of_the_job_and_a_good_run_ends_it(page: Page, server: Process):
    beat = add(server, "Invoices", grace_seconds=300, tags=["billing"])
    add(server, "Other")
    page.goto(f"{server.base}/heartbeats/{beat['id']}")
    expect(page.get_by_test_id("ping-url")).to_have_text(beat["ping_url"])
    page.get_by_role("tab", name="Python").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("urllib.request")
    mark(page)

    ping(beat["ping_url"] + "/start?rid=a1")
    expect(badge(page)).to_have_attribute("data-status", "started")
    expect(runs(page).first).to_have_attribute("data-outcome", "in_progress")
    expect(page.get_by_test_id("awaited")).to_contain_text("Running for")
    ping(beat["ping_url"] + "/3?rid=a1", WORDS)

    expect(badge(page)).to_have_attribute("data-status", "down")
    expect(head(page)).to_contain_text("The last run ended with exit code 3.")
    expect(runs(page)).to_have_count(1)
    expect(runs(page).first).to_have_attribute("data-outcome", "failure")
    expect(runs(page).first).to_contain_text("permission denied")
    expect(pings(page)).to_have_count(2)
    expect(pings(page).first).to_contain_text("Exit code 3")
    expect(page.get_by_test_id("alert")).to_contain_text("Invoices failed with exit code 3")
    page.get_by_text("Evidence", exact=True).click()
    expect(page.get_by_test_id("alert")).to_contain_text("permission denied")
    expect(page.get_by_test_id("alert")).to_contain_text("every 1 hour")

    page.get_by_role("link", name="Dashboard").first.click()
    expect(row(page, "Invoices")).to_contain_text("Failed")
    expect(page.get_by_test_id("heartbeat-tiles")).to_contain_text("Invoices")
    expect(page.get_by_test_id("event-item").first).to_contain_text("Invoices failed with exit code 3")
    page.get_by_role("link", name="Heartbeats").first.click()
    page.get_by_role("button", name="Down 1").click()
    expect(page.get_by_test_id("heartbeat-row")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("heartbeat-row")).to_have_count(2)
    page.get_by_label("Tag", exact=True).select_option("billing")
    expect(page.get_by_test_id("heartbeat-row")).to_have_count(1)
    row(page, "Invoices").click()

    ping(beat["ping_url"])
    expect(badge(page)).to_have_attribute("data-status", "up")
    expect(page.get_by_test_id("alert")).to_have_attribute("data-status", "resolved")
    assert_never_reloaded(page)


def test_it_is_paused_resumed_given_another_address_changed_and_deleted(page: Page, server: Process):
    beat = add(server, "Cleanup")
    page.goto(f"{server.base}/heartbeats/{beat['id']}")
    mark(page)

    page.get_by_role("button", name="Pause").click()
    expect(badge(page)).to_have_attribute("data-status", "paused")
    expect(page.get_by_test_id("awaited")).to_contain_text("Nobody waits for it")
    ping(beat["ping_url"], "still here")
    expect(pings(page)).to_have_count(1)
    expect(badge(page)).to_have_attribute("data-status", "paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_test_id("awaited")).to_contain_text("in 59 min")

    page.get_by_role("button", name="New ping URL").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("stops working at once")
    confirm(page, "New ping URL")
    expect(page.get_by_test_id("ping-url")).not_to_have_text(beat["ping_url"])
    url = page.get_by_test_id("ping-url").inner_text()
    expect(page.get_by_role("tabpanel")).to_contain_text(url)
    assert ping(beat["ping_url"]) == 404
    assert ping(url) == 200
    expect(badge(page)).to_have_attribute("data-status", "up")

    page.get_by_role("link", name="Edit").click()
    field(page, "name").fill("Sweeping")
    page.get_by_role("button", name="every day").click()
    page.get_by_text("More", exact=True).click()
    field(page, "slug").fill("Not A Slug")
    page.get_by_role("button", name="Save").click()
    expect(field(page, "slug")).to_have_attribute("aria-invalid", "true")
    field(page, "slug").fill("sweeping")
    field(page, "max_duration_seconds").fill("90")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sweeping")
    expect(page.get_by_text("every day", exact=True)).to_be_visible()
    expect(page.get_by_text("1 h 30 min", exact=True)).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    confirm(page, "Delete")
    expect(page.get_by_text("No heartbeats yet")).to_be_visible()
    assert server.get("/api/v1/heartbeats")["total"] == 0
    assert_never_reloaded(page)


def test_a_job_makes_its_own_with_the_key_until_there_is_another_key(page: Page, server: Process):
    page.goto(server.base + "/heartbeats")
    card = page.get_by_test_id("ping-key")
    address = card.locator("code").inner_text()
    mark(page)

    assert ping(address) == 201

    expect(row(page, "my-job")).to_have_attribute("data-status", "up")
    expect(row(page, "my-job")).to_contain_text("every day")
    card.get_by_role("button", name="New key").click()
    confirm(page, "New key")
    expect(card.locator("code")).not_to_have_text(address)
    assert ping(address) == 404
    assert ping(card.locator("code").inner_text()) == 200
    assert_never_reloaded(page)


def test_silence_shows_while_one_looks_on(page: Page, server: Process):
    beat = add(server, "Minutely", interval_seconds=60)
    ping(beat["ping_url"])
    page.goto(server.base + "/heartbeats")
    expect(row(page, "Minutely")).to_contain_text("in 5")
    mark(page)

    expect(row(page, "Minutely")).to_have_attribute("data-status", "down", timeout=90_000)

    expect(row(page, "Minutely")).to_contain_text("late by")
    expect(page.get_by_role("link", name="Alerts 1").first).to_be_visible()
    row(page, "Minutely").click()
    expect(head(page)).to_contain_text("Did not report in")
    expect(page.get_by_test_id("alert")).to_contain_text("Minutely did not report in")
    assert_never_reloaded(page)


def test_everything_is_done_by_keys(page: Page, server: Process):
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    beat = add(server, "First")
    add(server, "Second")
    ping(beat["ping_url"] + "/fail")
    keys = page.keyboard

    keys.press("g")
    keys.press("h")
    page.wait_for_url("**/heartbeats")
    expect(page.get_by_test_id("heartbeat-row")).to_have_count(2)
    keys.press("j")
    expect(row(page, "First")).to_be_focused()  # what is down is on top
    keys.press("j")
    keys.press("k")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("First")

    page.get_by_role("tab", name="curl").focus()
    keys.press("ArrowRight")
    expect(page.get_by_role("tab", name="wget")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_contain_text("wget -q")

    keys.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    keys.type("new heartbeat")
    keys.press("Enter")
    page.wait_for_url("**/heartbeats/new")
    field(page, "name").focus()
    keys.type("Third")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Third")
    keys.press("Control+k")
    keys.type("second")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second")
