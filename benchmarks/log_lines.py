"""Log lines from the engine's frames to the events of a stream.

How:   frames as Docker sends them (three in four lines plain, one JSON, a stack trace every hundred lines; 120 bytes on
       average) go through splitting, cleaning, marking (level, stack traces), a filter, and encoding; CPU per line,
       median of the rounds.
Limit: one core at 5,000 lines a second: what a person can scroll by and a busy container writes.
Goal:  ≤ 15 % of a core; ≤ 25 % with an RE2 filter, all levels marked.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

from benchmarks.support import Figure, run
from tocsin.logs.filters import LogFilter, read_filter
from tocsin.logs.lines import Marker
from tocsin.logs.models import LogLineEvent
from tocsin.logs.stream import encode_event
from tocsin.runtimes.docker.logs import read_batches

LINES_PER_S = 5_000
GOAL_PERCENT, GOAL_FILTERED_PERCENT = 15.0, 25.0


def measure(quick: bool) -> list[Figure]:
    count, rounds = (10_000, 3) if quick else (50_000, 7)
    frames = make_frames(count)
    everything, errors = LogFilter(), read_filter({"regex": r"\b5\d\d\b|failed"}.get)
    open_us = statistics.median(one_round(frames, count, everything) for _ in range(rounds))
    filtered_us = statistics.median(one_round(frames, count, errors) for _ in range(rounds))
    return [
        Figure(
            "a core at 5,000 lines/s", percent_of_core(open_us), "%", GOAL_PERCENT, detail=f"{open_us:.1f} µs a line"
        ),
        Figure(
            "the same through an RE2 filter",
            percent_of_core(filtered_us),
            "%",
            GOAL_FILTERED_PERCENT,
            detail=f"{filtered_us:.1f} µs a line",
        ),
    ]


def percent_of_core(microseconds: float) -> float:
    return microseconds * LINES_PER_S / 1e6 * 100


def one_round(frames: bytes, count: int, wanted: LogFilter) -> float:
    """Return the CPU time of one line in µs."""
    began = time.process_time()
    asyncio.run(go_through(frames, wanted))
    return (time.process_time() - began) / count * 1e6


async def go_through(frames: bytes, wanted: LogFilter) -> int:
    marker, size = Marker(), 0
    async for batch in read_batches(_chunks(frames), tty=False):
        for line in batch:
            marked = marker.mark(line)
            if wanted.matches(marked):
                size += len(
                    encode_event(
                        LogLineEvent(
                            container_id=1,
                            line=marked.text,
                            stream=marked.stream,
                            timestamp=marked.at,
                            partial=marked.partial,
                            level=marked.level,
                            continues=marked.continues,
                        )
                    )
                )
    return size


async def _chunks(frames: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(frames), 64 << 10):
        yield frames[start : start + (64 << 10)]


def make_frames(count: int) -> bytes:
    """Return *count* lines as the engine frames them."""
    made = bytearray()
    for number in range(count):
        if number % 100 == 0:
            text = "ERROR request failed: java.lang.IllegalStateException: no such thing as this"
        elif number % 100 < 10:
            text = f"\tat com.example.shop.Basket.add(Basket.java:{number % 100})"
        elif number % 4 == 0:
            text = f'{{"level":"info","ts":{number},"msg":"request","path":"/api/v1/items/{number}","status":200}}'
        else:
            text = (
                f'10.0.0.{number % 250} - - "GET /api/v1/items/{number} HTTP/1.1" 200 {number} "-" "curl/8.5 (linux)"'
            )
        line = f"2026-03-04T09:00:{number % 60:02d}.{number % 1_000_000_000:09d}Z {text}\n".encode()
        made += b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line
    return bytes(made)


if __name__ == "__main__":
    run(measure)
