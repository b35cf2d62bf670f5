"""The two servers of `sse_fanout.py`, each a process that publishes when told: `tocsin DATA_DIR`, or `bare`.

Talks in lines on standard input and output: prints its port, waits for `publish N`, publishes N events, prints what
they cost, and ends with its input.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.bare import Answering
from benchmarks.support import TOKEN
from tocsin.app import Tocsin
from tocsin.containers.models import RuntimeStatusChanged
from tocsin.core.clock import Clock, SystemClock, wire
from tocsin.core.events import Frame, encode, name_of
from tocsin.core.hub import Filter, encode_frames
from tocsin.core.logs import configure
from tocsin.http.server import Server, listen
from tocsin.process import prepare_database, raise_file_limit
from tocsin.settings import load

EVERY_S = 0.2
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n14\r\n: welcome\nretry: 3000\n\n\r\n"
)
Publish = Callable[[], Awaitable[None]]


def event(clock: Clock) -> RuntimeStatusChanged:
    """Return an event that carries when it was published, in nanoseconds, for the listeners to read."""
    sent = f"sent={time.monotonic_ns()}; padding as long as a sentence about an engine that cannot be reached may be"
    return RuntimeStatusChanged(
        connected=False, name="local", label="Containers", error=sent, timestamp=wire(clock.now())
    )


async def obey(publish: Publish) -> None:
    """Publish as told, and print the CPU seconds of this process for all of it."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        events = int(line.split()[1])
        began = time.process_time()
        for _ in range(events):
            await publish()
            await asyncio.sleep(EVERY_S)
        print(json.dumps((time.process_time() - began) / events), flush=True)


def settle() -> None:
    """Treat garbage as the program does once it runs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


async def tocsin(data_dir: Path) -> None:
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    settings = load(
        {
            "TOCSIN_ADDR": f"127.0.0.1:{port}",
            "TOCSIN_DATA_DIR": str(data_dir),
            "TOCSIN_API_TOKEN": TOKEN,
            "TOCSIN_RUNTIME": "none",
            "TOCSIN_SSE_MAX_CLIENTS": "5000",
            "TOCSIN_SSE_MAX_PER_ADDRESS": "5000",
        }
    )
    data_dir.mkdir(parents=True)
    prepare_database(settings)
    program = Tocsin(settings, SystemClock())

    async def publish() -> None:
        await program.db.write(lambda tx: tx.emit(event(tx.clock)))

    async def before_stop() -> None:
        program.end_streams()

    async with program.running():
        server = Server(program.asgi, sock, before_stop)
        settle()
        serving = asyncio.create_task(server.run_until_stopped(lambda: say(port)))
        await obey(publish)
        server.should_exit = True
        await serving


class Listening(Answering):
    """Keeps who asked; events are written to all of them."""

    def __init__(self, listeners: set[Any]) -> None:
        super().__init__(lambda: HEAD)
        self._listeners = listeners

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._listeners.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listeners.discard(self.transport)


async def bare() -> None:
    listeners: set[Any] = set()
    clock, number = SystemClock(), 0

    async def publish() -> None:
        nonlocal number
        number += 1
        told = event(clock)
        data = encode_frames([Frame(number, name_of(told), encode(told))], Filter())
        chunk = b"%x\r\n%s\r\n" % (len(data), data)
        for transport in tuple(listeners):
            transport.write(chunk)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Listening(listeners), "127.0.0.1", 0, backlog=2048)
    settle()
    say(server.sockets[0].getsockname()[1])
    await obey(publish)


def say(port: int) -> None:
    print(json.dumps(port), flush=True)


if __name__ == "__main__":
    configure("warning", "console")
    raise_file_limit()
    uvloop.run(tocsin(Path(sys.argv[2])) if sys.argv[1] == "tocsin" else bare())
    os._exit(0)  # the thread that reads standard input would be waited for
