"""Docker's log stream: frames to lines, in the order the engine wrote them.

Without a terminal each frame starts with eight bytes: the stream (1 stdout, 2 stderr), three zeros, the length
(big-endian). With a terminal the body is raw.  Source: Docker Engine API, "Attach to a container", stream format.
"""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Literal

from tocsin.runtimes.base import LogLine, LogsUnavailable

Stream = Literal["stdout", "stderr"]
LONGEST_LINE_BYTES = 64 << 10
LARGEST_FRAME_BYTES = 16 << 20
LARGEST_BATCH_BYTES = 64 << 10
_STREAMS: dict[int, Stream] = {0: "stdout", 1: "stdout", 2: "stderr"}
_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,40}m")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x80-\x9f]")
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.?\d*(?:Z|[+-]\d\d:\d\d)) ")


def clean(raw: bytes) -> str:
    """Return *raw* as text that can do no harm to a terminal or a page: only tabs and colours remain special."""
    text = raw.decode("utf-8", "replace")
    if not _CONTROLS.search(text):
        return text
    text = _ESCAPES.sub(lambda match: match[0] if _COLOUR.fullmatch(match[0]) else "", text)
    kept: list[str] = []
    position = 0
    for colour in _COLOUR.finditer(text):
        kept += (_CONTROLS.sub("�", text[position : colour.start()]), colour[0])
        position = colour.end()
    kept.append(_CONTROLS.sub("�", text[position:]))
    return "".join(kept)


def in_utc(stamp: str) -> str:
    """Return an engine's timestamp with its nine digits in UTC: Docker writes so, Podman in the zone of its machine."""
    if stamp.endswith("Z"):
        return stamp
    whole, dot, fraction = stamp[:-6].partition(".")
    moment = datetime.fromisoformat(whole + stamp[-6:]).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{dot}{fraction}Z"


class LineSplitter:
    """Collects the bytes of one stream and yields its lines. Every line of the engine starts with its timestamp."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = bytearray()
        self._at = ""
        self._continues = False

    def feed(self, chunk: bytes, *, message: bool = False) -> Iterator[LogLine]:
        """Yield what *chunk* completes. The engine stamps each *message*, and cuts long lines into several of them."""
        if message and (self._rest or self._continues) and (match := _STAMP.match(chunk)):
            chunk = chunk[match.end() :]
        self._rest += chunk
        start = 0
        while (end := self._rest.find(b"\n", start)) >= 0:
            yield from self._line(bytes(self._rest[start:end]))
            start = end + 1
        del self._rest[:start]
        while len(self._rest) > LONGEST_LINE_BYTES + 64:  # room for the timestamp in front
            yield self._piece(bytes(self._rest[:LONGEST_LINE_BYTES]), partial=True)
            del self._rest[:LONGEST_LINE_BYTES]

    def end(self) -> Iterator[LogLine]:
        if self._rest:
            rest, self._rest = bytes(self._rest), bytearray()
            yield from self._line(rest)

    def _line(self, raw: bytes) -> Iterator[LogLine]:
        while len(raw) > LONGEST_LINE_BYTES + 64:
            yield self._piece(raw[:LONGEST_LINE_BYTES], partial=True)
            raw = raw[LONGEST_LINE_BYTES:]
        yield self._piece(raw.removesuffix(b"\r"), partial=False)

    def _piece(self, raw: bytes, *, partial: bool) -> LogLine:
        if not self._continues and (match := _STAMP.match(raw)):
            self._at, raw = in_utc(match[1].decode()), raw[match.end() :]
        self._continues = partial
        return LogLine(self._at, self._stream, clean(raw), partial)


class Demultiplexer:
    """Turns the chunks of a log answer into lines. The engine writes whole messages, so frame order is line order."""

    def __init__(self, *, tty: bool) -> None:
        self._tty = tty
        self._lines: dict[Stream, LineSplitter] = {"stdout": LineSplitter("stdout"), "stderr": LineSplitter("stderr")}
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[LogLine]:
        """Yield what is complete.  Raises LogsUnavailable: these are not log frames."""
        if self._tty:
            yield from self._lines["stdout"].feed(chunk)
            return
        self._buffer += chunk
        while len(self._buffer) >= 8:
            stream, size = _STREAMS.get(self._buffer[0]), int.from_bytes(self._buffer[4:8], "big")
            if stream is None or self._buffer[1:4] != b"\0\0\0" or size > LARGEST_FRAME_BYTES:
                raise LogsUnavailable("The engine sent logs in a form we do not understand")
            if len(self._buffer) < 8 + size:
                return
            payload = bytes(self._buffer[8 : 8 + size])
            del self._buffer[: 8 + size]
            yield from self._lines[stream].feed(payload, message=True)

    def end(self) -> Iterator[LogLine]:
        """Yield what is left when the engine closed the stream: last lines may lack their newline."""
        for splitter in self._lines.values():
            yield from splitter.end()


async def read_batches(chunks: AsyncIterable[bytes], *, tty: bool) -> AsyncIterator[list[LogLine]]:
    """Yield the lines of a log answer as they come, those of one chunk together: there can be thousands a second."""
    demultiplexer = Demultiplexer(tty=tty)
    async for chunk in chunks:
        for start in range(0, len(chunk), LARGEST_BATCH_BYTES):
            if batch := list(demultiplexer.feed(chunk[start : start + LARGEST_BATCH_BYTES])):
                yield batch
                await asyncio.sleep(0)  # whatever a container says, others get their turn
    if batch := list(demultiplexer.end()):
        yield batch
