"""The log viewer in a real browser: levels, traces, JSON, filters, a group together, what is gone, and a flood."""

from playwright.sync_api import BrowserContext, Page, expect

from e2e.conftest import sign_in
from support.engine import Engine
from support.process import Process

TALK = r"""
echo 'INFO starting'; printf 'ERROR it broke\n  at main.js:1\n  at main.js:2\n' >&2
echo '{"level":"warn","msg":"slow query","ms":1200}'
printf '\033[32mgreen\033[0m see https://example.org/x\n'; head -c 70000 /dev/zero | tr '\0' x; echo
printf 'bad \377\376 bytes\n'; sleep 1000
"""


def open_logs(page: Page, server: Process, name: str, query: str = "") -> None:
    page.goto(server.base + "/containers")
    row = page.locator(f'[data-testid="container-row"][data-name="{name}"]')
    expect(row).to_be_visible()
    row.click()
    page.wait_for_url("**/containers/*")
    page.goto(page.url.partition("?")[0] + f"?tab=logs{query}")


def test_lines_are_understood_and_filtered(page: Page, server: Process, engine: Engine):
    engine.run("talk", "-t", command=("sh", "-c", TALK))
    open_logs(page, server, "talk")
    lines = page.get_by_test_id("log-line")
    trace = lines.filter(has_text="it broke")
    expect(trace).to_have_attribute("data-level", "error")
    trace.get_by_role("button", name="+ 2 lines").click()
    expect(trace).to_contain_text("main.js:2")
    json = lines.filter(has_text="slow query")
    expect(json).to_contain_text("ms=1200")
    json.get_by_role("button", name="JSON").click()
    expect(json.locator("pre")).to_contain_text('"ms": 1200')
    expect(lines.filter(has_text="bad �� bytes")).to_have_count(1)
    expect(page.get_by_role("button", name="show all")).to_be_visible()

    page.get_by_role("button", name="Filter").click()
    page.get_by_role("button", name="warn", exact=True).click()
    expect(lines).to_have_count(1)
    expect(json).to_have_count(1)
    assert "level=warn" in page.url
    page.get_by_role("button", name="warn", exact=True).click()
    page.get_by_label("Pattern (RE2)").fill("^INFO")
    page.get_by_role("button", name="Apply").click()
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("INFO starting")


def test_a_pattern_that_is_none_is_explained(context: BrowserContext, server: Process, engine: Engine):
    page = context.new_page()  # not the usual one: the refusal shows in the console
    sign_in(page, server)
    engine.run("talk", command=("sh", "-c", "echo hello; sleep 1000"))
    open_logs(page, server, "talk")
    expect(page.get_by_test_id("log-line")).to_have_count(1)
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Pattern (RE2)").fill("(")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("RE2 does not understand this pattern")


def test_a_group_is_read_together(page: Page, server: Process, engine: Engine):
    for name in ("one", "two"):
        engine.run(name, "--label", "tocsin.group=shop", command=("sh", "-c", f"echo from {name}; sleep 1000"))
    page.goto(server.base + "/containers")
    page.get_by_role("link", name="Logs of shop").click()
    lines = page.get_by_test_id("log-line")
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="from one")).to_contain_text("one")
    expect(lines.filter(has_text="from two")).to_contain_text("two")


def test_what_is_gone_still_says_its_last_words(context: BrowserContext, server: Process, engine: Engine):
    page = context.new_page()  # not the usual one: that the stream is refused shows in the console
    sign_in(page, server)
    engine.run("gone", command=("sh", "-c", "echo 'FATAL: no more' >&2; exit 3"))
    page.goto(server.base + "/containers")
    row = page.locator('[data-testid="container-row"][data-name="gone"]')
    expect(row).to_have_attribute("data-state", "exited")
    row.click()
    page.wait_for_url("**/containers/*")
    address = page.url.partition("?")[0]
    engine.docker("rm", "gone")
    page.wait_for_timeout(500)
    page.goto(address + "?tab=logs")
    expect(page.get_by_text("These are its last lines, kept at")).to_be_visible()
    expect(page.get_by_test_id("log-line")).to_contain_text("FATAL: no more")


FLOOD = "i=0; while :; do i=$((i+1)); echo line $i of a flood; [ $((i % 250)) = 0 ] && sleep 0.05; done"
WATCH = """() => { window.longest = 0; window.frames = 0;
    const note = (list) => list.getEntries().forEach((e) => { window.longest = Math.max(window.longest, e.duration) });
    new PerformanceObserver(note).observe({ type: 'longtask' });
    const count = () => { window.frames++; requestAnimationFrame(count) }; requestAnimationFrame(count) }"""


def test_a_flood_is_followed_and_the_page_stays_alive(page: Page, server: Process, engine: Engine):
    engine.run("flood", "--log-opt", "max-size=10m", command=("sh", "-c", FLOOD))
    open_logs(page, server, "flood")
    expect(page.get_by_test_id("log-line").first).to_be_visible()
    page.evaluate(WATCH)
    page.wait_for_timeout(3000)
    longest, frames = page.evaluate("[window.longest, window.frames]")
    print(f"flood: {frames / 3:.0f} frames a second, longest task {longest:.0f} ms")
    assert frames > 15
    before = page.get_by_test_id("log-line").last.inner_text()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="new line")).to_be_visible()
    assert page.get_by_test_id("log-line").count() <= 3000
    assert before
