"""Writes what the rules decided, in the transaction at hand."""

from datetime import datetime

from msgspec.structs import replace

from tocsin.db.tx import Tx
from tocsin.heartbeats import history_store, store
from tocsin.heartbeats.models import Heartbeat, Ping, Standing
from tocsin.heartbeats.rules import Decision


def keep(tx: Tx, beat: Heartbeat, decision: Decision, now: datetime, ping: Ping | None = None) -> Standing:
    """Store how *beat* stands now, with the *ping* that says so and what happened to its runs; tell the facts."""
    after, ping_id = decision.after, None
    if ping is not None and decision.said is not None:
        ping_id = history_store.insert_ping(tx, beat, ping, decision.said, now)
        if ping.body:
            after = replace(after, last_body_ping_id=ping_id)
    for ended in decision.ended:
        history_store.end_run(tx, beat.id, ended, ping_id, now)
    if after.open_runs and not after.open_runs[-1].id:
        *before, begun = after.open_runs
        after = replace(after, open_runs=(*before, history_store.begin_run(tx, beat.id, begun)))
    for day in decision.closed_days:
        history_store.close_day(tx, beat.id, day)
    if decision.correction is not None:
        history_store.correct(tx, beat.id, decision.correction)
    if after is not beat.standing:
        store.save_standing(tx, beat.id, after)
    for event in decision.events:
        tx.emit(event)
    return after
