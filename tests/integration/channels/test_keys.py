"""What was encrypted with another key: Tocsin says so, rings, and can be set right."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from integration.alerts.conftest import raised
from integration.alerts.test_routes import error, fire
from integration.channels.test_channels import accepted, add, put
from support.program import Program
from support.sink import Sink
from tocsin.process import StartProblem


def other_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def lose_key(program: Program) -> None:
    program.tocsin.vault._key = other_key().encode()


async def subscribe(program: Program, receiver: Sink) -> str:
    body = {
        "name": "ci",
        "url": receiver.base + "/events",
        "event_types": ["silence.*"],
        "secret": "sixteen-letters-at-least",
    }
    answer = await program.client.post("/api/v1/webhooks", body)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def test_it_does_not_start_with_another_key(start: Start, receiver: Sink, quick: None):
    async with start(TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as program:
        await add(program, receiver)
    with pytest.raises(StartProblem, match="TOCSIN_SECRET_KEY, is not the one they were made with"):
        async with start(TOCSIN_SECRET_KEY=other_key()):
            pass


async def test_a_key_that_is_lost_for_good_can_be_given_up(start: Start, receiver: Sink, quick: None, tmp_path: Path):
    allowed = {"TOCSIN_EGRESS_ALLOW": "127.0.0.0/8"}
    async with start(**allowed) as program:
        made = await add(program, receiver, headers={"X-Key": "k"})
        webhook = await subscribe(program, receiver)
    (tmp_path / "data/secret.key").unlink()
    environment = {**os.environ, "TOCSIN_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "tocsin", "forget-secrets"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "Channels and webhooks whose URL has to be set again: 2\n"
    async with start(**allowed) as program:
        listed = (await program.client.get("/api/v1/channels")).json["channels"][0]
        assert (listed["url"], listed["headers"]) == ("***", {})
        assert (await program.client.get(f"/api/v1/webhooks/{webhook}")).json["url"] == "***"
        entry = (await program.client.get("/api/v1/audit?action=secrets.forget")).json["entries"][0]
        assert (entry["actor"], entry["change"]["webhooks"]) == ("shell", [webhook])
        assert (await put(program, f"/channels/{made['id']}", {"url": receiver.base + "/hook"})).status == 200
        await fire(program, "nas")
        await accepted(receiver, 1)


async def test_a_channel_that_cannot_be_read_rings_and_is_repaired(
    sending: Program, receiver: Sink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tocsin.core.retries.LATER_S", 0.2)
    made = await add(sending, receiver, headers={"X-Key": "k"}, signing_secret="sixteen-letters-at-least")
    path = f"/channels/{made['id']}"
    lose_key(sending)
    await fire(sending, "nas")

    alert = await raised(sending, "channel_failing")

    assert alert["details"]["error"] == "secret_unreadable"
    listed = (await sending.client.get("/api/v1/channels")).json["channels"][0]
    assert (listed["url"], listed["headers"], listed["health"]) == ("***", {}, "failing")
    assert (await put(sending, path, {"name": "renamed", "url": "***"})).status == 200
    assert error(await put(sending, path, {"template": '{"a": "{{entity}}"}'}))[2] == "url"
    tested = (await sending.client.post(f"/api/v1{path}/test")).json
    assert (tested["status"], tested["error"]) == ("failed", "secret_unreadable")

    assert (await put(sending, path, {"url": receiver.base + "/hook"})).status == 200

    assert [name for _, _, name in await accepted(receiver, 1)] == ["nas"]
    await raised(sending, "channel_failing", "resolved")


async def test_the_right_key_makes_everything_readable_again(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    webhook = await subscribe(sending, receiver)
    right: Any = sending.tocsin.vault._key
    lose_key(sending)
    assert (await put(sending, f"/channels/{made['id']}", {"name": "renamed"})).status == 200
    assert (await put(sending, f"/webhooks/{webhook}", {"name": "renamed"})).status == 200
    assert (await sending.client.get("/api/v1/webhooks")).json["webhooks"][0]["url"] == "***"
    assert error(await put(sending, f"/webhooks/{webhook}", {"secret": "another-secret-entirely"}))[2] == "url"
    tested = (await sending.client.post(f"/api/v1/webhooks/{webhook}/test")).json
    assert (tested["status"], tested["error"]) == ("failed", "secret_unreadable")

    sending.tocsin.vault._key = right

    shown = (await sending.client.get("/api/v1/channels")).json["channels"][0]
    assert (shown["name"], shown["url"]) == ("renamed", made["url"])
    shown = (await sending.client.get(f"/api/v1/webhooks/{webhook}")).json
    assert (shown["name"], shown["url"], shown["has_secret"]) == ("renamed", receiver.base + "/events", True)
