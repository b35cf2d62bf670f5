"""Watching 100 containers: what it costs Tocsin, and what it costs the engine.

How:   a Docker engine of our own runs 100 containers that sleep. CPU of Tocsin and of dockerd while nothing happens,
       and while 50 containers are stopped and started; the engine with and without Tocsin attached, in turn. Then
       Tocsin compares everything with the engine every 5 s, to tell what one such comparison costs: it usually comes
       every 5 minutes, so an idle interval may hold none.
Limit: the same engine doing the same without Tocsin; and one core.
Goal:  Tocsin ≤ 2 % of a core when idle.
"""

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.engine import BUSYBOX, DOCKER, Engine

from benchmarks.support import Figure, Server, Skipped, cpu_seconds, run, scratch_folder

CONTAINERS = 100
CYCLED = 50
GOAL_PERCENT = 2.0
BRIDGE, NETWORK = "tocsinbench0", "172.31.96"
EVENTS = 'tocsin_events_total{type="container.state_changed"}'


class Cost(NamedTuple):
    """CPU seconds of Tocsin (0 when it is not there) and of dockerd, and how long that took."""

    tocsin_s: float
    dockerd_s: float
    wall_s: float


def measure(quick: bool) -> list[Figure]:
    missing = [name for name in (DOCKER, str(BUSYBOX), "dockerd", "ip") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise Skipped(f"needs root and {', '.join(missing) or 'a Docker engine'}")
    with scratch_folder() as folder, engine(folder / "engine") as docker:
        start_containers(docker, 20 if quick else CONTAINERS)
        return compare(docker, folder, seconds=5 if quick else 15, rounds=1 if quick else 2)


def compare(docker: Engine, folder: Path, *, seconds: float, rounds: int) -> list[Figure]:
    """Measure with and without Tocsin in turn: without, with, with, without."""
    idle: dict[bool, list[Cost]] = {True: [], False: []}
    busy: dict[bool, list[Cost]] = {True: [], False: []}
    for attached in [False, True, True, False][: 2 * rounds]:
        with watching(docker, folder, attached=attached) as server:
            idle[attached].append(cost(server, docker, lambda: time.sleep(seconds)))
            busy[attached].append(cost(server, docker, lambda: cycle(docker)))
            if server is not None:
                see_events(server)
    with watching(docker, folder, attached=True, TOCSIN_RECONCILE_INTERVAL="5s") as server:
        comparing = cost(server, docker, lambda: time.sleep(max(seconds, 10)))
    return tell(idle, busy, comparing)


def tell(idle: dict[bool, list[Cost]], busy: dict[bool, list[Cost]], comparing: Cost) -> list[Figure]:
    idle_share, engine_share = share(idle[True], "tocsin_s"), share(idle[True], "dockerd_s")
    events = 2 * CYCLED
    with_s, without_s = (statistics.mean(c.dockerd_s for c in busy[attached]) for attached in (True, False))
    tocsin_ms = statistics.mean(c.tocsin_s for c in busy[True]) * 1e3
    one_ms = (comparing.tocsin_s / comparing.wall_s - idle_share / 100) * 5e3
    engine_ms = (comparing.dockerd_s / comparing.wall_s - engine_share / 100) * 5e3
    return [
        Figure(
            "Tocsin when nothing happens",
            idle_share,
            "% of a core",
            GOAL_PERCENT,
            detail=f"dockerd {engine_share:.2f} %, without Tocsin {share(idle[False], 'dockerd_s'):.2f} %",
        ),
        Figure(
            f"  Tocsin while {events} stops and starts happen",
            share(busy[True], "tocsin_s"),
            "% of a core",
            detail=f"{tocsin_ms / events:.1f} ms CPU for each",
        ),
        Figure(
            "  dockerd meanwhile, with Tocsin",
            with_s / without_s,
            "× without",
            detail=f"{share(busy[True], 'dockerd_s'):.1f} % of a core, {with_s / events * 1e3:.1f} ms for each "
            f"against {without_s / events * 1e3:.1f} ms",
        ),
        Figure(
            "  one comparison with the engine",
            one_ms,
            "ms CPU",
            detail=f"dockerd {engine_ms:.0f} ms; every 5 minutes that is {one_ms / 3e3:.3f} % of a core",
        ),
    ]


def share(costs: list[Cost], of: str) -> float:
    """Return the percentage of a core that *of* took over all *costs*."""
    return 100.0 * sum(float(getattr(c, of)) for c in costs) / sum(c.wall_s for c in costs)


def cost(server: Server | None, docker: Engine, act: Callable[[], None]) -> Cost:
    """Measure *act*, and the second after it in which what it caused is still worked on."""
    dockerd = int((docker.folder / "docker.pid").read_text())
    began, engine_before = time.perf_counter(), cpu_seconds(dockerd)
    before = 0.0 if server is None else cpu_seconds(server.pid)
    act()
    time.sleep(1)
    after = 0.0 if server is None else cpu_seconds(server.pid)
    return Cost(after - before, cpu_seconds(dockerd) - engine_before, time.perf_counter() - began)


@contextmanager
def watching(docker: Engine, folder: Path, *, attached: bool, **settings: str) -> Iterator[Server | None]:
    """Run Tocsin on the engine, caught up with it; or nothing, for as long."""
    if not attached:
        yield None
        return
    running = len(docker.docker("ps", "-q").split())
    with Server(folder / "data", TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=docker.url, **settings) as server:
        server.wait_until_ready()
        deadline = time.monotonic() + 60
        while tracked(server) != running:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{tracked(server)} of {running} containers are tracked:\n{server.log.read_text()}")
            time.sleep(0.1)
        time.sleep(3)
        yield server


def tracked(server: Server) -> int:
    status = server.get("/api/v1/runtime/status")
    return int(server.get("/api/v1/containers?state=running")["total"]) if status["connected"] else 0


def see_events(server: Server) -> None:
    """Raises RuntimeError: Tocsin has missed some of the stops and starts."""
    deadline = time.monotonic() + 20
    while True:
        seen = [line.split()[1] for line in server.read("/metrics").splitlines() if line.startswith(EVENTS)]
        if seen and float(seen[0]) >= 2 * CYCLED:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"Tocsin saw {seen} of {2 * CYCLED} changes:\n{server.log.read_text()}")
        time.sleep(0.2)


