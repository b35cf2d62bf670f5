"""E-mail: a message built by the library (no header can be injected), over TLS unless the settings say otherwise."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from tocsin.channels.formats.request import plain_lines
from tocsin.channels.message import Message, cut
from tocsin.core.errors import Invalid
from tocsin.core.secrets import Secret
from tocsin.core.sending import Outcome, Rejected, Retry, Sent

TIMEOUT_S = 15.0
IMPLICIT_TLS_PORT = 465
MOST_RECIPIENTS = 20
LONGEST_ADDRESS = 254
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""Dot-string and domain.  Source: RFC 5321, 4.1.2."""
TAKEN = 250
MOST_TRIES = 5
"""A mail that some have taken is tried so often for the others, in about a quarter of an hour."""
MOST_REMEMBERED = 1000


class MailServer(NamedTuple):
    """Where mail is handed over. *host* empty: there is none. *tls* False allows plain text; never with a password."""

    host: str
    port: int
    username: str
    password: Secret | None
    sender: str
    tls: bool = True


class Progress(NamedTuple):
    """Who has a mail already that others could not be given yet, and how often that was tried."""

    taken: frozenset[str]
    tries: int


class Mailer:
    """Hands mail over. What some recipients could not be given for the moment (grey-listing, a full mailbox) is tried
    again for them alone; for one who never takes anything the others do not wait a second time.
    """

    def __init__(self, server: MailServer, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._trust = trust
        self._progress: dict[str, Progress] = {}
        self._hopeless: set[str] = set()

    @property
    def is_configured(self) -> bool:
        return bool(self._server.host)

    async def send(self, message: Message, recipients: str) -> Outcome:
        """Hand *message* over. Never raises for the fault of the other side."""
        import aiosmtplib

        if not self.is_configured:
            return Rejected("not_configured")
        mail = compose_mail(message, recipients, self._server.sender)
        before = self._progress.get(message.key, Progress(frozenset(), 0))
        missing = [address for address in read_recipients(recipients) if address not in before.taken]
        try:
            async with asyncio.timeout(TIMEOUT_S):
                refused = await self._hand_over(mail, missing)
        except TimeoutError:
            return Retry("timeout")
        except aiosmtplib.SMTPAuthenticationError as exc:
            return Retry("authentication", exc.code)  # a wrong setting is repaired, and the mail then still wanted
        except aiosmtplib.SMTPResponseException as exc:
            return Rejected("refused_by_server", exc.code) if 500 <= exc.code < 600 else Retry("server", exc.code)
        except (aiosmtplib.SMTPException, ssl.SSLError) as exc:
            return Retry("tls" if "TLS" in str(exc).upper() else "refused")
        except OSError:
            return Retry("refused")
        return self._outcome(message.key, before, missing, refused)

    async def _hand_over(self, mail: EmailMessage, recipients: list[str]) -> dict[str, int]:
        """Return the recipients that the server refused, each with its code."""
        import aiosmtplib

        server = self._server
        implicit = server.port == IMPLICIT_TLS_PORT
        try:
            refused, _ = await aiosmtplib.send(
                mail,
                recipients=recipients,
                hostname=server.host,
                port=server.port,
                username=server.username or None,
                password=server.password.reveal() if server.password else None,
                use_tls=implicit,
                start_tls=None if not server.tls and server.password is None else not implicit,
                tls_context=self._trust or ssl.create_default_context(),
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as exc:
            return {one.recipient: one.code for one in exc.recipients}
        return {address: response.code for address, response in refused.items()}

    def _outcome(self, key: str, before: Progress, asked: list[str], refused: Mapping[str, int]) -> Outcome:
        self._progress.pop(key, None)
        accepted = frozenset(asked) - refused.keys()
        self._hopeless -= accepted
        if not refused:
            return Sent(TAKEN)
        after = Progress(before.taken | accepted, before.tries + 1)
        code = min(refused.values())
        for_now = {address for address, code in refused.items() if code < 500}
        if not after.taken:
            return Retry("recipients_refused", code) if for_now else Rejected("recipients_refused", code)
        if for_now <= self._hopeless or after.tries >= MOST_TRIES:
            self._hopeless |= for_now
            return Sent(TAKEN, "recipients_refused")
        while len(self._progress) >= MOST_REMEMBERED:
            self._progress.pop(next(iter(self._progress)))
        self._progress[key] = after
        return Retry("recipients_refused", code)


def compose_mail(message: Message, recipients: str, sender: str) -> EmailMessage:
    """Return the mail, with the delivery's key as its id: the same over all attempts."""
    mail = EmailMessage()
    mail["Subject"] = cut(" ".join(f"[Tocsin] {message.title}".split()), 200)
    mail["From"] = sender
    mail["To"] = ", ".join(read_recipients(recipients))
    mail["Date"] = format_datetime(message.sent_at)
    mail["Message-ID"] = f"<{message.key}@tocsin>"
    mail["X-Tocsin-Delivery"] = message.key
    mail["Auto-Submitted"] = "auto-generated"
    lines = plain_lines(message)
    if message.is_single:
        told = {"Time": message.values["since"], "Source": message.values["source"]}
        facts = [*told.items(), ("Severity", message.values["severity"]), *message.facts]
        lines += ["", *(f"{label}: {value}" for label, value in facts)]
    lines += ["", message.excerpt] if message.excerpt else []
    mail.set_content("\n".join([*lines, "", message.link, ""]))
    return mail


def read_recipients(text: str) -> list[str]:
    """Return the addresses of a comma-separated list.  Raises Invalid."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    good = all(_is_address(address) for address in found)
    if not found or not good or len(found) > MOST_RECIPIENTS:
        raise Invalid(f"url must be 1 to {MOST_RECIPIENTS} mail addresses, separated by commas", field="url")
    return found


def _is_address(text: str) -> bool:
    return ADDRESS.fullmatch(text) is not None and len(text) <= LONGEST_ADDRESS
