"""An admin's day: a user, a role, a token, a password, a session; and all of it in the audit log."""

import urllib.error
import urllib.request

from playwright.sync_api import Browser, BrowserContext, expect

from e2e.conftest import sign_in
from support.process import Process


def works(server: Process, token: str) -> bool:
    request = urllib.request.Request(server.base + "/api/v1/containers", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as exc:
        return exc.code != 401  # anything else than "unknown" would be wrong, and is told by the test


def test_an_admins_day_is_in_the_audit_log(context: BrowserContext, browser: Browser, server: Process):
    page = context.new_page()
    sign_in(page, server)
    page.get_by_role("button", name="Account and settings ada").first.click()
    page.get_by_role("link", name="Users").click()

    page.get_by_role("button", name="Add user").click()
    form = page.get_by_test_id("user-form")
    form.get_by_label("Name").fill("grace")
    form.get_by_label("Password").fill("short")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Expected `str` of length >= 10")
    form.get_by_role("button", name="Generate").click()
    form.get_by_role("button", name="Save").click()
    grace = page.locator('[data-testid="user"][data-name="grace"]')
    expect(grace).to_contain_text("Never signed in")
    grace.get_by_label("Role of grace").select_option("editor")
    expect(page.locator('[data-testid="user"][data-name="ada"]').get_by_label("Role of ada")).to_be_disabled()
    grace.get_by_role("button", name="New password").click()
    page.get_by_test_id("user-form").get_by_label("Password").fill("another long password")
    page.get_by_test_id("user-form").get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("user-form")).to_have_count(0)

    page.get_by_role("link", name="API tokens").first.click()
    page.get_by_role("button", name="New token").click()
    page.get_by_test_id("token-form").get_by_label("Name").fill("ci")
    page.get_by_test_id("token-form").get_by_role("button", name="Make token").click()
    token = page.get_by_test_id("secret").locator("code").inner_text()
    assert works(server, token)
    page.get_by_role("button", name="I have it").click()
    page.get_by_test_id("token").get_by_role("button", name="Revoke").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    assert not works(server, token)

    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    sign_in(other, server)
    page.get_by_role("link", name="Account", exact=True).first.click()
    expect(page.get_by_test_id("session")).to_have_count(2)
    page.get_by_test_id("session").get_by_role("button", name="End").click()
    expect(page.get_by_test_id("session")).to_have_count(1)
    other.goto(server.base + "/containers")
    expect(other.get_by_test_id("login-form")).to_be_visible()
    elsewhere.close()

    password = page.get_by_test_id("password-form")
    password.get_by_label("Present password").fill("a wrong guess")
    password.get_by_label("New password").fill("brand new long words")
    password.get_by_role("button", name="Change password").click()
    expect(password).to_contain_text("not your present password")
    password.get_by_label("Present password").fill("correct horse battery")
    password.get_by_role("button", name="Change password").click()
    expect(password).to_contain_text("Your password is changed")

    page.get_by_role("link", name="Users").first.click()
    page.get_by_role("button", name="Remove grace").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(grace).to_have_count(0)

    page.get_by_role("link", name="Audit log").first.click()
    expect(page.get_by_text("ada removed the user grace")).to_be_visible()
    told = page.get_by_test_id("audit-entry").evaluate_all("rows => rows.map((row) => row.dataset.action)")
    assert told == [
        "user.delete",
        "user.password",
        "session.revoke",
        "login",
        "token.revoke",
        "token.create",
        "user.password",
        "user.update",
        "user.create",
        "login",
        "user.create",
    ]
    page.get_by_label("What").select_option("user.update")
    expect(page.get_by_test_id("audit-entry")).to_have_count(1)
    expect(page.get_by_test_id("audit-entry")).to_contain_text("editor")


def test_a_viewer_sees_no_administration(context: BrowserContext, server: Process):
    context.request.post(
        server.base + "/api/v1/users",
        data={"name": "vera", "role": "viewer", "password": "correct horse battery"},
        headers={"Authorization": "Bearer a-token-for-the-tests-only"},
    )
    page = context.new_page()
    page.goto(server.base + "/login")
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_test_id("login-form").get_by_role("button", name="Sign in").click()
    page.wait_for_url(server.base + "/")
    page.goto(server.base + "/settings/users")
    expect(page.get_by_text("For administrators")).to_be_visible()
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
