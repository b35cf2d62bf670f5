"""Names, labels, log lines and users made by somebody who wants to run a script in the reader's browser."""

from urllib.parse import quote

from playwright.sync_api import Page, expect

from support.engine import Engine
from support.process import Process

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
ATTRIBUTE = "\" autofocus onfocus=alert(3) x='javascript:alert(4)'"
LINES = (
    EVIL,
    ATTRIBUTE,
    '{"msg":"<img src=x onerror=alert(5)>","level":"<b>error</b>","url":"javascript:alert(6)"}',
    'see javascript:alert(7) or https://example.org/"onmouseover=alert(8) or data:text/html,<script>alert(9)</script>',
    "\\033]8;;javascript:alert(10)\\033\\\\click\\033]8;;\\033\\\\ \\033[31m<svg/onload=alert(11)>\\033[0m",
)
PAGES = (
    "/",
    "/containers",
    "/containers/1",
    "/containers/1?tab=timeline",
    "/containers/1?tab=logs",
    f"/containers?group={quote(EVIL)}",
    f"/containers?q={quote(EVIL)}",
    f"/containers?host={quote(EVIL)}",
    f"/logs?group={quote(EVIL)}",
    f"/c/{quote(EVIL, safe='')}",
    "/settings/users",
    "/settings/audit",
    f"/login?next={quote('javascript:alert(12)')}",
    f"/nowhere/{quote(EVIL, safe='')}",
)


def test_nothing_anybody_writes_ever_runs(page: Page, server: Process, engine: Engine):
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    script = "; ".join(f"printf '%b\\n' '{line}'" for line in (text.replace("'", "’") for text in LINES))
    labels = ("--label", f"tocsin.group={EVIL}", "--label", f"com.docker.compose.project={ATTRIBUTE}")
    engine.run("evil", *labels, command=("sh", "-c", f"{script}; exit 3"))
    page.request.post(
        server.base + "/api/v1/users",
        data={"name": "<img src=x onerror=alert(13)>", "role": "viewer", "password": "a long password"},
        headers={"Origin": server.base},
    )
    page.goto(server.base + "/containers")
    expect(page.locator('[data-testid="container-row"][data-name="evil"]')).to_have_attribute("data-state", "exited")

    for path in PAGES:
        page.goto(server.base + path)
        page.wait_for_selector("h1")
        page.wait_for_timeout(400)
        assert page.locator("img[src=x]").count() == 0, path
        assert page.locator("a[href^='javascript:'], a[href^='data:']").count() == 0, path
        assert page.evaluate("document.querySelectorAll('main [onerror], main [onload], main [onfocus]').length") == 0
    assert ran == []
