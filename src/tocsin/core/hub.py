"""The hub: what was committed goes to whoever listens. It waits for nobody and remembers nothing.

A block is everything one commit said; it reaches a listener whole or not at all. A listener that does not keep up
is closed (`overflowed`) and comes back through the journal.  Source: docs/spec/core.md, live events.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from tocsin.core.events import Frame

QUEUE_BYTES = 1 << 20
Tap = Callable[[Sequence[Frame]], None]


class Filter:
    """Which event types a listener wants: exact names, or families as `container.*`; empty means all."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = tuple(sorted(set(patterns)))
        self._exact = frozenset(p for p in self.patterns if not p.endswith("*"))
        self._prefixes = tuple(p[:-1] for p in self.patterns if p.endswith("*"))

    def accepts(self, event_type: str) -> bool:
        return not self.patterns or event_type in self._exact or event_type.startswith(self._prefixes)


def encode_frames(frames: Sequence[Frame], wanted: Filter) -> bytes:
    """Return *frames* as server-sent events, in order.

    What the filter refuses leaves only its number: a client that reconnects then resumes after it.
    """
    parts: list[bytes] = []
    checkpoint: int | None = None
    for frame in frames:
        if wanted.accepts(frame.type):
            number = b"" if frame.id is None else b"id: %d\n" % frame.id
            parts.append(b"%sevent: %s\ndata: %s\n\n" % (number, frame.type.encode(), frame.data))
            checkpoint = None
        elif frame.id is not None:
            checkpoint = frame.id
    if checkpoint is not None:
        parts.append(b"id: %d\n\n" % checkpoint)
    return b"".join(parts)


class Block:
    """The frames of one commit, encoded once for each distinct filter among the listeners."""

    __slots__ = ("_encoded", "first_id", "frames", "last_id")

    def __init__(self, frames: Sequence[Frame]) -> None:
        ids = [frame.id for frame in frames if frame.id is not None]
        self.frames = frames
        self.first_id: int | None = ids[0] if ids else None
        self.last_id: int | None = ids[-1] if ids else None
        self._encoded: dict[tuple[str, ...], bytes] = {}

    def encoded(self, wanted: Filter) -> bytes:
        data = self._encoded.get(wanted.patterns)
        if data is None:
            data = self._encoded[wanted.patterns] = encode_frames(self.frames, wanted)
        return data


class Subscription:
    """One listener's bounded queue. Iterate with `next`; check `overflowed` and `closed` when it returns None."""

    def __init__(self, wanted: Filter, limit_bytes: int = QUEUE_BYTES) -> None:
        self.filter = wanted
        self.closed = False
        self.overflowed = False
        self._limit = limit_bytes
        self._blocks: deque[Block] = deque()
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._poked = False

    def offer(self, block: Block) -> None:
        """Queue *block*, or give up on this listener when it is too far behind."""
        if self.closed:
            return
        self._size += len(block.encoded(self.filter))
        if self._size > self._limit:
            self.overflowed = True
            self.close()
            return
        self._blocks.append(block)
        self._wake()

    def close(self) -> None:
        self.closed = True
        self._blocks.clear()
        self._wake()

    async def next(self) -> list[Block]:
        """Return everything queued, waiting for at least one block; an empty list once closed or poked."""
        while not self._blocks and not self.closed and not self._poked:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._poked = False
        return self.take()

    def poke(self) -> None:
        """Let `next` return although there is nothing: its caller has something else to do."""
        self._poked = True
        self._wake()

    def take(self) -> list[Block]:
        """Return what is queued now, without waiting."""
        blocks = list(self._blocks)
        self._blocks.clear()
        self._size = 0
        return blocks

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Hub:
    """All listeners of this process. Called from the event loop only."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._taps: list[Tap] = []
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def tap(self, listener: Tap) -> None:
        """Call *listener* with every block of frames, in the loop: for metrics and caches, never for I/O."""
        self._taps.append(listener)

    def publish(self, frames: Sequence[Frame]) -> None:
        if not frames:
            return
        for listener in self._taps:
            listener(frames)
        block = Block(frames)
        for subscription in tuple(self._subscriptions):
            subscription.offer(block)
            if subscription.closed:
                self._subscriptions.discard(subscription)

    def subscribe(self, wanted: Filter, limit_bytes: int = QUEUE_BYTES) -> Subscription:
        subscription = Subscription(wanted, limit_bytes)
        if self._closed:
            subscription.close()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        subscription.close()
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every stream: the first step of an orderly stop."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            self.unsubscribe(subscription)
