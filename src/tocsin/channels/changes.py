"""What a change makes of a channel. Pure."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from tocsin.channels.models import Channel, ChannelChange, ChannelType
from tocsin.channels.views import masked
from tocsin.core.errors import Invalid
from tocsin.core.secrets import MASK

T = TypeVar("T")


def changed(before: Channel, wanted: ChannelChange) -> Channel:
    """Return *before* with what *wanted* holds; masked values keep what they stand for.

    Raises Invalid: a masked value that stands for nothing, or a secret that would travel to another host unseen.
    """
    url = before.url if wanted.url is UNSET or wanted.url == masked(before) else wanted.url
    after = replace(
        before,
        name=_given(wanted.name, before.name),
        type=_given(wanted.type, before.type),
        url=url,
        headers=before.headers if wanted.headers is UNSET else _headers(before.headers, wanted.headers),
        enabled=_given(wanted.enabled, before.enabled),
        template=_given(wanted.template, before.template) or None,
        quiet_hours=_given(wanted.quiet_hours, before.quiet_hours),
        max_per_minute=_given(wanted.max_per_minute, before.max_per_minute),
        signing_secret=_given(wanted.signing_secret, before.signing_secret) or "",
    )
    if after.type is not ChannelType.EMAIL and _host(before.url) != _host(after.url):
        _check_secrets_are_new(before, wanted)
    return after


def _given(value: T | UnsetType, before: T) -> T:
    return before if value is UNSET else value


def _headers(before: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    for name, value in wanted.items():
        if value == MASK and name not in before:
            raise Invalid(f"The value of the header {name[:50]!r} is missing: {MASK} stands for none", field="headers")
    return {name: before[name] if value == MASK else value for name, value in wanted.items()}


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _check_secrets_are_new(before: Channel, wanted: ChannelChange) -> None:
    """Raises Invalid: who may change a channel may not read its secrets, not even by sending them elsewhere."""
    kept = before.headers if wanted.headers is UNSET else [k for k, v in wanted.headers.items() if v == MASK]
    if kept:
        raise Invalid("headers: their values have to be sent again when url names another host", field="headers")
    if before.signing_secret and wanted.signing_secret is UNSET:
        message = "signing_secret has to be sent again, or null, when url names another host"
        raise Invalid(message, field="signing_secret")
