"""Containers and engine details as rules take them, with only what a test cares about spelled out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.containers.models import Container, State
from tocsin.runtimes.base import Details, LogLine

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def said(text: str | None) -> tuple[LogLine, ...]:
    """Last words."""
    return () if text is None else (LogLine("2026-03-04T09:00:00.1Z", "stdout", text),)


def container(**changes: Any) -> Container:
    """A container that has been running since T0."""
    known: dict[str, Any] = {
        "id": 1,
        "host": "local",
        "key": "name:web",
        "runtime_id": "a" * 64,
        "name": "web",
        "image": "web:1.0",
        "state": State.RUNNING,
        "first_seen_at": at(-3600),
        "last_state_change_at": T0,
        "accounted_at": T0,
        "started_at": T0,
        "last_event_at": T0,
    }
    return Container(**{**known, **changes})


def details(**changes: Any) -> Details:
    """What an engine says about that container while it runs."""
    known: dict[str, Any] = {
        "runtime_id": "a" * 64,
        "inspected_at": at(100),
        "name": "web",
        "image": "web:1.0",
        "status": "running",
        "health": None,
        "has_health_check": False,
        "created_at": at(-10),
        "started_at": T0,
        "finished_at": None,
        "exit_code": None,
        "oom_killed": False,
        "restart_count": 0,
        "restart_policy": "no",
        "tty": False,
        "error": "",
        "labels": {},
    }
    return Details(**{**known, **changes})
