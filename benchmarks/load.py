"""A closed loop of GET requests over kept-alive connections: by wrk, or where it is missing by a small client."""

import asyncio
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httptools
import uvloop

from benchmarks.support import TOKEN

WRK = Path("/usr/bin/wrk")
CONNECTIONS = 16


def load(port: int, path: str, seconds: float) -> int:
    """Keep CONNECTIONS requests in flight for about *seconds*; return how many were answered with success."""
    return _by_wrk(port, path, seconds) if WRK.exists() else uvloop.run(_by_client(port, path, seconds))


def _by_wrk(port: int, path: str, seconds: float) -> int:
    url = f"http://127.0.0.1:{port}{path}"
    token = f"Authorization: Bearer {TOKEN}"
    command = [str(WRK), "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-H", token, url]
    told = subprocess.run(command, capture_output=True, check=True, text=True, timeout=seconds + 30).stdout
    found = re.search(r"(\d+) requests in", told)
    if found is None or "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"wrk: {told}")
    return int(found[1])


async def _by_client(port: int, path: str, seconds: float) -> int:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    until, loop = time.monotonic() + seconds, asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Asking(request, until), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    asking = [protocol for _, protocol in opened]
    return sum(await asyncio.gather(*(protocol.done for protocol in asking)))


class _Asking(asyncio.Protocol):
    """Asks again as soon as it was answered; `done` becomes the number of answers."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._parser = httptools.HttpResponseParser(self)
        self._answers = 0
        self._transport: Any = None
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 200:
            self.done.set_exception(RuntimeError(f"answered with {status}"))
            return
        self._answers += 1
        if time.monotonic() < self._until:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self.done.set_result(self._answers)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed the connection: {exc}"))
