"""uvicorn with what it lacks: a deadline for slow requests, a way to cut a stalled stream, an ordered stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tocsin.core.errors import Invalid
from tocsin.http.asgi import App
from tocsin.http.errors import envelope

READ_DEADLINE_S = 5.0
STOP_WITHIN_S = 6


class Protocol(HttpToolsProtocol):
    """Cuts a connection whose request makes no progress for 5 s, and lends streams an `abort`."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_progress()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._reading():
            self._expect_progress()
        else:
            self._stop_waiting()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        extensions: dict[str, Any] = {"tocsin.abort": self.transport.abort}
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        body = envelope(Invalid("This is not a valid HTTP request"), None)
        headers = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + headers + body)
        self.transport.close()

    _in_head = True

    def _reading(self) -> bool:
        """Say whether a request is under way: its head, or the body somebody waits for."""
        return self._in_head or (self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete)

    def _expect_progress(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(READ_DEADLINE_S, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.abort()


class Server(uvicorn.Server):
    """Runs until SIGTERM or SIGINT; *before_stop* ends the streams, so that the server need not wait for them."""

    def __init__(self, app: App, sock: socket.socket, before_stop: Callable[[], Awaitable[None]]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=STOP_WITHIN_S,
                backlog=2048,
            )
        )
        self._socket = sock
        self._before_stop = before_stop

    async def run_until_stopped(self, on_started: Callable[[], object]) -> None:
        """Serve on the socket; *on_started* is called once requests are answered."""
        starting = asyncio.create_task(self._call_when_started(on_started), name="when started")
        try:
            await self.serve(sockets=[self._socket])
        finally:
            starting.cancel()

    async def _call_when_started(self, on_started: Callable[[], object]) -> None:
        while not self.started:  # noqa: ASYNC110 -- uvicorn sets a flag, not an event
            await asyncio.sleep(0.005)
        on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT for an orderly stop; unlike uvicorn's own, they are not raised again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        if self.should_exit:
            self.force_exit = True  # asked twice: now
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._before_stop()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.  Raises OSError: the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2048)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
