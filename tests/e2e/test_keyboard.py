"""The whole app without a mouse."""

from playwright.sync_api import BrowserContext, expect

from support.engine import Engine
from support.process import Process


def test_everything_can_be_reached_and_done_by_keys(context: BrowserContext, server: Process, engine: Engine):
    engine.run("shop", command=("sh", "-c", "echo ready; sleep 1000"))
    engine.run("broken", command=("sh", "-c", "echo boom >&2; exit 3"))
    page = context.new_page()
    keys = page.keyboard

    page.goto(server.base + "/login")
    page.get_by_label("Name").focus()
    keys.type("ada")
    keys.press("Tab")
    while page.evaluate("document.activeElement.name") != "password":
        keys.press("Tab")
    keys.type("correct horse battery")
    keys.press("Enter")
    page.wait_for_url(server.base + "/")

    keys.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    keys.press("Enter")

    keys.press("g")
    keys.press("c")
    page.wait_for_url("**/containers")
    expect(page.locator('[data-testid="container-row"]')).to_have_count(2)
    keys.press("j")
    keys.press("j")
    keys.press("k")
    keys.press("Enter")
    page.wait_for_url("**/containers/*")

    keys.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    keys.type("shop")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop")

    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    keys.press("g")
    keys.press("a")
    page.wait_for_url("**/alerts")
    alert = page.get_by_test_id("alert")
    expect(alert).to_contain_text("broken stopped")
    tab_to(page, "I take care")
    keys.press("Enter")
    expect(alert).to_contain_text("ada takes care of it")
    tab_to(page, "Silence")
    keys.press("Enter")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(alert.get_by_text("Silenced", exact=True)).to_be_visible()

    keys.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    keys.type("sign out")
    keys.press("Enter")
    expect(page.get_by_test_id("login-form")).to_be_visible()


def tab_to(page, name: str) -> None:
    """Press Tab until what has the focus is called *name*; whatever is focused must be seen to be."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''").strip()
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused
        if focused == name:
            return
    raise AssertionError(f"no Tab leads to {name}")
