"""Something breaks: the bell rings by itself, says why, can be taken and silenced, and stops by itself."""

from playwright.sync_api import Page, expect

from support.engine import Engine
from support.process import Process

SCRIPT = "[ -e /tmp/die ] && sleep 1000; while [ ! -e /tmp/die ]; do sleep 0.05; done; echo 'no database' >&2; exit 3"


def test_an_alert_from_its_first_ring_to_its_end(page: Page, server: Process, engine: Engine):
    engine.run("shop", command=("sh", "-c", SCRIPT))
    page.goto(server.base + "/containers")
    expect(page.locator('[data-testid="container-row"][data-name="shop"]')).to_have_attribute("data-state", "running")
    page.get_by_role("link", name="Alerts").first.click()
    expect(page.get_by_text("All quiet")).to_be_visible()

    engine.docker("exec", "shop", "touch", "/tmp/die")

    alert = page.get_by_test_id("alert")
    expect(alert).to_contain_text("shop stopped with exit code 3")
    expect(page.get_by_role("link", name="Alerts 1").first).to_be_visible()
    alert.get_by_text("Evidence").click()
    expect(alert).to_contain_text("no database")
    expect(alert).to_contain_text("busybox:1.0")

    alert.get_by_role("button", name="I take care").click()
    expect(alert).to_contain_text("ada takes care of it")
    expect(page.get_by_role("link", name="Alerts 1")).to_have_count(0)

    alert.get_by_role("button", name="Silence").click()
    page.get_by_role("menuitem", name="for an hour").click()
    expect(alert.get_by_text("Silenced", exact=True)).to_be_visible()
    page.get_by_role("button", name="Silences").click()
    expect(page.get_by_test_id("silence")).to_contain_text("shop")
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_text("Nothing is silenced")).to_be_visible()

    page.get_by_role("button", name="Active").click()
    engine.docker("start", "shop")
    expect(page.get_by_text("All quiet")).to_be_visible()
    page.get_by_role("button", name="History").click()
    expect(page.get_by_test_id("alert")).to_contain_text("Recovered")
