"""The only SQL about notices and deliveries: the outbox that no crash empties.

A notice is written in the transaction of its alert. Notices of a channel become a delivery, which is sent again and
again until it is accepted, rejected, or given up; only then does the next one of that channel begin.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, or_, select, update

from tocsin.alerts.models import AlertView
from tocsin.channels import rules
from tocsin.channels.models import Beginning, Delivery, DeliveryStatus, Kind, Notice
from tocsin.channels.tables import deliveries, notices
from tocsin.containers.models import Severity
from tocsin.core.clock import from_ms, from_ms_or_none, to_ms
from tocsin.db.tx import Read, Tx

TOUCHED = "outbox"
MOST_TOGETHER = 500
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AlertView)


class Place(NamedTuple):
    """Where a notice stands: its group, when it may leave, and the alert that it is listed under until that one ends.

    `escalation`: it is told only if nobody acknowledges the alert before.
    """

    group_key: str
    not_before: datetime
    held_under: int | None = None
    escalation: bool = False


# --- writing notices -------------------------------------------------------------------------------------------------


def add(tx: Tx, channel_id: int, kind: Kind, alert: AlertView, place: Place) -> None:
    row = {
        "channel_id": channel_id,
        "alert_id": alert.id,
        "kind": kind.value,
        "group_key": place.group_key,
        "not_before_ms": to_ms(place.not_before),
        "cause_id": place.held_under,
        "held": place.held_under is not None,
        "escalation": place.escalation,
        "alert": _encoder.encode(alert).decode(),
    }
    tx.execute(insert(notices), row)
    tx.touch(TOUCHED)


def told(read: Read, alert_id: int, kind: Kind) -> dict[int, str]:
    """Return the channels that were told, or are about to be, of a kind of news about an alert; and in which group."""
    return {row.channel_id: row.group_key for row in read.execute(_heard(alert_id, kind))}


def beginnings(read: Read, alert_id: int) -> dict[int, list[Beginning]]:
    """Return what each channel was told, or is about to be told by itself, of how an alert fires; oldest first."""
    found: dict[int, list[Beginning]] = {}
    for row in read.execute(_heard(alert_id, Kind.FIRED).where(notices.c.held.is_(False))):
        leaves_at = from_ms(row.not_before_ms) if row.delivery_id is None else None
        one = Beginning(row.group_key, leaves_at, _decoder.decode(row.alert).severity)
        found.setdefault(row.channel_id, []).append(one)
    return found


def _heard(alert_id: int, kind: Kind) -> Select[Any]:
    """Return the query for notices of one kind about an alert, but for those that no channel has ever taken."""
    about = (notices.c.alert_id == alert_id, notices.c.kind == kind.value)
    lost = select(deliveries.c.id).where(deliveries.c.status == DeliveryStatus.FAILED.value)
    heard = or_(notices.c.delivery_id.is_(None), notices.c.delivery_id.not_in(lost))
    return select(notices).where(*about, heard).order_by(notices.c.id)


def severities_told(read: Read, alert_id: int) -> set[Severity]:
    """Return how severe an alert was whenever somebody was told, or is about to be, that it fires."""
    about = (notices.c.alert_id == alert_id, notices.c.kind == Kind.FIRED.value)
    return {_decoder.decode(text).severity for text in read.execute(select(notices.c.alert).where(*about)).scalars()}


def last_begun_at(read: Read, channel_id: int, group_key: str) -> datetime | None:
    """Return when the newest message of a group left for a channel."""
    mine = (deliveries.c.channel_id == channel_id, deliveries.c.group_key == group_key)
    return from_ms_or_none(read.execute(select(func.max(deliveries.c.created_at_ms)).where(*mine)).scalar())


def _waiting(channel_id: int, alert_id: int) -> tuple[ColumnElement[bool], ...]:
    return notices.c.channel_id == channel_id, notices.c.alert_id == alert_id, notices.c.delivery_id.is_(None)


def waits_until(read: Read, channel_id: int, alert_id: int) -> datetime | None:
    """Return when the last waiting notice of an alert may leave: what follows it must not leave before."""
    last = select(func.max(notices.c.not_before_ms)).where(*_waiting(channel_id, alert_id), notices.c.held.is_(False))
    return from_ms_or_none(read.execute(last).scalar())


def hasten(tx: Tx, channel_id: int, alert_id: int, group_key: str, at: datetime) -> None:
    """Let what waits longer than *at*, or for a cause, leave then: newer news of an alert must not overtake it."""
    mine = _waiting(channel_id, alert_id)
    values = {"held": False, "group_key": group_key, "not_before_ms": to_ms(at)}
    tx.execute(update(notices).where(*mine, or_(notices.c.held, notices.c.not_before_ms > to_ms(at))).values(**values))


def take_back(tx: Tx, alert_id: int) -> None:
    """Take back what has not left yet."""
    tx.execute(delete(notices).where(notices.c.alert_id == alert_id, notices.c.delivery_id.is_(None)))


def cancel_escalations(tx: Tx, alert_id: int, channel_id: int | None = None) -> datetime | None:
    """Take back what was to be told only if nobody took care of an alert; return when the first of it was due."""
    unsent = [notices.c.alert_id == alert_id, notices.c.delivery_id.is_(None), notices.c.escalation.is_(True)]
    if channel_id is not None:
        unsent.append(notices.c.channel_id == channel_id)
    gone = tx.execute(delete(notices).where(*unsent).returning(notices.c.not_before_ms)).scalars().all()
    return from_ms(min(gone)) if gone else None


def list_waiting(read: Read, channel_id: int) -> list[tuple[Notice, datetime]]:
    """Return what waits for its time, oldest first, each with that time."""
    waiting = (notices.c.channel_id == channel_id, notices.c.delivery_id.is_(None), notices.c.held.is_(False))
    rows = read.execute(select(notices).where(*waiting).order_by(notices.c.id))
    return [(_notice(row), from_ms(row.not_before_ms)) for row in rows]


def move(tx: Tx, notice_id: int, not_before: datetime) -> None:
    tx.execute(update(notices).where(notices.c.id == notice_id).values(not_before_ms=to_ms(not_before)))


def list_unsent(read: Read, channel_id: int) -> set[int]:
    """Return the alerts whose beginning a channel has not been told of yet."""
    unsent = (notices.c.delivery_id.is_(None), notices.c.kind == Kind.FIRED.value)
    found = select(notices.c.alert_id).where(notices.c.channel_id == channel_id, *unsent).distinct()
    return set(read.execute(found).scalars())


# --- notices that are listed under the alert above theirs ------------------------------------------------------------


def hold(tx: Tx, channel_id: int, alert_id: int, cause_id: int, group_key: str) -> None:
    """Keep what has not left yet for the message of the cause."""
    values = {"held": True, "cause_id": cause_id, "group_key": group_key}
    tx.execute(update(notices).where(*_waiting(channel_id, alert_id)).values(**values))


def held_under(read: Read, channel_id: int, alert_id: int) -> int | None:
    """Return the cause under which the beginning of an alert is still held."""
    mine = (*_waiting(channel_id, alert_id), notices.c.held.is_(True))
    return read.execute(select(notices.c.cause_id).where(*mine).limit(1)).scalar()


def has_held(read: Read, channel_id: int, cause_id: int) -> bool:
    mine = (notices.c.channel_id == channel_id, notices.c.cause_id == cause_id, notices.c.held.is_(True))
    return read.execute(select(notices.c.id).where(*mine).limit(1)).first() is not None


def release(tx: Tx, channel_id: int, cause_id: int, group_key: str, at: datetime) -> None:
    """Let go of what was held under a cause that has ended: it leaves with the news of that, an escalation when due."""
    mine = (notices.c.channel_id == channel_id, notices.c.cause_id == cause_id, notices.c.held.is_(True))
    waits = and_(notices.c.escalation, notices.c.not_before_ms > to_ms(at))
    not_before = case((waits, notices.c.not_before_ms), else_=to_ms(at))
    values = {"held": False, "group_key": group_key, "not_before_ms": not_before}
    tx.execute(update(notices).where(*mine).values(**values))


def defer(tx: Tx, hosts: Sequence[str], until: datetime) -> None:
    """Let what concerns *hosts* wait: they are out of reach, and it is not known yet what that means."""
    now_ms = to_ms(tx.clock.now())
    for host in hosts:
        there = notices.c.group_key.startswith(f"{host}/", autoescape=True)
        due = (notices.c.delivery_id.is_(None), notices.c.held.is_(False), notices.c.not_before_ms <= now_ms)
        tx.execute(update(notices).where(there, *due).values(not_before_ms=to_ms(until)))


def defer_alerts(tx: Tx, channel_id: int, alert_ids: Collection[int], until: datetime) -> None:
    """Let what is due of the beginning of these alerts wait."""
    mine = (notices.c.channel_id == channel_id, notices.c.alert_id.in_(alert_ids), notices.c.kind == Kind.FIRED.value)
    due = (notices.c.delivery_id.is_(None), notices.c.not_before_ms <= to_ms(tx.clock.now()))
    tx.execute(update(notices).where(*mine, *due).values(not_before_ms=to_ms(until)))


# --- making and ending deliveries ------------------------------------------------------------------------------------


def channels_with_work(read: Read, now: datetime) -> list[int]:
    """Return the channels that have something to send at *now*."""
    now_ms = to_ms(now)
    pending = deliveries.c.status == DeliveryStatus.PENDING.value
    busy = select(deliveries.c.channel_id, deliveries.c.next_attempt_at_ms).where(pending).order_by(deliveries.c.id)
    due: dict[int, bool] = {}
    for row in read.execute(busy):
        due.setdefault(row.channel_id, row.next_attempt_at_ms <= now_ms)  # the first is the one to be tried
    waiting = (notices.c.delivery_id.is_(None), notices.c.held.is_(False), notices.c.not_before_ms <= now_ms)
    found = read.execute(select(notices.c.channel_id).where(*waiting).distinct()).scalars()
    return [channel_id for channel_id, is_due in due.items() if is_due] + [one for one in found if one not in due]


def pending_delivery(read: Read, channel_id: int) -> Delivery | None:
    mine = (deliveries.c.channel_id == channel_id, deliveries.c.status == DeliveryStatus.PENDING.value)
    row = read.execute(select(deliveries).where(*mine).order_by(deliveries.c.id).limit(1)).one_or_none()
    return None if row is None else delivery_of(row)


def begin(tx: Tx, channel_id: int, key: str, max_per_minute: int, quiet: Collection[int] = ()) -> Delivery | None:
    """Put the notices that are due together into a new delivery: those of the first one's group, or all of a crowd.

    The beginning of the alerts in *quiet* is not among them.
    None: nothing is due, or the channel has had its messages of this minute; what waits then leaves as a digest.
    """
    now_ms = to_ms(tx.clock.now())
    may_leave = _but_for(quiet)
    waiting = (
        notices.c.channel_id == channel_id,
        notices.c.delivery_id.is_(None),
        notices.c.held.is_(False),
        may_leave,
    )
    due = (*waiting, notices.c.not_before_ms <= now_ms)
    row = tx.execute(select(notices).where(*due).order_by(notices.c.id).limit(1)).one_or_none()
    recent = (deliveries.c.channel_id == channel_id, deliveries.c.created_at_ms > now_ms - 60_000)
    sent = int(tx.execute(select(func.count()).select_from(deliveries).where(*recent)).scalar_one())
    if row is None or sent >= max_per_minute:
        return None
    soon = and_(notices.c.escalation.is_(False), notices.c.not_before_ms <= now_ms + _ms(rules.MERGE_FOR))
    together: tuple[ColumnElement[bool], ...] = (*waiting, or_(notices.c.not_before_ms <= now_ms, soon))
    crowd = int(tx.execute(select(func.count()).select_from(notices).where(*together)).scalar_one())
    if crowd <= CROWD and 2 * sent < max_per_minute:
        together = (*together, notices.c.group_key == row.group_key)
    ids = list(tx.execute(select(notices.c.id).where(*together).order_by(notices.c.id).limit(MOST_TOGETHER)).scalars())
    listed = _listed_under(tx, channel_id, ids, may_leave)
    values = {
        "channel_id": channel_id,
        "key": key,
        "group_key": row.group_key,
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "created_at_ms": now_ms,
        "next_attempt_at_ms": now_ms,
    }
    delivery_id = int(tx.execute(insert(deliveries).returning(deliveries.c.id), values).scalar_one())
    tx.execute(update(notices).where(notices.c.id.in_(ids)).values(delivery_id=delivery_id))
    with_cause = {"delivery_id": delivery_id, "held": False, "escalation": False}
    tx.execute(update(notices).where(notices.c.id.in_(listed)).values(**with_cause))
    return Delivery(delivery_id, channel_id, key, 0, from_ms(now_ms), from_ms(now_ms))


def _but_for(quiet: Collection[int]) -> ColumnElement[bool]:
    return or_(notices.c.kind != Kind.FIRED.value, notices.c.alert_id.not_in(quiet))


def _listed_under(read: Read, channel_id: int, ids: list[int], may_leave: ColumnElement[bool]) -> list[int]:
    """Return the held notices of what the alerts of *ids* caused."""
    causes = select(notices.c.alert_id).where(notices.c.id.in_(ids)).scalar_subquery()
    mine = (notices.c.channel_id == channel_id, notices.c.held.is_(True), notices.c.cause_id.in_(causes), may_leave)
    return list(read.execute(select(notices.c.id).where(*mine).order_by(notices.c.id).limit(MOST_TOGETHER)).scalars())


CROWD = 20
"""More waiting notices than these leave as one digest, whatever their group."""


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def notices_of(read: Read, delivery_id: int) -> list[Notice]:
    rows = read.execute(select(notices).where(notices.c.delivery_id == delivery_id).order_by(notices.c.id))
    return [_notice(row) for row in rows]


def finish(
    tx: Tx, delivery_id: int, status: DeliveryStatus, attempts: int, error: str | None, code: int | None
) -> None:
    values = {
        "status": status.value,
        "attempts": attempts,
        "error": error,
        "response_code": code,
        "finished_at_ms": to_ms(tx.clock.now()),
        "next_attempt_at_ms": None,
    }
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
    tx.touch(TOUCHED)


def take_back_ends(tx: Tx, delivery_id: int) -> None:
    """Take back the waiting ends of alerts of whose beginning a channel has not heard: its delivery has failed."""
    for notice in notices_of(tx, delivery_id):
        if notice.kind is Kind.FIRED and notice.channel_id not in told(tx, notice.alert_id, Kind.FIRED):
            tx.execute(delete(notices).where(*_waiting(notice.channel_id, notice.alert_id)))


def postpone(tx: Tx, delivery_id: int, attempts: int, at: datetime, error: str, code: int | None) -> None:
    values = {"attempts": attempts, "next_attempt_at_ms": to_ms(at), "error": error, "response_code": code}
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))


def hurry(tx: Tx, delivery_id: int, at: datetime) -> None:
    """Make the next attempt at *at*."""
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(next_attempt_at_ms=to_ms(at)))


def try_again(tx: Tx, channel_id: int, delivery_id: int) -> bool:
    """Make a failed delivery pending again; say whether there was one."""
    mine = (deliveries.c.id == delivery_id, deliveries.c.channel_id == channel_id)
    now_ms = to_ms(tx.clock.now())
    failed = update(deliveries).where(*mine, deliveries.c.status == DeliveryStatus.FAILED.value)
    values = {
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "created_at_ms": now_ms,
        "next_attempt_at_ms": now_ms,
        "finished_at_ms": None,
    }
    tx.touch(TOUCHED)
    return tx.execute(failed.values(**values)).rowcount > 0


# --- rows ------------------------------------------------------------------------------------------------------------


def _notice(row: Any) -> Notice:
    alert = _decoder.decode(row.alert)
    kind, cause_id = Kind(row.kind), row.cause_id
    return Notice(row.id, row.channel_id, row.alert_id, kind, row.group_key, alert, cause_id, row.escalation)


def delivery_of(row: Any) -> Delivery:
    next_at = from_ms_or_none(row.next_attempt_at_ms) or from_ms(row.created_at_ms)
    return Delivery(row.id, row.channel_id, row.key, row.attempts, from_ms(row.created_at_ms), next_at)
