"""What a channel must be like before anything is sent through it. Pure."""

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from tocsin.channels import template
from tocsin.channels.models import Channel, ChannelType
from tocsin.core.errors import Invalid

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
RESERVED = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "content-type",
        "x-tocsin-delivery",
        "x-tocsin-signature",
    }
)


def check(channel: Channel) -> None:
    """Raises Invalid."""
    check_headers(channel.headers)
    check_options(channel)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises Invalid: a name or a value that no request may carry."""
    for name, value in headers.items():
        if not HEADER.fullmatch(name) or name.lower() in RESERVED:
            raise Invalid(f"headers must not hold {name[:50]!r}", field="headers")
        if not value.isprintable() or not value.isascii():
            raise Invalid(f"The value of the header {name[:50]!r} must be printable ASCII", field="headers")


def check_options(channel: Channel) -> None:
    """Raises Invalid."""
    is_webhook = channel.type is ChannelType.WEBHOOK
    if channel.template:
        template.check(channel.template, is_json=is_webhook)
    if channel.signing_secret and not is_webhook:
        raise Invalid("signing_secret is for channels of type webhook", field="signing_secret")
    if channel.quiet_hours is not None:
        _check_zone(channel.quiet_hours.timezone)
        if channel.quiet_hours.start == channel.quiet_hours.end:
            raise Invalid("quiet_hours must end at another time than they start", field="quiet_hours")


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid("quiet_hours.timezone must be a name such as Europe/Paris", field="quiet_hours") from None
