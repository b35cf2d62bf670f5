"""The only SQL about channels and their rules. URLs and headers pass through sealed."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select, update

from tocsin.alerts.models import Source
from tocsin.channels.models import Channel, ChannelType, DeliveryStatus, DuplicateName, QuietHours, Rule
from tocsin.channels.tables import channels, rules
from tocsin.containers.models import Severity
from tocsin.core.clock import from_ms, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx

TOUCHED = "channels"
_quiet_hours = msgspec.json.Decoder(QuietHours)


def get(read: Read, channel_id: int) -> Channel:
    """Raises NotFound."""
    channel = find(read, channel_id)
    if channel is None:
        raise NotFound("Channel not found")
    return channel


def find(read: Read, channel_id: int) -> Channel | None:
    """Return a channel, None when there is none (any more)."""
    row = read.execute(select(channels).where(channels.c.id == channel_id)).one_or_none()
    return None if row is None else _channel(row, _rules_of(read, [channel_id]).get(channel_id, ()))


def count(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(channels)).scalar_one())


def list_channels(read: Read, limit: int = 500, offset: int = 0) -> list[Channel]:
    """Return channels, oldest first, with their rules."""
    rows = read.execute(select(channels).order_by(channels.c.id).limit(limit).offset(offset)).all()
    of = _rules_of(read, [row.id for row in rows])
    return [_channel(row, of.get(row.id, ())) for row in rows]


def _rules_of(read: Read, ids: Iterable[int]) -> dict[int, tuple[Rule, ...]]:
    found: dict[int, tuple[Rule, ...]] = {}
    for row in read.execute(select(rules).where(rules.c.channel_id.in_(list(ids))).order_by(rules.c.id)):
        found[row.channel_id] = (*found.get(row.channel_id, ()), _rule(row))
    return found


def insert_channel(tx: Tx, channel: Channel) -> int:
    """Raises DuplicateName."""
    _check_name(tx, channel.name, None)
    row = {**_row(channel), "created_at_ms": to_ms(channel.created_at)}
    tx.touch(TOUCHED)
    return int(tx.execute(insert(channels).returning(channels.c.id), row).scalar_one())


def save(tx: Tx, channel: Channel) -> None:
    """Raises DuplicateName."""
    _check_name(tx, channel.name, channel.id)
    tx.execute(update(channels).where(channels.c.id == channel.id).values(**_row(channel)))
    tx.touch(TOUCHED)


def set_last_status(tx: Tx, channel_id: int, status: DeliveryStatus) -> None:
    tx.execute(update(channels).where(channels.c.id == channel_id).values(last_status=status.value))


def list_sealed(read: Read) -> dict[int, tuple[str, ...]]:
    """Return what is encrypted of each channel."""
    sealed = select(channels.c.id, channels.c.url, channels.c.headers, channels.c.signing_secret)
    return {row.id: (row.url, row.headers, row.signing_secret) for row in read.execute(sealed)}


def blank_out(tx: Tx, channel_id: int, blank: str) -> None:
    """Forget the secrets of a channel; *blank* is how an empty URL is sealed."""
    values = {"url": blank, "headers": "", "signing_secret": ""}
    tx.execute(update(channels).where(channels.c.id == channel_id).values(**values))
    tx.touch(TOUCHED)


def remove(tx: Tx, channel_id: int) -> None:
    """Delete a channel with its rules, notices and deliveries (by cascade)."""
    tx.execute(delete(channels).where(channels.c.id == channel_id))
    tx.touch(TOUCHED)


def insert_rule(tx: Tx, rule: Rule) -> int:
    row = {
        "channel_id": rule.channel_id,
        "sources": ",".join(rule.sources),
        "entity": rule.entity,
        "after_minutes": rule.after_minutes,
        "severities": ",".join(rule.severities),
        "group_name": rule.group,
        "created_at_ms": to_ms(rule.created_at),
    }
    tx.touch(TOUCHED)
    return int(tx.execute(insert(rules).returning(rules.c.id), row).scalar_one())


def count_rules(read: Read, channel_id: int) -> int:
    mine = select(func.count()).select_from(rules).where(rules.c.channel_id == channel_id)
    return int(read.execute(mine).scalar_one())


def remove_rule(tx: Tx, channel_id: int, rule_id: int) -> None:
    """Raises NotFound: this channel has no such rule."""
    mine = (rules.c.id == rule_id, rules.c.channel_id == channel_id)
    if tx.execute(delete(rules).where(*mine)).rowcount == 0:
        raise NotFound("Rule not found")
    tx.touch(TOUCHED)


def _check_name(read: Read, name: str, own_id: int | None) -> None:
    found = read.execute(select(channels.c.id).where(channels.c.name_key == name.casefold())).scalar()
    if found is not None and found != own_id:
        raise DuplicateName(f"There is a channel {name} already", field="name")


def _row(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "name_key": channel.name.casefold(),
        "type": channel.type.value,
        "url": channel.url,
        "headers": channel.sealed_headers,
        "signing_secret": channel.signing_secret,
        "template": channel.template,
        "quiet_hours": msgspec.json.encode(channel.quiet_hours).decode() if channel.quiet_hours else None,
        "max_per_minute": channel.max_per_minute,
        "enabled": channel.enabled,
        "updated_at_ms": to_ms(channel.updated_at),
    }


def _channel(row: Any, its_rules: tuple[Rule, ...]) -> Channel:
    return Channel(
        id=row.id,
        name=row.name,
        type=ChannelType(row.type),
        url=row.url,
        sealed_headers=row.headers,
        signing_secret=row.signing_secret,
        template=row.template,
        quiet_hours=_quiet_hours.decode(row.quiet_hours) if row.quiet_hours else None,
        max_per_minute=row.max_per_minute,
        enabled=row.enabled,
        rules=its_rules,
        created_at=from_ms(row.created_at_ms),
        updated_at=from_ms(row.updated_at_ms),
        last_status=DeliveryStatus(row.last_status) if row.last_status else None,
    )


def _rule(row: Any) -> Rule:
    return Rule(
        id=row.id,
        channel_id=row.channel_id,
        sources=tuple(Source(word) for word in row.sources.split(",") if word),
        severities=tuple(Severity(word) for word in row.severities.split(",") if word),
        entity=row.entity,
        group=row.group_name,
        after_minutes=row.after_minutes,
        created_at=from_ms(row.created_at_ms),
    )
