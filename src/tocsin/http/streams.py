"""What all event streams share: caps, headers, deadlines for every write, keep-alive, an end when the client goes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from tocsin.core.errors import TooManyStreams
from tocsin.http.asgi import Receive, Scope, Send

WRITE_DEADLINE_S = 10.0
KEEP_ALIVE_S = 15.0
KEEP_ALIVE = b": keep-alive\n\n"
HELLO = b": welcome\nretry: 3000\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class StreamCaps:
    """Counts open streams: in all, and for each client."""

    def __init__(self, total: int, per_client: int) -> None:
        self._total = total
        self._per_client = per_client
        self._open: Counter[str] = Counter()
        self.count = 0

    def enter(self, client: str) -> None:
        """Raises TooManyStreams: no more of them, or no more for this client."""
        if self.count >= self._total:
            raise TooManyStreams("Too many streams are open; try again later", retry_after_seconds=5)
        if self._open[client] >= self._per_client:
            raise TooManyStreams(f"At most {self._per_client} streams from one address", retry_after_seconds=5)
        self._open[client] += 1
        self.count += 1

    def leave(self, client: str) -> None:
        self.count -= 1
        self._open[client] -= 1
        if self._open[client] <= 0:
            del self._open[client]


class StreamWriter:
    """Writes to one client. A client that does not read for 10 s is cut off; nobody waits for it.

    `cut_if_stalled` has to be called every now and then: a timer for each write would cost more than the write.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._abort: Callable[[], None] | None = scope.get("extensions", {}).get("tocsin.abort")
        self._writing_since: float | None = None

    async def start(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})

    async def write(self, data: bytes, now: float | None = None) -> None:
        """Send *data*. *now* is the loop's time, for those who have just asked for it."""
        self._writing_since = asyncio.get_running_loop().time() if now is None else now
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self._writing_since = None

    def cut_if_stalled(self, now: float) -> None:
        if self._writing_since is not None and now - self._writing_since > WRITE_DEADLINE_S:
            self.cut()

    def cut(self) -> None:
        """Break the connection: there is nobody to say goodbye to."""
        if self._abort is not None:
            self._abort()

    async def end(self) -> None:
        try:
            async with asyncio.timeout(1):
                await self._send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self.cut()


async def until_disconnected(receive: Receive, work: Awaitable[None]) -> None:
    """Run *work* until it ends or the client goes away, whichever is first; an error of *work* is passed on."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, watching):
            task.cancel()
        results = await asyncio.gather(working, watching, return_exceptions=True)
    problem = results[0]
    if isinstance(problem, Exception):
        raise problem


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
