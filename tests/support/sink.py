"""A receiver of webhooks: writes down what comes, and answers what the test wants."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    accepted: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sink:
    """`answers` are used up one by one, then everything is 200: a status, `reset`, `hang`, or (status, headers)."""

    base: str
    answers: list[Any] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @property
    def accepted(self) -> list[Received]:
        return [one for one in self.received if one.accepted]

    def notices(self, path: str = "/hook") -> list[tuple[str, str, str]]:
        """Return (id, event, entity name) of every notice in accepted generic webhooks, in order."""
        found: list[tuple[str, str, str]] = []
        for one in self.accepted:
            if one.path == path:
                told = one.json.get("notices", [one.json])
                found += [(notice["id"], notice["event"], notice["alert"]["entity_name"]) for notice in told]
        return found

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        answer = self.answers.pop(0) if self.answers else 200
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        accepted = isinstance(status, int) and 200 <= status < 300
        self.received.append(Received(request.path, dict(request.headers), body, accepted))
        if status == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if status == "hang":
            await asyncio.sleep(60)
        return web.Response(status=status, headers=headers, text="what we say is nobody's business: hunter2")


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    application = web.Application()
    found = Sink("")
    application.router.add_route("*", "/{anything:.*}", found.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()
