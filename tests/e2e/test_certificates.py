"""Certificates that come with endpoints, those that are added, and what is said of those that are wrong."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from support.behaviours import answer
from support.beside import Targets
from support.pages import assert_never_reloaded, mark
from support.pki import Authority
from support.process import Process
from support.targets import Target

WELL = answer(b"well")


def add_endpoint(server: Process, target: Target) -> int:
    body = {"name": "shop", "target": f"https://localhost:{target.port}", "endpoint_type": "http", "interval": "24h"}
    return int(server.post("/api/v1/endpoints", body)["endpoint"]["id"])


def add(server: Process, target: Target, **rules: Any) -> int:
    """Watch the certificate of *target* by the API, and return the id of the watch."""
    body = {"hostname": "localhost", "port": target.port, **rules}
    return int(server.post("/api/v1/certificates", body)["certificate"]["id"])


def row(page: Page, target: Target) -> Locator:
    return page.locator(f'[data-testid="certificate-row"][data-name="localhost:{target.port}"]')


def field(page: Page, name: str) -> Locator:
    return page.locator(f'main form [name="{name}"]')


def head(page: Page) -> Locator:
    return page.locator("main header")


def link_of(page: Page, role: str) -> Locator:
    """A link of the chain: leaf, between, root or anchor."""
    return page.get_by_test_id("chain").locator(f'[data-role="{role}"]')


def test_the_certificate_of_an_endpoint_comes_and_goes_with_it(
    page: Page, server: Process, authority: Authority, targets: Targets
):
    target = targets.serve(WELL, tls=authority.expires_in(60, "localhost", "127.0.0.1"))
    page.get_by_role("link", name="Certificates").first.click()
    expect(page.get_by_text("No certificates yet")).to_be_visible()
    mark(page)

    number = add_endpoint(server, target)

    expect(row(page, target)).to_have_attribute("data-status", "valid")
    expect(row(page, target)).to_contain_text("60 days left")
    expect(row(page, target)).to_contain_text("Of an endpoint")
    row(page, target).click()
    expect(page.get_by_text("It goes when its endpoint goes.")).to_be_visible()
    expect(page.get_by_role("button", name="Check now")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)

    page.get_by_role("link", name="shop").click()
    page.wait_for_url(f"{server.base}/endpoints/{number}")
    expect(page.get_by_role("link", name="60 days left")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    page.get_by_role("link", name="Certificates").first.click()
    expect(page.get_by_text("No certificates yet")).to_be_visible()
    assert_never_reloaded(page)


def test_a_certificate_is_added_understood_changed_and_deleted(
    page: Page, server: Process, authority: Authority, targets: Targets
):
    leaf = authority.expires_in(40, "localhost", "shop.test", lifetime_days=90)
    target = targets.serve(WELL, tls=leaf)
    page.goto(server.base + "/certificates")
    page.get_by_role("button", name="Watch a certificate").click()
    field(page, "hostname").fill("localhost")
    field(page, "port").fill(str(target.port))
    mark(page)
    page.get_by_role("button", name="Watch it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"localhost:{target.port}")
    expect(head(page)).to_contain_text("Valid")
    expect(head(page)).to_contain_text("40 days left")
    expect(page.get_by_text("leads to a root that is trusted")).to_be_visible()
    expect(link_of(page, "leaf")).to_contain_text("localhost")
    expect(link_of(page, "leaf")).to_contain_text("signed by Tocsin Test Intermediate")
    expect(link_of(page, "between")).to_contain_text("Tocsin Test Intermediate")
    expect(link_of(page, "anchor")).to_contain_text("Tocsin Test Root")
    expect(page.get_by_text("shop.test")).to_be_visible()
    pairs = ":".join(re.findall("..", leaf.fingerprint.upper()))
    expect(page.get_by_text(pairs)).to_be_visible()
    expect(page.get_by_test_id("certificate-check")).to_have_count(1)

    page.get_by_role("button", name="Edit").click()
    field(page, "warning_thresholds").fill("50, 10")
    field(page, "warn_at_lifetime_percent").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("50, 10 days")).to_be_visible()
    page.get_by_role("button", name="Check now").click()
    expect(head(page)).to_contain_text("Ends soon")
    expect(page.get_by_role("link", name="Alerts 1").first).to_be_visible()
    assert_never_reloaded(page)
    page.reload()
    expect(page.get_by_text("50, 10 days")).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("no longer watched")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No certificates yet")).to_be_visible()
    assert server.get("/api/v1/certificates")["total"] == 0


def test_what_is_wrong_with_a_certificate_is_said(page: Page, server: Process, authority: Authority, targets: Targets):
    expired = targets.serve(WELL, tls=authority.expired("localhost", days_ago=3))
    foreign = targets.serve(WELL, tls=authority.other_name())
    halved = targets.serve(WELL, tls=authority.incomplete("localhost"))
    signed = targets.serve(WELL, tls=authority.self_signed("localhost"))
    numbers = {name: add(server, target) for name, target in (("expired", expired), ("foreign", foreign))}
    numbers |= {name: add(server, target) for name, target in (("halved", halved), ("signed", signed))}

    page.goto(server.base + "/certificates")
    expect(row(page, expired)).to_have_attribute("data-status", "expired")
    expect(row(page, expired)).to_contain_text("ended 3 days ago")
    expect(row(page, foreign)).to_contain_text("For another name")
    expect(row(page, halved)).to_contain_text("Not trusted")
    expect(row(page, signed)).to_contain_text("Not trusted")
    page.get_by_label("Status").get_by_role("button", name="Expired 1").click()
    expect(page).to_have_url(re.compile(r"\?status=expired$"))
    expect(page.get_by_test_id("certificate-row")).to_have_count(1)

    row(page, expired).click()
    expect(head(page)).to_contain_text("Expired")
    expect(head(page)).to_contain_text("ended 3 days ago")
    incident = page.get_by_test_id("alert")
    expect(incident).to_have_attribute("data-type", "expired")
    expect(incident).to_contain_text(f"localhost:{expired.port}")

    page.goto(f"{server.base}/certificates/{numbers['foreign']}")
    expect(head(page)).to_contain_text("For another name")
    expect(page.get_by_text("somebody-else.test").first).to_be_visible()
    expect(page.get_by_test_id("alert")).to_have_attribute("data-type", "hostname_mismatch")

    page.goto(f"{server.base}/certificates/{numbers['halved']}")
    expect(page.get_by_text("does not lead to a root that is trusted")).to_be_visible()
    missing = link_of(page, "anchor")
    expect(missing).to_have_attribute("data-fault", "incomplete")
    expect(missing).to_contain_text("not sent by the server")

    page.goto(f"{server.base}/certificates/{numbers['signed']}")
    expect(link_of(page, "leaf")).to_have_attribute("data-fault", "self_signed")
    expect(page.get_by_test_id("chain").locator("li")).to_have_count(1)


def test_a_renewed_certificate_ends_its_alert(page: Page, server: Process, authority: Authority, targets: Targets):
    old = authority.expired("localhost")
    target = targets.serve(WELL, tls=old)
    page.goto(f"{server.base}/certificates/{add(server, target)}")
    expect(page.get_by_role("link", name="Alerts 1").first).to_be_visible()
    expect(page.get_by_test_id("alert")).to_have_attribute("data-status", "active")
    mark(page)

    target.tls = authority.renewed(old, days=80)
    page.get_by_role("button", name="Check now").click()

    expect(head(page)).to_contain_text("Valid")
    expect(head(page)).to_contain_text(re.compile("(79|80) days left"))
    expect(page.get_by_test_id("alert")).to_have_attribute("data-status", "resolved")
    expect(page.get_by_role("link", name="Alerts 1")).to_have_count(0)
    expect(page.get_by_test_id("certificate-check")).to_have_count(2)
    assert_never_reloaded(page)


def test_a_mistake_is_told_beside_its_field(page: Page, server: Process, authority: Authority, targets: Targets):
    target = targets.serve(WELL, tls=authority.good())
    add_endpoint(server, target)
    page.goto(server.base + "/certificates")
    expect(row(page, target)).to_be_visible()
    page.get_by_role("button", name="Watch a certificate").click()
    host, port, days = field(page, "hostname"), field(page, "port"), field(page, "warning_thresholds")

    def refused(wrong: Locator, reason: str) -> None:
        page.get_by_role("button", name="Watch it").click()
        expect(wrong).to_have_accessible_description(re.compile(re.escape(reason)))
        expect(wrong).to_have_attribute("aria-invalid", "true")
        assert page.locator("[aria-invalid=true]").count() == 1

    host.fill("169.254.169.254")
    refused(host, "169.254.169.254")
    host.fill("localhost")
    port.fill("70000")
    refused(port, "port")
    port.fill(str(target.port))
    refused(host, "watched already")
    days.fill("99999")
    refused(days, "warning_thresholds")
    assert server.get("/api/v1/certificates")["total"] == 1
