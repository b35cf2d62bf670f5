"""The whole program in the test's own loop, on a real socket: reach it by HTTP, look at its objects when that helps."""

import asyncio
import io
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from blockbuster import blockbuster_ctx
from multidict import CIMultiDict

from tocsin.app import Tocsin
from tocsin.core.clock import Clock, SystemClock
from tocsin.http.server import Server, listen
from tocsin.process import prepare_database
from tocsin.settings import load

T = TypeVar("T")
TOKEN = "a-token-for-the-tests-only"


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Seen:
    """One server-sent event. `data` is None for a checkpoint, which has only an id."""

    id: int | str | None
    type: str | None
    data: Any


class Client:
    """Requests to one address, with the admin token unless told otherwise."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self._session = session

    async def request(
        self, method: str, path: str, *, json_body: Any = None, token: str | None = TOKEN, **options: Any
    ) -> Answer:
        headers = CIMultiDict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        if json_body is not None:
            options["data"] = json.dumps(json_body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(options.get("data"), bytes):
            options["data"] = io.BytesIO(options["data"])
        async with self._session.request(method, self.base + path, headers=headers, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json_body: Any = None, **options: Any) -> Answer:
        return await self.request("POST", path, json_body=json_body, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.request("DELETE", path, **options)

    @asynccontextmanager
    async def stream(self, path: str, *, token: str = TOKEN, **headers: str) -> AsyncIterator[AsyncIterator[Seen]]:
        sent = {"Authorization": f"Bearer {token}", **headers}
        async with self._session.get(self.base + path, headers=sent) as response:
            assert response.status == 200, await response.text()
            yield read_events(response.content)

    async def containers(self, query: str = "") -> dict[str, Any]:
        """Return the containers of the list, by name."""
        groups = (await self.get(f"/api/v1/containers{query}")).json["groups"]
        return {container["name"]: container for group in groups for container in group["containers"]}

    async def transitions(self, container_id: int) -> list[dict[str, Any]]:
        """Return the timeline, oldest first."""
        answer = await self.get(f"/api/v1/containers/{container_id}/transitions?limit=500&since=0")
        return list(reversed(answer.json["transitions"]))


async def read_events(content: aiohttp.StreamReader) -> AsyncIterator[Seen]:
    seen = Seen(None, None, None)
    async for raw in content:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            number = line[4:]
            seen.id = int(number) if number.isdigit() else number
        elif line.startswith("event: "):
            seen.type = line[7:]
        elif line.startswith("data: "):
            seen.data = json.loads(line[6:])
        elif not line and (seen.id is not None or seen.type is not None):
            yield seen
            seen = Seen(None, None, None)


@dataclass
class Program:
    """A running Tocsin. `events` holds everything the hub published: (id, type, data)."""

    tocsin: Tocsin
    client: Client
    setup_code: str | None
    events: list[Seen] = field(default_factory=list)

    def seen(self, event_type: str, **wanted: Any) -> list[Any]:
        """Return the data of the published events of one type that have these values."""
        return [
            event.data
            for event in self.events
            if event.type == event_type and all(event.data.get(key) == value for key, value in wanted.items())
        ]


@asynccontextmanager
async def running(data_dir: Path, *, clock: Clock | None = None, **environment: str) -> AsyncIterator[Program]:
    """Start Tocsin on a free port with these settings, and stop it in order."""
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    settings = load(
        {
            "TOCSIN_ADDR": f"127.0.0.1:{port}",
            "TOCSIN_DATA_DIR": str(data_dir),
            "TOCSIN_API_TOKEN": TOKEN,
            "TOCSIN_RUNTIME": "none",
            **environment,
        }
    )
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        await asyncio.to_thread(prepare_database, settings)
        tocsin = Tocsin(settings, clock or SystemClock())
    except BaseException:
        sock.close()
        raise
    with blockbuster_ctx("tocsin") as watchdog:  # whatever of ours blocks the loop fails the test
        watchdog.functions["os.stat"].deactivate()  # a traceback in the log looks at its source files
        async with _serving(tocsin, sock) as program:
            yield program


@asynccontextmanager
async def _serving(tocsin: Tocsin, sock: socket.socket) -> AsyncIterator[Program]:
    port = sock.getsockname()[1]
    connector = aiohttp.TCPConnector(limit=0)
    async with tocsin.running() as code, aiohttp.ClientSession(connector=connector) as session:
        program = Program(tocsin, Client(f"http://127.0.0.1:{port}", session), code)
        tocsin.hub.tap(lambda frames: program.events.extend(Seen(f.id, f.type, json.loads(f.data)) for f in frames))

        async def before_stop() -> None:
            tocsin.end_streams()

        server = Server(tocsin.asgi, sock, before_stop)
        started = asyncio.Event()
        serving = asyncio.create_task(server.run_until_stopped(started.set))
        await asyncio.wait_for(started.wait(), 10)
        try:
            yield program
        finally:
            server.should_exit = True
            await serving
            sock.close()


async def until(look: Callable[[], Awaitable[T]], is_right: Callable[[T], bool], timeout_s: float = 20) -> T:
    """Look again and again until it is right; fail with what was seen last."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = await look()
        if is_right(found):
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not right after {timeout_s} s: {found}")
        await asyncio.sleep(0.05)
