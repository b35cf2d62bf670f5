"""E-mail: a message built by the library (no header can be injected), over TLS unless the settings say otherwise."""

import asyncio
import ssl
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


class MailServer(NamedTuple):
    """Where mail is handed over. *host* empty: there is none. *tls* False allows plain text; never with a password."""

    host: str
    port: int
    username: str
    password: Secret | None
    sender: str
    tls: bool = True


class Mailer:
    def __init__(self, server: MailServer, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._trust = trust

    @property
    def is_configured(self) -> bool:
        return bool(self._server.host)

    async def send(self, message: Message, recipients: str) -> Outcome:
        """Hand *message* over. Never raises for the fault of the other side."""
        import aiosmtplib

        if not self.is_configured:
            return Rejected("not_configured")
        server = self._server
        implicit = server.port == IMPLICIT_TLS_PORT
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await aiosmtplib.send(
                    compose_mail(message, recipients, server.sender),
                    hostname=server.host,
                    port=server.port,
                    username=server.username or None,
                    password=server.password.reveal() if server.password else None,
                    use_tls=implicit,
                    start_tls=None if not server.tls and server.password is None else not implicit,
                    tls_context=self._trust or ssl.create_default_context(),
                    timeout=TIMEOUT_S,
                )
        except TimeoutError:
            return Retry("timeout")
        except aiosmtplib.SMTPAuthenticationError as exc:
            return Retry("authentication", exc.code)  # a wrong setting is repaired, and the mail then still wanted
        except aiosmtplib.SMTPResponseException as exc:
            return Rejected("refused_by_server", exc.code) if 500 <= exc.code < 600 else Retry("server", exc.code)
        except aiosmtplib.SMTPRecipientsRefused:
            return Rejected("recipients_refused")
        except (aiosmtplib.SMTPException, ssl.SSLError) as exc:
            return Retry("tls" if "TLS" in str(exc).upper() else "refused")
        except OSError:
            return Retry("refused")
        return Sent(250)


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
    lines += ["", *(f"{label}: {value}" for label, value in message.facts)] if message.facts else []
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
    local, at, domain = text.rpartition("@")
    return (
        bool(at and local and domain)
        and text.isascii()
        and all(32 < ord(c) < 127 and c not in '<>()",;:\\' for c in text)
    )
