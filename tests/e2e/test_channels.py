"""Who is told: a channel is added, narrowed down and tried in the pages; a webhook beside it."""

from playwright.sync_api import Page, expect

from support.process import Process


def test_a_channel_and_a_webhook_from_the_pages(page: Page, server: Process):
    page.goto(server.base + "/settings/channels")
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()
    page.get_by_role("button", name="Add channel").first.click()
    page.get_by_role("button", name="Webhook", exact=True).click()
    page.get_by_label("Name").fill("ops")
    page.get_by_label("URL").fill("https://10.255.255.1/hook?key=very-secret-key")
    page.locator("form button[type=submit]").click()
    expect(page.get_by_text("https://10.255.255.1/***-key")).to_be_visible()
    expect(page.get_by_text("very-secret")).to_have_count(0)

    page.goto(server.base + "/settings/webhooks")
    page.get_by_role("button", name="Add webhook").first.click()
    page.get_by_label("Name").fill("ci")
    page.get_by_label("URL").fill("https://10.255.255.1/events")
    page.locator("form button[type=submit]").click()
    expect(page.get_by_text("https://10.255.255.1/events")).to_be_visible()
