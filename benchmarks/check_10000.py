"""10,000 endpoints checked every 30 s, half of them over TLS, with everything that follows: verdicts, storage, events.

How:   a database with 10,000 endpoints is prepared, the program started on one core, nginx on the other; after all
       have been checked once, CPU, lateness and written bytes are taken over a window. Then the same with an interval
       of 5 s, which is more than one core can do.
Limit: one core; at saturation a probe of the same targets by the blackbox exporter.
Goal:  ≤ 25 % of a core, lateness p99 ≤ 10 ms, ≤ 120 MB; 0.5 ms of CPU for a check, everything included (the same
       machine spends 2.5 ms with Prometheus and the blackbox exporter, 5.8 ms with Uptime Kuma).
"""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks.probe_engine import blackbox_us
from benchmarks.support import Figure, Server, cpu_seconds, percentile, request, rss_mb, run, scratch_folder
from benchmarks.web import Web, nginx
from tocsin.core.clock import SystemClock
from tocsin.db.engine import open_engine, sqlite_url
from tocsin.db.migrate import migrate
from tocsin.db.tx import Reactions, Tx
from tocsin.endpoints import store
from tocsin.endpoints.models import Config, Endpoint, EndpointSource, EndpointType

COUNT, INTERVAL_S, SHORTEST_S = 10_000, 30.0, 5.0
GOAL_CORE_PERCENT, GOAL_LATE_MS, GOAL_MB, GOAL_CHECK_MS = 25.0, 10.0, 120.0, 0.5


def measure(quick: bool) -> list[Figure]:
    warm_s, window_s = (35.0, 20.0) if quick else (65.0, 60.0)
    with scratch_folder() as folder, nginx(folder, core=1) as web:
        with checking(folder / "data", web, INTERVAL_S) as server:
            time.sleep(warm_s)
            figures = watched(server, window_s)
        with checking(folder / "busy", web, SHORTEST_S) as server:
            time.sleep(20)
            saturated_us = cpu_of_a_check(server, 15)
        plain, tls = blackbox_us(folder, web, 1000)
    if plain is not None and tls is not None:
        mean = (plain + tls) / 2
        detail = f"{saturated_us:.0f} µs against {mean:.0f} µs"
        figures.append(
            Figure("a check at saturation / blackbox exporter", saturated_us / mean, "× CPU", 1.0, detail=detail)
        )
    return figures


@contextmanager
def checking(data_dir: Path, web: Web, interval_s: float) -> Iterator[Server]:
    """Run the program on one core with 10,000 endpoints."""
    data_dir.mkdir()
    prepare(data_dir, web, interval_s)
    with Server(data_dir, TOCSIN_EGRESS_ALLOW="127.0.0.1,localhost,::1", TOCSIN_CA_FILE=str(web.ca_file)) as server:
        server.wait_until_ready()
        pin(server.pid, 0)
        yield server


def cpu_of_a_check(server: Server, seconds: float) -> float:
    """Return the CPU time of a check in µs, everything included."""
    before, spent = lateness(server)[float("inf")], cpu_seconds(server.pid)
    time.sleep(seconds)
    spent = cpu_seconds(server.pid) - spent
    return spent / (lateness(server)[float("inf")] - before) * 1e6


def watched(server: Server, window_s: float) -> list[Figure]:
    """Take the figures of a window. Metrics of 10,000 endpoints are a burden of their own: read before and after it."""
    memory = rss_mb(server.pid)
    before = lateness(server)
    time.sleep(2)
    answers = []
    spent, written, began = cpu_seconds(server.pid), written_bytes(server.pid), time.monotonic()
    while time.monotonic() - began < window_s:
        time.sleep(2.5)
        asked = time.perf_counter()
        request(server.port, "GET", "/api/v1/endpoints?limit=50")
        answers.append((time.perf_counter() - asked) * 1000)
    seconds = time.monotonic() - began
    spent, written = cpu_seconds(server.pid) - spent, written_bytes(server.pid) - written
    text = server.read("/metrics")
    after = lateness(server)
    late = {bound: count - before[bound] for bound, count in after.items()}
    done = late[float("inf")] * seconds / (seconds + 2)
    up = sum(float(value) for value in re.findall(r"^tocsin_endpoint_up{.*} ([0-9.]+)$", text, re.MULTILINE))
    return [
        Figure("a core", spent / seconds * 100, "%", GOAL_CORE_PERCENT, detail=f"{done / seconds:.0f} checks/s"),
        Figure("CPU of a check, all included", spent / done * 1000, "ms", GOAL_CHECK_MS),
        Figure("lateness p99, at most", bound_of(late, 0.99) * 1000, "ms", GOAL_LATE_MS, detail=shares(late)),
        Figure("memory", memory, "MB", GOAL_MB),
        Figure("written for a check", written / done, "bytes", detail="sockets included; packing every ten minutes"),
        Figure("a page of the list", percentile(answers, 50), "ms", detail=f"slowest {max(answers):.0f} ms"),
        Figure("endpoints up", up, "endpoints", float(COUNT), at_least=True),
    ]


def lateness(server: Server) -> dict[float, float]:
    """Return how many checks began late by at most so many seconds."""
    found = re.findall(
        r'^tocsin_check_lateness_seconds_bucket{le="([^"]+)"} ([0-9.e+]+)$', server.read("/metrics"), re.M
    )
    return {float(bound): float(count) for bound, count in found}


def bound_of(late: dict[float, float], share: float) -> float:
    return next(bound for bound, count in sorted(late.items()) if count >= share * late[float("inf")])


def shares(late: dict[float, float]) -> str:
    whole = late[float("inf")]
    return ", ".join(f"≤ {bound * 1000:g} ms {late[bound] / whole:.1%}" for bound in (0.002, 0.01, 0.05))


def prepare(data_dir: Path, web: Web, interval_s: float) -> None:
    engine, clock = open_engine(sqlite_url(data_dir / "tocsin.db")), SystemClock()
    migrate(engine, data_dir / "backups", clock.now())
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        tx = Tx(connection, clock, Reactions())
        for number in range(COUNT):
            store.create(tx, endpoint(number, web, clock.now(), interval_s))
        connection.exec_driver_sql("COMMIT")
    engine.dispose()


def endpoint(number: int, web: Web, now: datetime, interval_s: float = INTERVAL_S) -> Endpoint:
    base = web.tls if number % 2 else web.plain
    return Endpoint(
        id=0,
        source=EndpointSource.STANDALONE,
        endpoint_type=EndpointType.HTTP,
        target=f"{base}{number}",
        name=f"endpoint {number}",
        label_key=str(number),
        config=Config(interval_seconds=interval_s, timeout_seconds=5.0),
        badge_key=secrets.token_urlsafe(16),
        first_seen_at=now,
        last_seen_at=now,
    )


def pin(pid: int, core: int) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def written_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("wchar:")))


if __name__ == "__main__":
    run(measure)
