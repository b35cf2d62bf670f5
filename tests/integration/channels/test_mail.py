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
from tocsin.channels.mail import read_recipients
from tocsin.core.errors import Invalid

AUTHORITY = trustme.CA()


class Inbox:
    """What the server took, and for whom. `answer` is said instead of taking it, when set; `refusals` are what is said
    of a recipient, one after the other.
    """

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self.answer: str | None = None
        self.refusals: dict[str, list[str]] = {}

    async def handle_RCPT(  # noqa: N802 -- its name there
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refusals.get(address):
            return self.refusals[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- its name there
        if self.answer is not None:
            return self.answer
        self.recipients.append(list(envelope.rcpt_tos))
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
    said = first.get_content().splitlines()
    assert {"Source: host", "Severity: warning"} < set(said)
    assert [line for line in said if line.startswith("Time: 20")]
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


async def _deliveries(program: Program, number: int, count: int) -> list[tuple[str, int, str | None]]:
    """Wait for deliveries that are over; return (status, attempts, error), oldest first."""

    async def look() -> list[tuple[str, int, str | None]]:
        rows = (await program.client.get(f"/api/v1/channels/{number}/deliveries")).json["deliveries"]
        return [(row["status"], row["attempts"], row["error"]) for row in reversed(rows)]

    return await until(look, lambda rows: len([row for row in rows if row[0] != "pending"]) == count, 15)


GREY, UNKNOWN = "450 grey-listed, try later", "550 no such user"


async def test_a_server_that_wants_to_be_asked_again_is(start: Start, quick: None, smtp: int, inbox: Inbox):
    inbox.refusals = {"ada@example.org": [GREY], "grace@example.org": [GREY]}
    async with start(**settings(smtp)) as program:
        number = await channel(program)
        await fire(program, "nas")
        assert await _deliveries(program, number, 1) == [("delivered", 2, None)]
    assert inbox.recipients == [["ada@example.org", "grace@example.org"]]


async def test_a_mail_that_some_have_is_sent_again_to_the_others_alone(
    start: Start, quick: None, smtp: int, inbox: Inbox
):
    inbox.refusals = {"grace@example.org": [GREY, GREY]}
    async with start(**settings(smtp)) as program:
        number = await channel(program)
        await fire(program, "nas")
        assert await _deliveries(program, number, 1) == [("delivered", 3, None)]
    assert inbox.recipients == [["ada@example.org"], ["grace@example.org"]]
    assert inbox.mails[0]["Message-ID"] == inbox.mails[1]["Message-ID"]


async def test_nobody_waits_long_for_a_mailbox_that_takes_nothing(
    start: Start, quick: None, smtp: int, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tocsin.core.retries.WAITS_S", (0.05,) * 5)
    inbox.refusals = {"grace@example.org": [GREY] * 6}
    async with start(**settings(smtp)) as program:
        number = await channel(program)
        await fire(program, "nas")
        assert await _deliveries(program, number, 1) == [("delivered", 5, "recipients_refused")]
        await clear(program, "nas")
        assert (await _deliveries(program, number, 2))[1] == ("delivered", 1, "recipients_refused")
    assert inbox.recipients == [["ada@example.org"]] * 2


async def test_recipients_that_do_not_exist_are_said(start: Start, quick: None, smtp: int, inbox: Inbox):
    inbox.refusals = {"ada@example.org": [UNKNOWN], "grace@example.org": [UNKNOWN, UNKNOWN]}
    async with start(**settings(smtp)) as program:
        number = await channel(program)
        await fire(program, "nas")
        assert await _deliveries(program, number, 1) == [("failed", 1, "recipients_refused")]
        result = await program.client.post(f"/api/v1/channels/{number}/test")
        assert (result.json["status"], result.json["error"]) == ("delivered", "recipients_refused")


@pytest.mark.parametrize("address", ["a@b.c", "a.b+c@mail.example.org", "root@localhost", "o'neil@example.org"])
def test_addresses(address: str):
    assert read_recipients(f"{address}, x@example.org") == [address, "x@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "a",
        "a@",
        "@b.c",
        "a@@b.c",
        "a@b..c",
        "a@.b",
        "a@b.",
        "a..b@c",
        ".a@b",
        "a b@c",
        "a@b\n!",
        "<a@b>",
        "é@b.c",
        "a@-b.c",
    ],
)
def test_what_is_no_address(address: str):
    with pytest.raises(Invalid):
        read_recipients(f"x@example.org, {address}")
