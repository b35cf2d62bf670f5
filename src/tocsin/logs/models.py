"""Structs of the slice: what is asked, what is answered, what is streamed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from tocsin.core.clock import Instant

Output = Literal["stdout", "stderr"]


class Level(StrEnum):
    FATAL = "fatal"
    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"
    TRACE = "trace"


class Marked(NamedTuple):
    """A line with what it means.

    `number` tells it from others with the same timestamp, from 0. `continues`: it belongs to the entry above, such as
    the frames of a stack trace.
    """

    at: str
    number: int
    stream: Output
    text: str
    partial: bool
    level: Level | None
    continues: bool


class LogSource(StrEnum):
    """Where lines come from: the engine, or what Tocsin kept of a container that is gone."""

    ENGINE = "engine"
    KEPT = "kept"


class LogEntry(msgspec.Struct, kw_only=True):
    line: str
    stream: Output
    timestamp: Annotated[str, Meta(description="By the engine, RFC 3339 with nanoseconds")]
    partial: Annotated[bool, Meta(description="The line was longer than 64 KiB and goes on in the next")]
    level: Level | None
    continues: Annotated[bool, Meta(description="Belongs to the line above, such as a stack trace's frames")]


class LogExcerpt(msgspec.Struct, kw_only=True):
    """`lines` and `entries` are the same lines, oldest first; `truncated` says that there are older ones."""

    container_id: int
    container_name: str
    lines: list[str]
    total_lines: int
    truncated: bool
    source: LogSource
    kept_at: Annotated[Instant | None, Meta(description="When the kept lines ended; null when they are the engine's")]
    entries: Annotated[list[LogEntry] | None, Meta(description="Only with `details=true`")]


class KeptLines(NamedTuple):
    """The last lines of one run of a container, and when it ended."""

    at: datetime
    lines: list[Marked]


class LogLineEvent(msgspec.Struct, kw_only=True, tag_field="type", tag="container.log_line"):
    container_id: int
    line: str
    stream: Output
    timestamp: str
    partial: bool
    level: Level | None
    continues: bool


class LogSkipped(msgspec.Struct, kw_only=True, tag_field="type", tag="container.log_skipped"):
    """A container writes more than can be shown: what lies between the two times was left out."""

    container_id: int
    from_time: str = msgspec.field(name="from")
    to_time: str = msgspec.field(name="to")
    reason: str = "too_fast"


class LogEnded(msgspec.Struct, kw_only=True, tag_field="type", tag="container.log_error"):
    container_id: int
    error: str
    reason: Annotated[str, Meta(description="`ended`, `read_error` or `gone`")]
