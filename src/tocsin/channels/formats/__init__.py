"""How each provider wants it: a table of pure functions from a message to the bytes of a request."""

from collections.abc import Callable, Mapping

from tocsin.channels.formats import chat, ntfy, push, webhook
from tocsin.channels.message import Message
from tocsin.channels.models import Channel, ChannelType
from tocsin.core.sending import Request

Format = Callable[[Message, Channel], Request]

FORMATS: Mapping[ChannelType, Format] = {
    ChannelType.SLACK: chat.slack,
    ChannelType.DISCORD: chat.discord,
    ChannelType.TEAMS: chat.teams,
    ChannelType.WEBHOOK: webhook.generic,
    ChannelType.NTFY: ntfy.publish,
    ChannelType.TELEGRAM: push.telegram,
    ChannelType.GOTIFY: push.gotify,
    ChannelType.PUSHOVER: push.pushover,
}
"""E-mail is not here: it is no HTTP request (`mail.py`)."""
