"""Pictures of every page, dark and light, phone and wide, with a private engine full of containers in every state,
and servers of our own to be checked.

    .venv/bin/python scripts/screenshots.py [FOLDER [LANGUAGE]]

writes them to FOLDER (.cache/screenshots), and in English docs/images/dashboard.png for the README.
"""

import random
import re
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from e2e.conftest import ARGUMENTS  # noqa: E402
from support.behaviours import Script, answer, banner, late  # noqa: E402
from support.beside import Targets, beside  # noqa: E402
from support.engine import Engine  # noqa: E402
from support.pki import Authority  # noqa: E402
from support.process import TOKEN, Process  # noqa: E402
from support.targets import Connection  # noqa: E402

SHOP = (
    ("api", "on-failure:0", "while :; do echo GET /cart 200 $((RANDOM % 40)) ms; sleep 0.7; done"),
    ("worker", "no", "echo 'connecting to db:5432' ; sleep 1; echo 'FATAL: password rejected' >&2; exit 3"),
    ("mailer", "on-failure:4", "echo 'no route to mail host' >&2; exit 1"),
    ("db", "no", "echo 'ready to accept connections'; sleep 100000"),
    ("cache", "no", "sleep 100000"),
    ("migrate", "no", "echo 'schema is up to date'; exit 0"),
)
TALL = ("endpoint", "certificate")
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}


def fill(engine: Engine) -> None:
    for service, policy, script in SHOP:
        labels = ("--label", "com.docker.compose.project=shop", "--label", f"com.docker.compose.service={service}")
        engine.run(f"shop-{service}-1", "--restart", policy, *labels, command=("sh", "-c", script))
    monitoring = ("--label", "tocsin.group=monitoring")
    engine.run("grafana", *monitoring, image="web:1.0")
    engine.run("prometheus", *monitoring, command=("sleep", "100000"))
    engine.run(
        "hungry-import", "-m", "16m", "--memory-swap", "16m", command=("sh", "-c", "x=a; while :; do x=$x$x; done")
    )
    engine.run("paused-backup", command=("sleep", "100000"))
    engine.docker("pause", "paused-backup")
    engine.run("web", image="web:1.0")
    time.sleep(3)
    engine.docker("exec", "web", "rm", "/www/index.html")
    for number in range(1, 13):
        engine.run(f"site-{number}", "--label", "tocsin.group=sites", command=("sleep", "100000"))
    time.sleep(8)


def unsteady(least_ms: float, then: Script) -> Script:
    """*then* answers after a while, now and then after a long one."""

    async def script(connection: Connection) -> None:
        wait = least_ms * random.lognormvariate(0.25, 0.35)
        await late(wait / 1000, then)(connection)

    return script


def watch_endpoints(server: Process, targets: Targets, authority: Authority) -> None:
    """Add endpoints, well and broken, and check them until there is something to draw."""
    ok = answer('{"status":"ok"}', headers={"Content-Type": "application/json", "Server": "nginx"})
    shop = targets.serve(unsteady(40, ok), tls=authority.expires_in(61))
    login = targets.serve(unsteady(18, ok), tls=authority.expires_in(80))
    billing = targets.serve(unsteady(25, ok))
    search = targets.serve(unsteady(90, ok))
    mail = targets.serve(banner(b"220 mail.example.org ESMTP\r\n"))
    rules = {"interval": "10m", "timeout": "2s", "failure_threshold": 1, "recovery_threshold": 1}
    often = {
        "shop": (f"https://localhost:{shop.port}/health", {"json_path": "$.status", "json_equals": "ok"}),
        "login": (f"https://localhost:{login.port}/", {"headers": {"Authorization": "Bearer secret"}}),
        "billing": (f"{billing.base}/health", {}),
        "search": (f"{search.base}/search?q=bell", {"degraded_after": "50ms"}),
        "docs": (targets.serve(unsteady(8, ok)).base, {}),
        "mail": (mail.address, {"expect": "220 "}),
        "status page": (targets.serve(ok).base, {}),
    }
    ids = {}
    for name, (target, more) in often.items():
        kind = "http" if target.startswith("http") else "tcp"
        body = {"name": name, "target": target, "endpoint_type": kind, **rules, **more}
        ids[name] = server.post("/api/v1/endpoints", body)["endpoint"]["id"]
    for turn in range(24):
        if turn == 20:
            billing.script = answer('{"error":"the database is away"}', 503, {"Content-Type": "application/json"})
        for number in ids.values():
            server.post(f"/api/v1/endpoints/{number}/check", {})
    server.post(f"/api/v1/endpoints/{ids['docs']}/pause", {})


def watch_certificates(server: Process, targets: Targets, authority: Authority) -> None:
    """Add certificates with everything that can be wrong with one."""
    wrong = (authority.expired(), authority.other_name(), authority.incomplete(), authority.expires_in(12))
    for leaf in (*wrong, authority.good("localhost")):
        body = {"hostname": "localhost", "port": targets.serve(answer("ok"), tls=leaf).port}
        server.post("/api/v1/certificates", body)


