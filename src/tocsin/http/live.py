"""The live event stream: everything journalled, in order, exactly once for a client that reconnects with its last id.

Subscribe first, then replay from the journal, then drop what came twice.  Source: docs/spec/core.md, live events.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import parse_qsl

from tocsin.core.errors import AppError, InvalidParam
from tocsin.core.events import Frame
from tocsin.core.hub import Block, Filter, Hub, Subscription, encode_frames
from tocsin.db.database import Database
from tocsin.db.tx import journal_after, journal_bounds
from tocsin.http import openapi
from tocsin.http.access import Authenticator
from tocsin.http.asgi import Receive, Scope, Send, header
from tocsin.http.errors import refuse
from tocsin.http.streams import (
    HEADERS,
    HELLO,
    KEEP_ALIVE,
    KEEP_ALIVE_S,
    StreamCaps,
    StreamWriter,
    until_disconnected,
)

PAGE = 500
LONGEST_REPLAY = 10_000
LOOK_UP_S = 5.0
SWEEP_EVERY_S = 1.0
SYNC_REQUIRED = b"event: sync.required\ndata: {}\n\n"
_PATTERN = re.compile(r"\*|[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:\.\*)?")


class LiveEvents:
    """`GET /api/v1/containers/events` as a raw ASGI application: thousands of clients, one encoding for all."""

    def __init__(
        self, hub: Hub, db: Database, authenticator: Authenticator, caps: StreamCaps, client: Callable[[Scope], str]
    ) -> None:
        self._hub = hub
        self._db = db
        self._authenticator = authenticator
        self._caps = caps
        self._client = client
        self._streams: set[_Stream] = set()

    async def sweep(self) -> None:
        """Once a second, for all streams: cut the ones that stall, wake the ones that have something to do."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now = asyncio.get_running_loop().time()
            for stream in tuple(self._streams):
                stream.tick(now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            wanted, last_id = read_query(scope)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
                await send({"type": "http.response.body", "body": b""})
                return
            client = self._client(scope)
            self._caps.enter(client)
        except AppError as exc:
            await refuse(scope, send, exc)
            return
        stream = _Stream(self._hub.subscribe(wanted), StreamWriter(scope, send))
        self._streams.add(stream)
        try:
            await until_disconnected(receive, self._run(scope, stream, last_id))
        finally:
            self._streams.discard(stream)
            self._hub.unsubscribe(stream.subscription)
            self._caps.leave(client)

    async def _run(self, scope: Scope, stream: "_Stream", last_id: int | None) -> None:
        writer, subscription = stream.writer, stream.subscription
        await writer.start()
        await writer.write(HELLO)
        replayed = 0
        if last_id is not None:
            replayed = await self._replay(writer, subscription.filter, last_id)
        await self._follow(scope, stream, replayed)
        if subscription.overflowed:
            await writer.write(SYNC_REQUIRED)
        await writer.end()

    async def _replay(self, writer: StreamWriter, wanted: Filter, last_id: int) -> int:
        """Send what the journal holds after *last_id*, or that the client must fetch all anew; return the last id."""
        oldest, newest = await self._db.read(journal_bounds)
        if last_id > newest or (last_id + 1 < oldest and last_id != newest) or newest - last_id > LONGEST_REPLAY:
            await writer.write(SYNC_REQUIRED)
            return newest
        while True:
            frames: list[Frame] = await self._db.read(partial(journal_after, last_id=last_id, limit=PAGE))
            if frames:
                await writer.write(encode_frames(frames, wanted))
                last_id = frames[-1].id or last_id
            if len(frames) < PAGE:
                return last_id

    async def _follow(self, scope: Scope, stream: "_Stream", replayed: int) -> None:
        """Pass on what comes. This runs for each client and event: one look at the time, and no timer."""
        subscription, writer, time = stream.subscription, stream.writer, asyncio.get_running_loop().time
        while not subscription.closed:
            blocks = await subscription.next()
            now = time()
            if now >= stream.look_up_at:
                stream.look_up_at = now + LOOK_UP_S
                if await self._authenticator.authenticate(scope) is None:
                    return  # signed out, or the token was revoked
            data = _after(blocks, replayed, subscription.filter)
            if not data and now >= stream.speak_at:
                data = KEEP_ALIVE
            if data:
                stream.speak_at = now + KEEP_ALIVE_S
                await writer.write(data, now)


class _Stream:
    """One client: its queue, its socket, and when it is next due for something other than events."""

    def __init__(self, subscription: Subscription, writer: StreamWriter) -> None:
        self.subscription = subscription
        self.writer = writer
        now = asyncio.get_running_loop().time()
        self.look_up_at = now + LOOK_UP_S
        self.speak_at = now + KEEP_ALIVE_S

    def tick(self, now: float) -> None:
        self.writer.cut_if_stalled(now)
        if now >= min(self.look_up_at, self.speak_at):
            self.subscription.poke()


def _after(blocks: Sequence[Block], replayed: int, wanted: Filter) -> bytes:
    """Return the blocks encoded, without what the replay has already sent."""
    if len(blocks) == 1 and (blocks[0].first_id or 0) > replayed:  # nearly always
        return blocks[0].encoded(wanted)
    parts = []
    for block in blocks:
        if block.first_id is None or block.first_id > replayed:
            parts.append(block.encoded(wanted))
        elif block.last_id is not None and block.last_id > replayed:
            parts.append(encode_frames([f for f in block.frames if f.id is None or f.id > replayed], wanted))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def parse_types(text: str) -> list[str]:
    """Return the patterns of a comma-separated list.  Raises InvalidParam."""
    patterns = [part.strip() for part in text.split(",") if part.strip()]
    if len(patterns) > 50 or not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise InvalidParam("types must be event types such as container.state_changed or container.*", field="types")
    return patterns


def read_query(scope: Scope) -> tuple[Filter, int | None]:
    """Return the filter and the last id seen.  Raises InvalidParam."""
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
    patterns = parse_types(query.get("types", ""))
    given = header(scope, b"last-event-id") or query.get("last_event_id") or ""
    if not given:
        return Filter([] if "*" in patterns else patterns), None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise InvalidParam("last_event_id must be the number of an event", field="last_event_id")
    return Filter([] if "*" in patterns else patterns), int(given)


OPERATION = openapi.stream_operation(
    "StreamEvents",
    "Stream everything that happens, numbered. A client that reconnects with `Last-Event-ID` gets what it missed; "
    "`sync.required` says that it must fetch everything anew.",
    [
        openapi.query("types", "Event types or families, separated by commas: `container.*,runtime.status`"),
        openapi.query("last_event_id", "Resume after this event, where a header cannot be sent"),
    ],
)
