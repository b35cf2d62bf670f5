"""kill -9 while containers break and receivers misbehave: every firing and every end is told once, in order.

Ten rounds by default; `make chaos` runs three hundred.
"""

import json
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from chaos.test_kill import storm, wait_for
from support.engine import Engine
from support.moody import MoodySinks, Receiver, Told
from support.process import Process

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("TOCSIN_CHAOS_NOTIFICATION_ROUNDS", "10"))
NEWS = ("alert.fired", "alert.resolved")


def begin(process: Process, sinks: MoodySinks) -> dict[str, int]:
    """Start, and return the channel of each path."""
    process.start()
    made = {}
    for path in sinks.receivers:
        body = {"name": path.strip("/"), "type": "webhook", "url": sinks.base + path, "max_per_minute": 60}
        made[path] = int(process.post("/api/v1/channels", body)["id"])
    return made


def said(database: Path, channel_id: int) -> list[Told]:
    """Return what the journal says was to be told to a channel: all but that it fails itself."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT type, data FROM events WHERE type LIKE 'alert.%' ORDER BY id").fetchall()
    found = [(kind, json.loads(data)) for kind, data in rows if kind in NEWS]
    assert all(alert["silence_id"] is None for _, alert in found)
    return [(alert["id"], kind) for kind, alert in found if alert["entity_key"] != f"channel:{channel_id}"]


def is_empty(database: Path) -> bool:
    """Say whether the outbox holds nothing that still has to leave."""
    with sqlite3.connect(database) as connection:
        waiting = connection.execute("SELECT count(*) FROM notices WHERE delivery_id IS NULL").fetchone()[0]
        pending = connection.execute("SELECT count(*) FROM deliveries WHERE status = 'pending'").fetchone()[0]
    return bool(waiting == pending == 0)


def check(receiver: Receiver, expected: list[Told]) -> None:
    assert receiver.wrong == []
    assert Counter(receiver.told) == Counter(expected)
    ended: set[int] = set()
    for alert_id, kind in receiver.told:
        assert alert_id not in ended, "something was told after the end"
        if kind == "alert.resolved":
            ended.add(alert_id)


@pytest.mark.timeout(180 + 10 * ROUNDS)
def test_every_firing_and_every_end_is_told_once_and_in_order(engine: Engine, tmp_path: Path):
    chance = random.Random(11)
    data = tmp_path / "data"
    settings = {"TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url, "TOCSIN_FLAP_COUNT": "0"}
    process = Process(data, **settings, TOCSIN_ARCHIVE_AFTER="5s", TOCSIN_EGRESS_ALLOW="127.0.0.0/8")
    process.program = (str(Path(__file__).parents[1] / "support/hasty.py"),)
    sinks = MoodySinks("/one", "/two")
    channels = begin(process, sinks)
    stop = threading.Event()
    stormer = threading.Thread(target=storm, args=(engine, stop, chance), daemon=True)
    stormer.start()
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.2, 1.2))
            process.kill()
            process.start()
        stop.set()
        stormer.join(60)
        sinks.calm = True
        time.sleep(12)  # what waits for a removed container, or for a second chance, has had its time
        wait_for(lambda: is_empty(data / "tocsin.db"), 150, lambda: process.log[-3000:])
    finally:
        stop.set()
        process.kill()
        sinks.close()
    for path, channel_id in channels.items():
        receiver, expected = sinks.receivers[path], said(data / "tocsin.db", channel_id)
        kinds = Counter(kind for _, kind in expected)
        print(f"{path}: {ROUNDS} rounds, {dict(kinds)}, requests {dict(receiver.moods)}, repeated {receiver.repeated}")
        assert len(expected) > ROUNDS
        check(receiver, expected)
