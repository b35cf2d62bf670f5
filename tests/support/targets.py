"""Servers for probes to look at: real sockets that do what a script says, and write down what was asked.

async with serve(answer(b"fine")) as target:        # scripts are in support.behaviours
    ...                                             # target.base, target.requests, target.connections
"""

import asyncio
import itertools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPMethod

from support.pki import Leaf

LOOPBACK4, LOOPBACK6 = "127.0.0.1", "::1"
LINGER_NOT = struct.pack("ii", 1, 0)

Tls = Leaf | ssl.SSLContext


@dataclass(frozen=True)
class Request:
    """What was asked, as it came. `connection` counts from 1."""

    method: str
    path: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        """Return the value of the first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def may_be_followed(self) -> bool:
        wish = (self.header("Connection") or "").lower()
        return wish == "keep-alive" if self.version == "HTTP/1.0" else wish != "close"


class Connection:
    """One connection, for a script. The script is run again as long as it sets `keep`."""

    def __init__(
        self, target: "Target", number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.target = target
        self.number = number
        self.reader = reader
        self.writer = writer
        self.keep = False
        self._request: Request | None = None

    def begin(self) -> None:
        """Forget the last exchange."""
        self.keep = False
        self._request = None

    async def request(self) -> Request:
        """Return the request of this exchange: read when first asked for."""
        if self._request is None:
            self._request = await self._read_request()
            self.target.requests.append(self._request)
        return self._request

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        self.target.sent += len(data)
        await self.writer.drain()

    async def receive(self) -> bytes:
        """Return what came, outside of HTTP; nothing when the client left."""
        data = await self.reader.read(65536)
        self.target.received += data
        return data

    async def until_left(self) -> None:
        """Wait until the client closes its side."""
        while await self.receive():
            pass

    async def start_tls(self, tls: Tls) -> None:
        await self.writer.start_tls(self.target.context(tls))

    async def finish(self) -> None:
        """Close our side in order, and wait for the client to close its own: what it still sends does no harm."""
        if self.writer.can_write_eof():
            self.writer.write_eof()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while await self.reader.read(65536):
                        pass

    def reset(self) -> None:
        """End it with a TCP reset, if the client did not end it."""
        if not self.writer.is_closing():
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self.writer.transport.abort()

    async def _read_request(self) -> Request:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, path, version = first.split(" ")
        HTTPMethod(method)
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        known = {name.lower(): value for name, value in headers}
        if known.get("transfer-encoding") == "chunked":
            body = await self._read_chunks()
        else:
            body = await self.reader.readexactly(int(known.get("content-length", "0")))
        return Request(method, path, version, headers, body, self.number)

    async def _read_chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readuntil(b"\r\n")
        return body


Script = Callable[[Connection], Awaitable[None]]


@dataclass
class Target:
    """A server. `script` and `tls` may be changed at any time: they hold for connections from then on."""

    script: Script
    tls: Tls | None = None
    hosts: tuple[str, ...] = (LOOPBACK4,)
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)  # outside of HTTP
    sent: int = 0  # bytes, before encryption
    connections: int = 0
    open: int = 0  # connections that the client or we did not end yet
    server_names: list[str | None] = field(default_factory=list)  # asked for in handshakes with a leaf
    failed_handshakes: list[str] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)  # of the script itself: raised at the end
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        """`127.0.0.1:4711`, or `[::1]:4711`."""
        host = self.hosts[0]
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def base(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://{self.address}"

    def context(self, tls: Tls) -> ssl.SSLContext:
        """Return the server's side of TLS."""
        if isinstance(tls, ssl.SSLContext):
            return tls
        context = tls.server_context()
        context.sni_callback = lambda _connection, name, _context: self.server_names.append(name)
        return context

    async def run(self, listeners: list[socket.socket]) -> None:
        """Take connections until cancelled, and then end them all."""
        for listener in listeners:
            self._spawn(self._take(listener))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            while self._tasks:
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks)

    async def _take(self, listener: socket.socket) -> None:
        while True:
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            self.connections += 1
            self._spawn(self._talk(sock, self.connections))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, sock: socket.socket, number: int) -> None:
        self.open += 1
        try:
            connection = await self._connect(sock, number)
            if connection is not None:
                await self._run_script(connection)
        except Exception as fault:
            self.faults.append(fault)
        finally:
            self.open -= 1

    async def _connect(self, sock: socket.socket, number: int) -> Connection | None:
        made: list[Connection] = []

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            made.append(Connection(self, number, reader, writer))

        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=2**20), connected)
        context = None if self.tls is None else self.context(self.tls)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, sock, ssl=context)
        except OSError as failure:
            self.failed_handshakes.append(str(failure))
            return None
        return made[0]

    async def _run_script(self, connection: Connection) -> None:
        writer = connection.writer
        try:
            await self.script(connection)
            while connection.keep:
                connection.begin()
                await connection.request()  # until then it is nobody's turn
                await self.script(connection)
            await connection.finish()
            writer.close()
            async with asyncio.timeout(1):
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def serve(
    script: Script, *, tls: Tls | None = None, hosts: tuple[str, ...] = (LOOPBACK4,)
) -> AsyncIterator[Target]:
    """Serve on a free port, the same on all *hosts*.  Raises what went wrong in the script itself."""
    async with serve_on(listen(*hosts), Target(script, tls, hosts)) as target:
        yield target


@asynccontextmanager
async def serve_on(listeners: list[socket.socket], target: Target) -> AsyncIterator[Target]:
    """Serve on these sockets, and close them."""
    target.port = listeners[0].getsockname()[1]
    running = asyncio.create_task(target.run(listeners))
    try:
        yield target
    finally:
        running.cancel()
        await asyncio.wait([running])
        for listener in listeners:
            listener.close()
    if target.faults:
        raise target.faults[0]


def listen(*hosts: str, port: int = 0, also_udp: bool = False) -> list[socket.socket]:
    """Return a listening socket for each host, then those for datagrams if wanted: all on one port, a free one if 0."""
    kinds = [socket.SOCK_STREAM, *([socket.SOCK_DGRAM] if also_udp else [])]
    for _ in range(20):
        made: list[socket.socket] = []
        try:
            for kind, host in itertools.product(kinds, hosts):
                made.append(bind(host, made[0].getsockname()[1] if made else port, kind))
        except OSError:
            for sock in made:
                sock.close()
            continue
        return made
    raise RuntimeError(f"no port is free on all of {hosts}")


def bind(host: str, port: int, kind: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        sock.bind((host, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(512)
    except OSError:
        sock.close()
        raise
    return sock


@contextmanager
def refusing_port(host: str = LOOPBACK4) -> Iterator[int]:
    """A port that refuses connections, and that nobody else gets meanwhile."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        yield sock.getsockname()[1]


@contextmanager
def unanswering_port() -> Iterator[int]:
    """A port where a connection is neither taken nor refused: its queue is full, and nobody takes from it."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind((LOOPBACK4, 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
