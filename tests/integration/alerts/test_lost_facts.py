"""Facts that alerting could not deal with when they were told, and that nobody tells again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from integration.alerts.conftest import raised
from integration.alerts.test_routes import clear, fire
from integration.channels.test_channels import add
from integration.webhooks.test_webhooks import put, subscribe
from support.program import Program, until
from support.sink import Sink
from tocsin.db.tables import failed_reactions
from tocsin.db.tx import Tx


@asynccontextmanager
async def deaf(program: Program, fact: str) -> AsyncIterator[None]:
    """Let alerting fail until *fact* has been told once more, then let it settle what it missed."""
    before = len(program.seen(fact))
    engine: Any = program.tocsin.alert_engine

    def fail(*_: Any) -> None:
        raise RuntimeError("out of order")

    engine.take = fail
    try:
        yield

        async def look() -> int:
            return len(program.seen(fact))

        await until(look, lambda count: count > before)
    finally:
        del engine.take
    await program.tocsin.db.write(
        lambda tx: tx.execute(failed_reactions.update().values(next_attempt_at_ms=0)) and None
    )
    await program.tocsin.db.write(Tx.retry_reactions)
    assert program.tocsin.db.failed_reactions() == 0


async def test_a_host_whose_loss_or_return_was_missed(program: Program):
    hosts = program.tocsin.hosts
    hosts._unreachable_after = hosts._unreachable_after * 0
    await hosts.changed("nas", connected=True, error=None)
    async with deaf(program, "host.unreachable"):
        await hosts.changed("nas", connected=False, error="No Docker engine answers")
    alert = await raised(program, "host_unreachable")
    assert (alert["entity_key"], alert["details"]["error"]) == ("nas", "No Docker engine answers")

    async with deaf(program, "host.recovered"):
        await hosts.changed("nas", connected=True, error=None)
    assert (await raised(program, "host_unreachable", "resolved"))["id"] == alert["id"]


async def test_a_channel_whose_failure_or_recovery_was_missed(sending: Program, receiver: Sink):
    await add(sending, receiver)
    receiver.answers = [404]
    await fire(sending, "nas")
    async with deaf(sending, "channel.failing"):
        pass
    alert = await raised(sending, "channel_failing")
    assert (alert["entity_name"], alert["details"]["response_code"]) == ("ops", 404)

    await fire(sending, "web")
    async with deaf(sending, "channel.recovered"):
        pass
    assert (await raised(sending, "channel_failing", "resolved"))["id"] == alert["id"]


async def test_a_webhook_whose_pause_or_return_was_missed(
    sending: Program,
    receiver: Sink,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("tocsin.webhooks.rules.MOST_FAILURES", 1)
    made = await subscribe(sending, receiver, event_types=["alert.*"])
    receiver.answers = [410]
    await fire(sending, "nas")
    async with deaf(sending, "webhook.disabled"):
        pass
    alert = await raised(sending, "webhook_disabled")
    assert alert["entity_name"] == "ci"

    async with deaf(sending, "webhook.updated"):
        await put(sending, made, {"is_active": True})
    assert (await raised(sending, "webhook_disabled", "resolved"))["id"] == alert["id"]
    await clear(sending, "nas")
