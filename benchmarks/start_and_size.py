"""How soon the program answers, and how much memory it takes.

How:   the time from exec to the first 200 of /api/v1/health, with a fresh data folder (the schema is made) and with one
       that is there already; resident memory after 3 s of idling. SQLite, no engine to watch. Medians.
Limit: a bare protocol server (asyncio.Protocol, httptools, uvloop), started in turn with it.
Goal:  first answer ≤ 1.5 s, memory ≤ 100 MB.
"""

import statistics
import sys
import time
from pathlib import Path

from benchmarks.support import Figure, Program, Server, free_port, rss_mb, run, scratch_folder, wait_for_answer

GOAL_S, GOAL_MB = 1.5, 100.0
IDLE_S = 3.0
BARE = """
import asyncio, sys, httptools, uvloop
class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.parser = transport, httptools.HttpRequestParser(self)
    def data_received(self, data):
        self.parser.feed_data(data)
    def on_message_complete(self):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\n{}")
async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
uvloop.run(main())
"""


def measure(quick: bool) -> list[Figure]:
    starts = 2 if quick else 5
    first, later, bare = [], [], []
    with scratch_folder() as folder:
        for number in range(starts):
            data_dir = folder / f"data-{number}"
            first.append(start_tocsin(data_dir))
            later.append(start_tocsin(data_dir))
            bare.append(start_bare())
    first_s, first_mb = (statistics.median(values) for values in zip(*first, strict=True))
    later_s, later_mb = (statistics.median(values) for values in zip(*later, strict=True))
    bare_s, bare_mb = (statistics.median(values) for values in zip(*bare, strict=True))
    return [
        Figure("first start, until it answers", first_s, "s", GOAL_S, detail=f"{first_s / bare_s:.1f} × a bare server"),
        Figure("later start, until it answers", later_s, "s", GOAL_S, detail=f"{later_s / bare_s:.1f} × a bare server"),
        Figure("memory after the first start", first_mb, "MB", GOAL_MB, detail=f"{first_mb / bare_mb:.1f} × bare"),
        Figure("memory after a later start", later_mb, "MB", GOAL_MB, detail=f"{later_mb / bare_mb:.1f} × bare"),
        Figure("  a bare server, until it answers", bare_s, "s", detail=f"{bare_mb:.0f} MB"),
    ]


def start_tocsin(data_dir: Path) -> tuple[float, float]:
    """Start Tocsin; return seconds until the first answer and MB when idle."""
    began = time.perf_counter()
    with Server(data_dir) as server:
        server.wait_until_ready()
        return time.perf_counter() - began, idle_mb(server)


def start_bare() -> tuple[float, float]:
    port = free_port()
    began = time.perf_counter()
    with Program([sys.executable, "-c", BARE, str(port)]) as program:
        wait_for_answer(port, "/", program.ended)
        return time.perf_counter() - began, idle_mb(program)


def idle_mb(program: Program) -> float:
    time.sleep(IDLE_S)
    return rss_mb(program.pid)


if __name__ == "__main__":
    run(measure)