def pages(server: Process) -> dict[str, str]:
    endpoints = {one["name"]: one["id"] for one in server.get("/api/v1/endpoints")["endpoints"]}
    certificates = {one["status"]: one["id"] for one in server.get("/api/v1/certificates")["certificates"]}
    ids = {name: container["id"] for name, container in server.containers().items()}
    return {
        "dashboard": "/",
        "containers": "/containers",
        "containers-none-match": "/containers?q=nothing",
        "container": f"/containers/{ids['grafana']}",
        "container-crashed": f"/containers/{ids['shop-mailer-1']}",
        "timeline": f"/containers/{ids['shop-mailer-1']}?tab=timeline",
        "logs": f"/containers/{ids['shop-api-1']}?tab=logs",
        "endpoints": "/endpoints",
        "endpoints-none-match": "/endpoints?q=nothing",
        "endpoint": f"/endpoints/{endpoints['shop']}?range=1h",
        "endpoint-phases": f"/endpoints/{endpoints['shop']}?range=1h&view=phases",
        "endpoint-down": f"/endpoints/{endpoints['billing']}?range=1h",
        "endpoint-form": "/endpoints/new",
        "endpoint-edit": f"/endpoints/{endpoints['billing']}/edit",
        "certificates": "/certificates",
        "certificate-form": "/certificates",
        "certificate": f"/certificates/{certificates['valid']}",
        "certificate-expired": f"/certificates/{certificates['expired']}",
        "certificate-problem": f"/certificates/{certificates['error']}",
        "alerts": "/alerts",
        "alerts-history": "/alerts?view=history",
        "silences": "/alerts?view=silences",
        "not-found": "/nowhere",
    }


def act(page: Page, name: str) -> None:
    """Do what belongs in the picture of that name."""
    if name in {"timeline", "alerts"}:
        page.locator("summary").first.click()
    if name == "endpoint-edit":
        page.locator("form button.btn:not(.btn-primary)[type=button]").nth(-2).click()
        page.get_by_test_id("trial").wait_for()
    if name == "endpoint-form":
        page.locator("[name=target]").fill("nowhere")
        page.locator("[name=name]").fill("shop")
        page.locator("summary").first.click()
        page.locator("form [type=submit]").click()
        page.locator("[aria-invalid=true]").wait_for()
    if name == "certificate-form":
        page.get_by_test_id("add-certificate").click()


def shoot(
    browser: Browser, server: Process, folder: Path, wanted: dict[str, str], *, token: bool, locale: str = "en-GB"
) -> None:
    for width, (w, h) in WIDTHS.items():
        for scheme in ("light", "dark"):
            headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
            context = browser.new_context(
                viewport={"width": w, "height": h},
                color_scheme=scheme,
                locale=locale,
                extra_http_headers=headers,
                reduced_motion="reduce",
            )
            page = context.new_page()
            for name, path in wanted.items():
                page.goto(server.base + path)
                page.wait_for_selector("h1")
                page.wait_for_timeout(900)
                act(page, name)
                if name.startswith(TALL):  # a window as tall as the page: what sticks to its edges stays there
                    height = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size({"width": w, "height": height})
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
                page.set_viewport_size({"width": w, "height": h})
            context.close()


def shoot_readme(browser: Browser, server: Process) -> None:
    page = browser.new_page(
        viewport={"width": 1440, "height": 1000},
        locale="en-GB",
        extra_http_headers={"Authorization": f"Bearer {TOKEN}"},
        reduced_motion="reduce",
    )
    page.goto(server.base)
    page.get_by_test_id("endpoint-tiles").wait_for()
    page.wait_for_timeout(900)
    page.screenshot(path=ROOT / "docs/images/dashboard.png")
    page.close()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".cache/screenshots"
    locale = sys.argv[2] if len(sys.argv) > 2 else "en-GB"
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority()
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as temporary,
        sync_playwright() as playwright,
        beside() as targets,
    ):
        engine = Engine(Path(temporary) / "engine", bridge="tocsin8", network="172.31.88")
        engine.start()
        server = Process(
            Path(temporary) / "data",
            TOCSIN_RUNTIME="docker",
            TOCSIN_DOCKER_HOST=engine.url,
            TOCSIN_EGRESS_ALLOW="127.0.0.1,localhost",
            TOCSIN_CA_FILE=str(authority.write(Path(temporary))),
        )
        empty = Process(
            Path(temporary) / "empty", TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST="unix:///nowhere/docker.sock"
        )
        try:
            engine.build_images()
            server.start()
            fill(engine)
            watch_endpoints(server, targets, authority)
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            time.sleep(2)
            link = re.search(r"/setup\?code=\S+", server.log)
            shoot(browser, server, folder, {"setup": link[0] if link else "/setup"}, token=False, locale=locale)
            if locale.startswith("en"):
                shoot_readme(browser, server)
            watch_certificates(server, targets, authority)
            shoot(browser, server, folder, pages(server), token=True, locale=locale)
            empty.start()
            shoot(browser, empty, folder, {"no-engine": "/"}, token=True, locale=locale)
            browser.close()
        finally:
            server.kill()
            empty.kill()
            engine.destroy()


if __name__ == "__main__":
    main()
