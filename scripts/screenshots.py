"""Pictures of every page, dark and light, phone and wide, with a private engine full of containers in every state.

    .venv/bin/python scripts/screenshots.py [FOLDER]

writes them to FOLDER (.cache/screenshots), and docs/images/dashboard.png for the README.
"""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from e2e.conftest import ARGUMENTS  # noqa: E402
from support.engine import Engine  # noqa: E402
from support.process import TOKEN, Process  # noqa: E402

SHOP = (
    ("api", "on-failure:0", "while :; do echo GET /cart 200 $((RANDOM % 40)) ms; sleep 0.7; done"),
    ("worker", "no", "echo 'connecting to db:5432' ; sleep 1; echo 'FATAL: password rejected' >&2; exit 3"),
    ("mailer", "on-failure:4", "echo 'no route to mail host' >&2; exit 1"),
    ("db", "no", "echo 'ready to accept connections'; sleep 100000"),
    ("cache", "no", "sleep 100000"),
    ("migrate", "no", "echo 'schema is up to date'; exit 0"),
)
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


def pages(server: Process) -> dict[str, str]:
    ids = {name: container["id"] for name, container in server.containers().items()}
    return {
        "dashboard": "/",
        "containers": "/containers",
        "containers-none-match": "/containers?q=nothing",
        "container": f"/containers/{ids['grafana']}",
        "container-crashed": f"/containers/{ids['shop-mailer-1']}",
        "timeline": f"/containers/{ids['shop-mailer-1']}?tab=timeline",
        "logs": f"/containers/{ids['shop-api-1']}?tab=logs",
        "alerts": "/alerts",
        "alerts-history": "/alerts?view=history",
        "silences": "/alerts?view=silences",
        "not-found": "/nowhere",
    }


def shoot(browser: Browser, server: Process, folder: Path, wanted: dict[str, str], *, token: bool) -> None:
    for width, (w, h) in WIDTHS.items():
        for scheme in ("light", "dark"):
            headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
            context = browser.new_context(
                viewport={"width": w, "height": h},
                color_scheme=scheme,
                extra_http_headers=headers,
                reduced_motion="reduce",
            )
            page = context.new_page()
            for name, path in wanted.items():
                page.goto(server.base + path)
                page.wait_for_selector("h1")
                page.wait_for_timeout(900)
                if name in {"timeline", "alerts"}:
                    page.locator("summary").first.click()
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
            context.close()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".cache/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as temporary, sync_playwright() as playwright:
        engine = Engine(Path(temporary) / "engine", bridge="tocsin8", network="172.31.88")
        engine.start()
        server = Process(Path(temporary) / "data", TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url)
        empty = Process(
            Path(temporary) / "empty", TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST="unix:///nowhere/docker.sock"
        )
        try:
            engine.build_images()
            server.start()
            fill(engine)
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            time.sleep(2)
            link = re.search(r"/setup\?code=\S+", server.log)
            shoot(browser, server, folder, {"setup": link[0] if link else "/setup"}, token=False)
            shoot(browser, server, folder, pages(server), token=True)
            empty.start()
            shoot(browser, empty, folder, {"no-engine": "/"}, token=True)
            browser.close()
        finally:
            server.kill()
            empty.kill()
            engine.destroy()
    images = ROOT / "docs/images"
    images.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "dashboard-wide-light.png", images / "dashboard.png")


if __name__ == "__main__":
    main()
