"""The whole app without a mouse."""

from playwright.sync_api import BrowserContext, expect

from support.behaviours import answer
from support.beside import Targets
from support.engine import Engine
from support.pki import Authority
from support.process import Process

NAME_OF_FOCUS = """(() => {
    const { innerText, ariaLabel, labels } = document.activeElement
    return ariaLabel || labels?.[0]?.innerText || innerText || ''
})()"""


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


def test_endpoints_and_certificates_are_looked_after_by_keys(
    context: BrowserContext, server: Process, targets: Targets, authority: Authority
):
    shop = targets.serve(answer(b"well"), tls=authority.good())
    billing = targets.serve(answer(b"away", 503))
    for name, target in (("shop", f"https://localhost:{shop.port}"), ("billing", billing.base)):
        body = {"name": name, "target": target, "endpoint_type": "http", "interval": "1h", "failure_threshold": 1}
        server.post("/api/v1/endpoints", body)
    context.set_extra_http_headers({"Authorization": "Bearer a-token-for-the-tests-only"})
    page = context.new_page()
    keys = page.keyboard
    page.goto(server.base + "/")
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-status", "connected")

    keys.press("g")
    keys.press("e")
    page.wait_for_url("**/endpoints")
    row = page.get_by_test_id("endpoint-row")
    expect(row.first).to_have_attribute("data-standing", "down")  # in trouble: on top
    keys.press("j")
    expect(row.first).to_be_focused()
    keys.press("j")
    expect(row.nth(1)).to_be_focused()
    keys.press("Enter")
    page.wait_for_url("**/endpoints/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop")
    tab_to(page, "Pause")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    tab_to(page, "Show the phases")
    keys.press("Space")
    expect(page.get_by_role("switch", name="Show the phases")).to_be_checked()

    keys.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    keys.type("billing")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("billing")
    tab_to(page, "Edit")
    keys.press("Enter")
    expect(page.get_by_test_id("endpoint-form")).to_be_visible()
    tab_to(page, "URL")
    tab_to(page, "What the answer must say")
    keys.press("Enter")
    tab_to(page, "Matches the pattern")
    keys.type("(")
    tab_to(page, "Test it")
    keys.press("Enter")
    expect(page.locator("[name=body_matches]")).to_have_attribute("aria-invalid", "true")
    tab_to(page, "Cancel")
    keys.press("Enter")
    page.wait_for_url("**/endpoints/*")
    tab_to(page, "Delete")
    keys.press("Enter")
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()  # the harmless one first
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_be_focused()

    keys.press("g")
    keys.press("s")
    page.wait_for_url("**/certificates")
    tab_to(page, "Watch a certificate")
    keys.press("Enter")
    tab_to(page, "Host")
    keys.type("localhost")
    tab_to(page, "Port")
    keys.type(str(shop.port))
    keys.press("Enter")
    expect(page.locator("[name=hostname]")).to_have_attribute("aria-invalid", "true")  # watched already
    tab_to(page, "Cancel")
    keys.press("Enter")
    keys.press("j")
    expect(page.get_by_test_id("certificate-row")).to_be_focused()
    keys.press("Enter")
    page.wait_for_url("**/certificates/*")
    tab_to(page, "Edit")
    keys.press("Enter")
    tab_to(page, "Rings when so many days are left")
    keys.press("Control+a")
    keys.type("21")
    keys.press("Enter")
    expect(page.get_by_text("21 days")).to_be_visible()


def tab_to(page, name: str) -> None:
    """Press Tab until what has the focus is called *name*; whatever is focused must be seen to be."""
    expect(page.get_by_text("Loading…")).to_have_count(0)  # what is on its way would take the focus with it
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(NAME_OF_FOCUS).strip()
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused
        if focused == name:
            return
    raise AssertionError(f"no Tab leads to {name}")
