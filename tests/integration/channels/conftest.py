"""A program that may send to this machine, and a sink to send to."""

from collections.abc import AsyncIterator

import pytest

from conftest import Start
from support.program import Program
from support.sink import Sink, sink


@pytest.fixture
async def receiver() -> AsyncIterator[Sink]:
    async with sink() as found:
        yield found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits in fractions of what they are."""
    from datetime import timedelta

    monkeypatch.setattr("tocsin.channels.rules.FIRST_WAIT", timedelta(seconds=0.1))
    monkeypatch.setattr("tocsin.channels.rules.RECOVERY_WAIT", timedelta(seconds=0.5))
    monkeypatch.setattr("tocsin.channels.rules.MERGE_FOR", timedelta(seconds=0.6))
    monkeypatch.setattr("tocsin.core.retries.WAITS_S", (0.05, 0.1, 0.2))
    monkeypatch.setattr("tocsin.channels.dispatch.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("tocsin.webhooks.dispatch.LOOK_EVERY_S", 0.05)


@pytest.fixture
async def sending(start: Start, quick: None) -> AsyncIterator[Program]:
    async with start(TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as program:
        yield program
