"""kill -9 in a storm: what the engine says afterwards is what Tocsin says, and no event was lost or told twice.

Ten rounds by default; `make chaos` runs a hundred.
"""

import json
import os
import random
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.engine import Engine
from support.process import TOKEN, Process

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("TOCSIN_CHAOS_ROUNDS", "10"))
CONTAINERS = 6
STATES = {"running": {"running"}, "paused": {"paused"}, "exited": {"exited", "completed"}, "created": {"created"}}


class Listener(threading.Thread):
    """A client that comes back with its last id whenever the server goes away. `seen` is every id, in order."""

    def __init__(self, base: str) -> None:
        super().__init__(daemon=True)
        self.base = base
        self.seen: list[int] = []
        self.syncs = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self._listen()
            except (OSError, urllib.error.URLError, ValueError):
                time.sleep(0.05)

    def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Last-Event-ID": str(self.seen[-1] if self.seen else 0)}
        request = urllib.request.Request(self.base + "/api/v1/containers/events", headers=headers)
        with urllib.request.urlopen(request, timeout=1) as response:
            number: int | None = None
            for raw in response:
                line = raw.decode()
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("event: sync.required"):
                    self.syncs += 1
                elif line == "\n" and number is not None:  # only a whole event counts
                    self.seen.append(number)
                    number = None


def storm(engine: Engine, stop: threading.Event, chance: random.Random) -> None:
    """Start, stop, crash, pause and make anew, without a pause."""
    names = [f"storm-{number}" for number in range(CONTAINERS)]
    while not stop.is_set():
        name = chance.choice(names)
        match chance.randrange(7):
            case 0:
                engine.docker("rm", "-f", name, check=False)
                engine.docker(
                    "run", "-d", "--name", name, "--network", "none", "busybox:1.0", "sleep", "1000", check=False
                )
            case 1:
                engine.docker("kill", name, check=False)
            case 2:
                engine.docker("start", name, check=False)
            case 3:
                engine.docker("pause", name, check=False)
                engine.docker("unpause", name, check=False)
            case 4:
                engine.docker("stop", "-t", "0", name, check=False)
            case 5:
                engine.docker("restart", "-t", "0", name, check=False)
            case 6:
                engine.docker("rm", "-f", name, check=False)
                crash = ("sh", "-c", "sleep 0.2; exit 3")
                engine.docker("run", "-d", "--name", name, "--network", "none", "busybox:1.0", *crash, check=False)


def engine_states(engine: Engine) -> dict[str, str]:
    listed = engine.docker("ps", "-a", "--format", "{{.Names}}\t{{.State}}").splitlines()
    return dict(line.split("\t") for line in listed)


def agrees(process: Process, engine: Engine) -> bool:
    told = {name: c["state"] for name, c in process.containers().items() if c["missing_since"] is None}
    real = engine_states(engine)
    return told.keys() == real.keys() and all(told[name] in STATES[state] for name, state in real.items())


def check_timelines(database: Path) -> None:
    """Every line of a timeline begins where the one before ended, and time never runs backwards."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT container_id, at_ms, previous_state, new_state FROM container_transitions ORDER BY container_id, id"
        ).fetchall()
        states = dict(connection.execute("SELECT id, state FROM containers").fetchall())
    last: dict[int, tuple[int, str]] = {}
    for container_id, at_ms, previous, new in rows:
        before_at, before_state = last.get(container_id, (0, "created"))
        assert previous == before_state, (container_id, at_ms)
        assert at_ms >= before_at, (container_id, at_ms)
        last[container_id] = (at_ms, new)
    for container_id, (_, state) in last.items():
        assert states[container_id] == state


def check_alerts(database: Path) -> None:
    """What is down has one open alert, what is not has none, and each that fired ends before the next begins."""
    with sqlite3.connect(database) as connection:
        states = dict(
            connection.execute(
                "SELECT id, state FROM containers WHERE archived_at_ms IS NULL AND missing_since_ms IS NULL"
            )
        )
        opened = connection.execute(
            "SELECT entity_key FROM alerts WHERE open_key IS NOT NULL AND alert_type = 'container_down'"
        ).fetchall()
        told = connection.execute("SELECT type, data FROM events WHERE type LIKE 'alert.%' ORDER BY id").fetchall()
    down = sorted(number for number, state in states.items() if state in {"exited", "dead"})
    assert sorted(int(row[0]) for row in opened if int(row[0]) in states) == down
    firing: dict[str, int] = {}
    for kind, data in told:
        alert = json.loads(data)
        key = f"{alert['alert_type']}|{alert['entity_key']}"
        if kind == "alert.fired":
            assert firing.setdefault(key, alert["id"]) == alert["id"], "a second episode before the first one ended"
        elif kind == "alert.resolved":
            assert firing.pop(key) == alert["id"], "an end without a beginning"


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_kill_in_a_storm_loses_and_doubles_nothing(engine: Engine, tmp_path: Path):
    chance = random.Random(7)
    data = tmp_path / "data"
    process = Process(
        data, TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url, TOCSIN_ARCHIVE_AFTER="1h", TOCSIN_FLAP_COUNT="0"
    )
    process.start()
    listener = Listener(process.base)
    listener.start()
    stop = threading.Event()
    stormer = threading.Thread(target=storm, args=(engine, stop, chance), daemon=True)
    stormer.start()
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.3, 2.0))
            process.kill()
            process.start()
        stop.set()
        stormer.join(60)
        wait_for(lambda: agrees(process, engine), 30, lambda: (process.containers(), engine_states(engine)))
        wait_for(lambda: journalled(data)[-1] == listener.seen[-1], 10, lambda: listener.seen[-5:])
    finally:
        stop.set()
        listener.ended.set()
        process.kill()
    assert listener.syncs == 0
    assert listener.seen == journalled(data)
    assert len(listener.seen) > ROUNDS
    check_timelines(data / "tocsin.db")
    check_alerts(data / "tocsin.db")


def journalled(data: Path) -> list[int]:
    with sqlite3.connect(data / "tocsin.db") as connection:
        return [row[0] for row in connection.execute("SELECT id FROM events ORDER BY id")]


def wait_for(condition: Any, timeout_s: float, explain: Any) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, json.dumps(explain(), default=str)[:5000]
        time.sleep(0.1)


def test_an_orderly_stop_is_quick_and_complete(engine: Engine, tmp_path: Path):
    engine.run("one", command=("sleep", "1000"))
    process = Process(tmp_path / "data", TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url).start()
    listener = Listener(process.base)
    listener.start()
    wait_for(lambda: listener.seen, 10, lambda: process.log)

    assert process.stop() < 10

    listener.ended.set()
    assert process.wait() == 0
    assert "stopped" in process.log
    assert "Traceback" not in process.log
