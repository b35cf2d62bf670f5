"""5,000 alerts within a minute: is everything told, does the API answer, does memory stay bounded?

How:   Tocsin and a receiver in one process; 5,000 alerts of different containers fire over a minute (quick: 1,000 over
       twelve seconds) while a client asks for the active alerts and for one alert in turn.
Limit: the same requests in the second before the storm; and a fixed bound of memory.
Goal:  all told, in at most 60 messages; one alert p99 ≤ 100 ms; ≤ 60 MB more memory.
"""

import asyncio
import os
import time
from pathlib import Path

from tests.support.program import Program, running
from tests.support.sink import Sink, sink

from benchmarks.support import Figure, percentile, rss_mb, run, scratch_folder
from tocsin.alerts.models import EntityType, Raise, Source, Subject
from tocsin.containers.models import Severity

ALERTS, A_SECOND = 5_000, 84
MOST_MESSAGES, P99_MS, MORE_MB = 60, 100.0, 60.0


def measure(quick: bool) -> list[Figure]:
    with scratch_folder() as folder:
        return asyncio.run(storm(folder, 1_000 if quick else ALERTS))


async def storm(folder: Path, count: int) -> list[Figure]:
    async with sink() as receiver, running(folder, TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as program:
        await program.client.post("/api/v1/channels", {"name": "ops", "url": receiver.base + "/hook"})
        calm = await ask(program, 1.0)
        before_mb = rss_mb(os.getpid())
        fired = asyncio.create_task(fire(program, count))
        stormy: list[float] = []
        while not fired.done():
            stormy += await ask(program, 0.5)
        began = time.monotonic()
        while len(receiver.notices()) < count and time.monotonic() - began < 120:
            await asyncio.sleep(0.2)
        late_s, more_mb = time.monotonic() - began, rss_mb(os.getpid()) - before_mb
        return tell(receiver, count, calm, stormy, late_s, more_mb)


async def fire(program: Program, count: int) -> None:
    """Raise *count* alerts at an even pace, each in a transaction of its own."""
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        signal = Raise(
            source=Source.CONTAINER,
            alert_type="container_down",
            severity=Severity.CRITICAL,
            subject=Subject(type=EntityType.CONTAINER, key=str(number), name=f"web-{number}", parents=("host:nas",)),
            message=f"web-{number} stopped with exit code 1",
            details={"exit_code": 1, "log_excerpt": "no database\n" * 20},
            at=program.tocsin.clock.now(),
        )
        await program.tocsin.db.write(lambda tx, signal=signal: program.tocsin.alert_engine.take(tx, [signal]))


async def ask(program: Program, seconds: float) -> list[float]:
    """Ask for one page of alerts again and again; return how long each answer took in ms."""
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        answer = await program.client.get("/api/v1/alerts?limit=20")
        assert answer.status == 200, answer.body
        times.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0.02)
    return times


def tell(
    receiver: Sink, count: int, calm: list[float], stormy: list[float], late_s: float, more_mb: float
) -> list[Figure]:
    told = [number for number, _, _ in receiver.notices()]
    ratio = percentile(stormy, 99) / percentile(calm, 99)
    return [
        Figure("alerts told, each once", len(set(told)), "alerts", count, at_least=True, detail=f"{len(told)} in all"),
        Figure("messages", len(receiver.accepted), "messages", MOST_MESSAGES, detail=f"last {late_s:.1f} s after"),
        Figure("a page of alerts, p99", percentile(stormy, 99), "ms", P99_MS, detail=f"{ratio:.1f} × before"),
        Figure("more memory", more_mb, "MB", MORE_MB, detail="with the receiver, which keeps every message"),
    ]


if __name__ == "__main__":
    run(measure)
