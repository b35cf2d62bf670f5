"""The list of 200 containers over HTTP, asked for with a token.

How:   containers are stored before the server starts; 16 kept-alive connections ask in a closed loop, Tocsin and the
       limits in turn; CPU of the server process per request, median of the rounds. Then a container is deleted
       again and again, and the first list after that is measured alone.
Limit: a bare protocol server (asyncio.Protocol, httptools, uvloop) that encodes the same list for each request. Told
       beside it: the same server sending finished bytes, and a health check, which is Tocsin without a list.
Goal:  ≤ 1.5 × the limit's CPU per request.
"""

import asyncio
import http.client
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.load import load
from benchmarks.support import TOKEN, Figure, Server, ask, bare, cpu_seconds, median_ratio, run, scratch_folder
from tocsin.containers import journal, rules
from tocsin.core.clock import SystemClock
from tocsin.db.database import Database
from tocsin.db.tx import Tx
from tocsin.parts import database_url
from tocsin.process import prepare_database
from tocsin.runtimes.base import Details
from tocsin.settings import load as load_settings

CONTAINERS = 200
PATH = "/api/v1/containers"
GOAL = 1.5


def measure(quick: bool) -> list[Figure]:
    rounds, seconds, deletions = (3, 1.0, 5) if quick else (7, 2.0, 20)
    with scratch_folder() as folder:
        asyncio.run(store(folder / "data", deletions))
        with Server(folder / "data") as server:
            server.wait_until_ready()
            rebuild = after_a_change(server, deletions)
            answer = raw_answer(server.port)
            (folder / "answer").write_bytes(answer)
            return [*compare(server, folder / "answer", rounds, seconds), rebuild]


def compare(server: Server, answer: Path, rounds: int, seconds: float) -> list[Figure]:
    """Measure all four in turn, forwards and backwards."""
    with bare("answer", str(answer)) as sending, bare("encode", str(answer)) as encoding:
        subjects = {
            "list": (server.pid, server.port, PATH),
            "sending": (sending.pid, sending.hear(), "/"),
            "encoding": (encoding.pid, encoding.hear(), "/"),
            "health": (server.pid, server.port, "/api/v1/health"),
        }
        costs: dict[str, list[float]] = {name: [] for name in subjects}
        for number in range(rounds):
            for name in list(subjects) if number % 2 else reversed(subjects):
                costs[name].append(cpu_per_request(*subjects[name], seconds))
    listed, sent, built, health = (statistics.median(costs[name]) * 1e6 for name in subjects)
    size_kb = answer.stat().st_size / 1e3
    return [
        Figure(
            f"list of {CONTAINERS} containers, CPU",
            median_ratio(list(zip(costs["list"], costs["encoding"], strict=True))),
            "× encoded",
            GOAL,
            detail=f"{listed:.0f} µs against {built:.0f} µs for {size_kb:.0f} kB",
        ),
        Figure(
            "  the same, against sending finished bytes",
            median_ratio(list(zip(costs["list"], costs["sending"], strict=True))),
            "× sent",
            detail=f"{listed:.0f} µs against {sent:.0f} µs",
        ),
        Figure("  a health check, for comparison", health, "µs CPU", detail="Tocsin without a list or a token"),
    ]


def cpu_per_request(pid: int, port: int, path: str, seconds: float) -> float:
    before = cpu_seconds(pid)
    answered = load(port, path, seconds)
    return (cpu_seconds(pid) - before) / answered


def after_a_change(server: Server, deletions: int) -> Figure:
    """Delete one container after the other; the first list after each has to be read and encoded anew."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    ask(connection, "GET", PATH)
    first, again = [], []
    for number in range(CONTAINERS + 1, CONTAINERS + deletions + 1):
        ask(connection, "DELETE", f"{PATH}/{number}")
        first.append(timed(server.pid, connection))
        again.append(timed(server.pid, connection))
    connection.close()
    cpu_ms, wall_ms = (statistics.median(values) * 1e3 for values in zip(*first, strict=True))
    usual_ms = statistics.median(cpu for cpu, _ in again) * 1e3
    detail = f"{wall_ms:.1f} ms until the answer; {usual_ms:.2f} ms CPU for the next one"
    return Figure("  the first list after a change", cpu_ms, "ms CPU", detail=detail)


def timed(pid: int, connection: http.client.HTTPConnection) -> tuple[float, float]:
    """Return the CPU and the wall time of one list."""
    cpu, wall = cpu_seconds(pid), time.perf_counter()
    ask(connection, "GET", PATH)
    wall = time.perf_counter() - wall
    return cpu_seconds(pid) - cpu, wall


def raw_answer(port: int) -> bytes:
    """Return the answer to a list request as it travels, head and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    response = connection.getresponse()
    head = "".join(f"{name}: {value}\r\n" for name, value in response.getheaders())
    body = response.read()
    connection.close()
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


async def store(data_dir: Path, deletable: int) -> None:
    """Write CONTAINERS running containers, and *deletable* ones that have ended, as the program itself would."""
    settings = load_settings({"TOCSIN_DATA_DIR": str(data_dir)})
    data_dir.mkdir(parents=True, mode=0o700)
    prepare_database(settings)
    clock = SystemClock()
    db = Database(database_url(settings), clock, lambda _frames: None)
    await db.start()

    def work(tx: Tx) -> None:
        for number in range(CONTAINERS + deletable):
            found = details(number, tx.clock.now(), "running" if number < CONTAINERS else "exited")
            journal.insert(tx, rules.discover(found, "local", tx.clock.now(), live=False), timedelta(minutes=10))

    await db.write(work)
    await db.stop()


def details(number: int, now: datetime, status: str) -> Details:
    """Return what an engine would say about the *number*th container: one of five in each of 40 projects."""
    project, service = f"project-{number // 5:02d}", ("web", "worker", "database", "cache", "queue")[number % 5]
    return Details(
        runtime_id=f"{number:064x}",
        inspected_at=now,
        name=f"{project}-{service}-1",
        image=f"registry.example.org/{project}/{service}:1.{number}.0",
        status=status,
        health="healthy" if service == "web" else None,
        has_health_check=service == "web",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        started_at=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
        finished_at=None if status == "running" else now,
        exit_code=None if status == "running" else 0,
        oom_killed=False,
        restart_count=0,
        restart_policy="unless-stopped",
        tty=False,
        error="",
        labels={
            "com.docker.compose.project": project,
            "com.docker.compose.service": service,
            "com.docker.compose.container-number": "1",
            "com.docker.compose.project.working_dir": f"/srv/{project}",
        },
    )


if __name__ == "__main__":
    run(measure)
