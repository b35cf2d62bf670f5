"""How each provider wants it: a table of pure functions from a message to the bytes of a request."""

from collections.abc import Callable, Mapping

from tocsin.channels.formats import chat, ntfy, webhook
from tocsin.channels.formats.request import Request
from tocsin.channels.message import Message
from tocsin.channels.models import Channel, ChannelType

Format = Callable[[Message, Channel], Request]

FORMATS: Mapping[ChannelType, Format] = {
    ChannelType.SLACK: chat.slack,
    ChannelType.DISCORD: chat.discord,
    ChannelType.TEAMS: chat.teams,
    ChannelType.WEBHOOK: webhook.generic,
    ChannelType.NTFY: ntfy.publish,
}
"""E-mail is not here: it is no HTTP request (`mail.py`)."""
