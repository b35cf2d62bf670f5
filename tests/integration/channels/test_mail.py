"""Mail over a real SMTP server: TLS, a wrong password, a refusal, and no way to inject a header."""

import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from conftest import Start
from integration.alerts.test_routes import clear, fire
from support.program import Program, until

AUTHORITY = trustme.CA()


class Inbox:
    """What the server took. `answer` is said instead of taking it, when set."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answer: str | None = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- its name there
        if self.answer is not None:
            return self.answer
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"tocsin", b"mail-password"), handled=False)


def serve(inbox: Inbox, *, implicit: bool) -> Controller:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    tls: dict[str, Any] = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tls |= {"authenticator": login, "auth_required": True, "auth_require_tls": not implicit}
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **tls)
    controller.start()
    return controller


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[int]:
    controller = serve(inbox, implicit=False)
    yield controller.port
    controller.stop()


def settings(port: int, **more: str) -> dict[str, str]:
    return {
        "TOCSIN_SMTP_HOST": "127.0.0.1",
        "TOCSIN_SMTP_PORT": str(port),
        "TOCSIN_SMTP_USERNAME": "tocsin",
        "TOCSIN_SMTP_PASSWORD": "mail-password",
        "TOCSIN_SMTP_FROM": "tocsin@example.org",
        **more,
    }


async def channel(program: Program) -> int:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    program.tocsin.channels._mailer._trust = context
    body = {"name": "mail", "type": "email", "url": "ada@example.org, grace@example.org"}
    answer = await program.client.post("/api/v1/channels", body)
    assert answer.status == 201, answer.body
    assert answer.json["url"] == body["url"]
    return int(answer.json["id"])


async def test_mail_tells_of_beginning_and_end(start: Start, quick: None, smtp: int, inbox: Inbox):
    async with start(**settings(smtp)) as program:
        await channel(program)
        await fire(program, "nas\r\nBcc: eve@example.org")
        await _mails(inbox, 1)
        await clear(program, "nas\r\nBcc: eve@example.org")
        first, second = await _mails(inbox, 2)
    assert first["Subject"] == "[Tocsin] Alert: nas Bcc: eve@example.org"
    assert second["Subject"].startswith("[Tocsin] Resolved: nas")
    assert (first["To"], first["Bcc"], first["From"]) == (
        "ada@example.org, grace@example.org",
        None,
        "tocsin@example.org",
    )
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Date"] is not None


async def _mails(inbox: Inbox, count: int) -> list[Message]:
    async def look() -> list[Message]:
        return inbox.mails

    return await until(look, lambda found: len(found) >= count, 15)


async def test_a_wrong_password_is_said_and_tried_again(start: Start, quick: None, smtp: int):
    async with start(**settings(smtp, TOCSIN_SMTP_PASSWORD="wrong")) as program:
        number = await channel(program)
        result = await program.client.post(f"/api/v1/channels/{number}/test")
        assert (result.json["status"], result.json["error"]) == ("failed", "authentication")


async def test_a_certificate_nobody_vouches_for_gets_no_password(start: Start, quick: None, smtp: int, inbox: Inbox):
    async with start(**settings(smtp)) as program:
        number = await channel(program)
        program.tocsin.channels._mailer._trust = ssl.create_default_context()
        result = await program.client.post(f"/api/v1/channels/{number}/test")
        assert result.json["status"] == "failed"
        assert inbox.mails == []


async def test_a_mailbox_that_refuses_is_not_tried_for_ever(start: Start, quick: None, smtp: int, inbox: Inbox):
    inbox.answer = "552 mailbox full"
    async with start(**settings(smtp)) as program:
        number = await channel(program)
        result = await program.client.post(f"/api/v1/channels/{number}/test")
        assert (result.json["status"], result.json["error"], result.json["response_code"]) == (
            "failed",
            "refused_by_server",
            552,
        )