# --- the engine ------------------------------------------------------------------------------------------------------


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Run a private engine with images; afterwards nothing of it is left."""
    docker = Engine(folder, bridge=BRIDGE, network=NETWORK)
    docker.start()
    try:
        docker.build_images()
        yield docker
    finally:
        for container in docker.docker("ps", "-aq").split():  # all at once would take too long for one call
            docker.docker("rm", "-f", container, check=False)
        docker.stop()
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)
        forget_firewall_rules()
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{folder}/"):
                subprocess.run(["umount", "-l", line.split()[1]], capture_output=True, check=False)


def forget_firewall_rules() -> None:
    """Delete the rules about our bridge, which the engine leaves behind."""
    if shutil.which("iptables") is None:
        return
    for table in ("filter", "nat"):
        rules = subprocess.run(["iptables", "-t", table, "-S"], capture_output=True, check=False, text=True).stdout
        for rule in rules.splitlines():
            if BRIDGE in rule.split() or f"{NETWORK}.0/24" in rule.split():
                undo = rule.replace("-A", "-D", 1).split()
                subprocess.run(["iptables", "-t", table, *undo], capture_output=True, check=False)


def start_containers(docker: Engine, count: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: docker.run(name_of(number), command=("sleep", "1000000")), range(count)))


def cycle(docker: Engine) -> None:
    """Stop and start CYCLED containers, a few at a time."""
    running = len(docker.docker("ps", "-q").split())

    def one(number: int) -> None:
        docker.docker("stop", "-t", "0", name_of(number % running))
        docker.docker("start", name_of(number % running))

    for first in range(0, CYCLED, running):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, range(first, min(CYCLED, first + running))))


def name_of(number: int) -> str:
    return f"sleeper-{number:03d}"


if __name__ == "__main__":
    run(measure)
