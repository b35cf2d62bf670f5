"""One event to 1,000 open event streams.

How:   one process holds all streams; the server publishes an event every 200 ms, Tocsin through a write that is
       committed first; CPU of the server process per event, and the time from before the write until each stream has
       the event. Tocsin and the limit take turns, each in a fresh process; medians of the rounds.
Limit: a bare protocol server (asyncio.Protocol, uvloop) that writes the same bytes with `transport.write`.
Goal:  ≤ 1.8 × the limit's CPU, p99 ≤ 150 ms.
"""

import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.support import Figure, Program, median_ratio, run, scratch_folder

STREAMS = 1000
GOAL_TIMES, GOAL_P99_MS = 1.8, 150.0


class Round(NamedTuple):
    """CPU per event in ms, and the latencies of all streams together, in ms."""

    cpu_ms: float
    p50_ms: float
    p99_ms: float


def measure(quick: bool) -> list[Figure]:
    rounds, events = (2, 8) if quick else (5, 20)
    ours, limit = [], []
    with scratch_folder() as folder:
        for number in range(rounds):
            ours.append(one_round(folder, events, "tocsin", str(folder / f"data-{number}")))
            limit.append(one_round(folder, events, "bare"))
    cpu_ms, p50_ms, p99_ms = (statistics.median(values) for values in zip(*ours, strict=True))
    bare_cpu_ms, bare_p50_ms, bare_p99_ms = (statistics.median(values) for values in zip(*limit, strict=True))
    pairs = [(mine.cpu_ms, bare.cpu_ms) for mine, bare in zip(ours, limit, strict=True)]
    return [
        Figure(
            f"one event to {STREAMS} streams, CPU",
            median_ratio(pairs),
            "× bare",
            GOAL_TIMES,
            detail=f"{cpu_ms:.1f} ms against {bare_cpu_ms:.1f} ms",
        ),
        Figure(
            "  until every stream has it, p99",
            p99_ms,
            "ms",
            GOAL_P99_MS,
            detail=f"p50 {p50_ms:.0f} ms; bare p50 {bare_p50_ms:.0f}, p99 {bare_p99_ms:.0f} ms",
        ),
    ]


def one_round(folder: Path, events: int, *server: str) -> Round:
    """Start a server, connect every stream, publish *events*, and see that each arrived everywhere."""
    python = (sys.executable, "-m")
    with Program([*python, "benchmarks.sse_servers", *server], folder / "server.log") as publishing:
        port = publishing.hear()
        listen = [*python, "benchmarks.sse_listeners", str(port), str(STREAMS)]
        with Program(listen, folder / "listeners.log") as listening:
            listening.hear()
            publishing.tell("publish 2")  # what is made on the first event is not part of the others
            publishing.hear()
            listening.tell("begin")
            publishing.tell(f"publish {events}")
            cpu_s = publishing.hear()
            listening.tell("report")
            count, p50_ms, p99_ms = listening.hear()
    if count != events * STREAMS:
        raise RuntimeError(f"{count} events arrived instead of {events * STREAMS}")
    return Round(cpu_s * 1e3, p50_ms, p99_ms)


if __name__ == "__main__":
    run(measure)
