"""The path a stranger takes: set up, see the containers, break one, find the reason. All of it without a reload."""

import re
import time
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from support.engine import Engine
from support.pages import assert_never_reloaded, mark
from support.process import Process

SCRIPT = "while [ ! -e /tmp/die ]; do sleep 0.05; done; echo 'cannot reach the database' >&2; exit 3"
CRASHER = ("sh", "-c", f"echo ready; {SCRIPT}")


def row(page: Page, name: str):
    return page.locator(f'[data-testid="container-row"][data-name="{name}"]')


def test_the_whole_path_of_a_stranger(context: BrowserContext, engine: Engine, tmp_path: Path):
    server = Process(tmp_path / "fresh", TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url)
    engine.run("shop-api", command=CRASHER)
    server.start()
    try:
        page = context.new_page()
        page.goto(re.search(r"http://\S+/setup\?code=\S+", wait_for_link(server))[0])
        form = page.get_by_test_id("setup-form")
        form.get_by_label("Name").fill("ada")
        form.get_by_label("Password", exact=True).fill("correct horse battery")
        form.get_by_role("button").last.click()
        page.wait_for_url(server.base + "/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("fine")
        mark(page)

        page.get_by_role("link", name="Containers").first.click()
        expect(row(page, "shop-api")).to_have_attribute("data-state", "running")

        engine.docker("exec", "shop-api", "touch", "/tmp/die")

        expect(row(page, "shop-api")).to_have_attribute("data-state", "exited")
        row(page, "shop-api").click()
        page.get_by_role("link", name="Timeline").click()
        death = page.locator('[data-testid="transition"][data-state="exited"]')
        expect(death).to_contain_text("3")
        death.locator("summary").click()
        expect(death.get_by_test_id("log-snippet")).to_contain_text("cannot reach the database")

        page.get_by_role("link", name="Logs").click()
        expect(page.get_by_test_id("log-line").last).to_contain_text("cannot reach the database")

        page.goto(server.base + "/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("1 problem")
        expect(page.get_by_test_id("event-item").first).to_contain_text("shop-api")
    finally:
        server.stop()


def wait_for_link(server: Process) -> str:
    deadline = time.monotonic() + 5
    while "/setup?code=" not in server.log:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)
    return server.log


def test_a_container_dies_and_its_row_says_so_without_a_reload(page: Page, engine: Engine, server: Process):
    engine.run("worker", command=CRASHER)
    page.get_by_role("link", name="Containers").first.click()
    expect(row(page, "worker")).to_have_attribute("data-state", "running")
    mark(page)

    engine.docker("exec", "worker", "touch", "/tmp/die")

    expect(row(page, "worker")).to_have_attribute("data-state", "exited")
    engine.docker("rm", "-f", "worker")
    expect(row(page, "worker")).to_have_count(0, timeout=20_000)
    assert_never_reloaded(page)


def test_the_page_survives_a_restart_of_the_server(page: Page, engine: Engine, server: Process):
    engine.run("steady", command=("sleep", "1000"))
    page.get_by_role("link", name="Containers").first.click()
    expect(row(page, "steady")).to_have_attribute("data-state", "running")
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-status", "connected")
    mark(page)

    server.kill()
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-status", "reconnecting")
    engine.docker("stop", "-t", "0", "steady")
    server.start()

    expect(page.get_by_test_id("live-status")).to_have_attribute("data-status", "connected")
    expect(row(page, "steady")).to_have_attribute("data-state", "completed")
    assert_never_reloaded(page)


def test_logs_are_followed_and_paused(page: Page, engine: Engine, server: Process):
    engine.run("chatty", command=("sh", "-c", "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.05; done"))
    page.get_by_role("link", name="Containers").first.click()
    row(page, "chatty").click()
    page.get_by_role("link", name="Logs").click()
    expect(page.get_by_test_id("log-line").nth(5)).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    before = page.get_by_test_id("log-line").last.inner_text()
    resume = page.get_by_role("button", name=re.compile("new"))
    expect(resume).to_be_visible()
    assert page.get_by_test_id("log-line").last.inner_text() == before
    resume.click()
    expect(page.get_by_test_id("log-line").last).not_to_have_text(before)


def test_without_an_engine_the_page_says_how_to_connect_one(context: BrowserContext, engine: Engine, tmp_path: Path):
    socket = tmp_path / "late.sock"
    server = Process(
        tmp_path / "data",
        TOCSIN_RUNTIME="docker",
        TOCSIN_DOCKER_HOST=f"unix://{socket}",
        TOCSIN_AUTH="none",
    ).start()
    try:
        page = context.new_page()
        page.goto(server.base)
        expect(page.get_by_test_id("no-engine")).to_contain_text("/var/run/docker.sock")
        expect(page.get_by_test_id("no-engine")).to_contain_text("does not exist")
        mark(page)
        engine.run("hello", command=("sleep", "1000"))
        socket.symlink_to(engine.socket)
        page.get_by_role("link", name="Containers").first.click()
        expect(row(page, "hello")).to_be_visible(timeout=40_000)
        assert_never_reloaded(page)
    finally:
        server.stop()


def test_filters_live_in_the_address(page: Page, engine: Engine, server: Process):
    engine.run("alpha", "--label", "tocsin.group=red", command=("sleep", "1000"))
    engine.run("beta", command=("sleep", "1000"))
    page.goto(server.base + "/containers?q=alp")
    expect(row(page, "alpha")).to_be_visible()
    expect(row(page, "beta")).to_have_count(0)
    page.goto(server.base + "/containers?group=red")
    expect(row(page, "alpha")).to_be_visible()
    expect(row(page, "beta")).to_have_count(0)
