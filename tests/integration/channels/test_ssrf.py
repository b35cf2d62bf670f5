"""No URL that people give makes Tocsin talk to this machine or to the metadata of a cloud: not when it is stored, not
when it is used, not by a redirect, not by a name that changes its mind. A listener that must stay silent proves it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import Start
from integration.channels.test_channels import add
from support.program import Program
from support.sink import Sink
from tocsin.core.sending import Rejected, Request, Sent


class Canary:
    """Listens where nobody may come. `visits` counts those who did."""

    def __init__(self) -> None:
        self.visits = 0
        self.port = 0

    async def begin(self) -> asyncio.Server:
        server = await asyncio.start_server(self._visited, "0.0.0.0", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _visited(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    canary = Canary()
    server = await canary.begin()
    yield canary
    server.close()


FORBIDDEN = (
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1%25lo]:{port}/",
    "http://100.100.100.200/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://example.org@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.org/",
    "http://example.org\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\r\nX-Injected: yes/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "HTTP://127.0.0.1:{port}/",
)


@pytest.mark.parametrize("template", FORBIDDEN)
async def test_a_forbidden_target_is_neither_stored_nor_used(program: Program, canary: Canary, template: str):
    url = template.format(port=canary.port)
    for path in ("/api/v1/channels", "/api/v1/webhooks"):
        answer = await program.client.post(path, {"name": "x", "url": url})
        assert (answer.status, answer.json["error"]["field"]) == (400, "url"), answer.body
    outcome = await program.tocsin.sender.send(Request(url, {}, b"{}"))
    assert not isinstance(outcome, Sent)
    assert canary.visits == 0


async def test_a_redirect_is_not_followed(sending: Program, receiver: Sink, canary: Canary):
    made = await add(sending, receiver)
    for status in (301, 302, 303, 307, 308):
        receiver.answers = [(status, {"Location": f"http://127.0.0.1:{canary.port}/latest/meta-data"})]
        outcome = await sending.tocsin.sender.send(Request(receiver.base + "/hook", {}, b"{}"))
        assert outcome == Rejected("http_status", status)
    assert (canary.visits, made["enabled"]) == (0, True)


async def test_a_name_that_changes_its_mind_gains_nothing(
    start: Start, receiver: Sink, canary: Canary, monkeypatch: pytest.MonkeyPatch
):
    """The name is a harmless address whenever it is checked first, and this machine right after."""
    async with start(TOCSIN_EGRESS_ALLOW="127.0.0.7/32") as program:
        answers = ["127.0.0.7", "127.0.0.1"] * 4

        async def rebinding(host: str, port: Any, **_: Any) -> list[Any]:
            address = answers.pop(0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding, raising=False)
        outcome = await program.tocsin.sender.send(Request(f"http://rebind.test:{canary.port}/", {}, b"{}"))
    assert not isinstance(outcome, Sent)
    assert len(answers) < 8
    assert canary.visits == 0


async def test_a_proxy_of_the_environment_is_not_used(
    sending: Program, receiver: Sink, canary: Canary, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    assert await sending.tocsin.sender.send(Request(receiver.base + "/hook", {}, b"{}")) == Sent(200)
    assert canary.visits == 0
