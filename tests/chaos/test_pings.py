"""kill -9 in a storm of pings: each that was answered is there once, and what is said of a job follows from its pings.

Twenty rounds by default; `TOCSIN_CHAOS_PING_ROUNDS` asks for more, and `make chaos` for a thousand.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.journal import Journal
from support.process import Process

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("TOCSIN_CHAOS_PING_ROUNDS", "20"))
CLIENTS, EACH = 16, 6
EVERYTHING = max(1, ROUNDS // 20)
"""After so many rounds the whole database is looked at."""
KINDS = ("", "", "", "/start", "/start", "/0", "/7", "/fail", "/log")
GOOD, BAD = {("success", None), ("exit_code", 0)}, {("fail", None), ("exit_code", 7)}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    found = Process(tmp_path / "data", TOCSIN_FLAP_COUNT="0")
    yield found.start()
    found.kill()


@dataclass
class Storm:
    """Clients that each ping heartbeats of their own, one ping after the other, as fast as they are answered.

    `answered` and `unanswered` are texts of pings, by the slug they were for, in order; `wrong` is what no answer
    may be.
    """

    base: str
    key: str
    uuids: dict[str, str]
    number: int
    answered: dict[str, list[str]] = field(default_factory=dict)
    unanswered: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[tuple[str, int]] = field(default_factory=list)

    async def rage(self, seconds: float, process: Process) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            clients = [asyncio.create_task(self._client(session, number)) for number in range(CLIENTS)]
            await asyncio.sleep(seconds)
            await asyncio.to_thread(process.kill)
            await asyncio.gather(*clients)

    async def _client(self, session: aiohttp.ClientSession, number: int) -> None:
        chance = random.Random(self.number * CLIENTS + number)
        mine = [slug_of(number, which) for which in range(EACH)]
        made = f"made-{self.number}-{number}"
        sent = 0
        with suppress(aiohttp.ClientError, ConnectionError):
            if number == self.number % CLIENTS:
                await self._ping(session, f"/{self.key}/{made}?create=1", made, f"{made}-0", 201)
            while True:
                slug = chance.choice(mine)
                name = self.uuids[slug] if chance.random() < 0.5 else f"{self.key}/{slug}"
                sent += 1
                await self._ping(session, f"/{name}{chance.choice(KINDS)}", slug, f"{self.number}-{number}-{sent}", 200)

    async def _ping(self, session: aiohttp.ClientSession, path: str, slug: str, text: str, wanted: int) -> None:
        sent = self.unanswered.setdefault(slug, [])
        sent.append(text)
        async with session.post(f"{self.base}/ping{path}", data=text) as response:
            if response.status != wanted:
                self.wrong.append((path, response.status))
                return
        sent.remove(text)
        self.answered.setdefault(slug, []).append(text)


@dataclass
class Expected:
    """How a heartbeat has to stand after the pings that are stored, by rules that are written here once more."""

    status: str = "new"
    failed: bool = False
    successes: int = 0
    failures: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    last: str = ""

    def take(self, said: str, exit_code: int | None, text: str) -> None:
        self.last = text
        if said == "start":
            self.runs.update(timeout=self.runs["in_progress"])
            self.runs["in_progress"] = 1
            self.status = "started"
        elif (said, exit_code) in GOOD:
            self.status, self.failed = "up", False
            self.successes, self.failures = self.successes + 1, 0
            self.runs.update(success=1)
            self.runs["in_progress"] = 0
        elif (said, exit_code) in BAD:
            self.status, self.failed = "down", True
            self.successes, self.failures = 0, self.failures + 1
            self.runs.update(failure=1)
            self.runs["in_progress"] = 0
        else:
            assert said == "log", said


def slug_of(client: int, which: int) -> str:
    return f"job-{client}-{which}"


class Book:
    """Follows the database from round to round: only what is new is read."""

    def __init__(self, data_dir: Path) -> None:
        self._journal = Journal(data_dir, {})
        self._beats: dict[int, Expected] = {}
        self._last_ping = 0
        self._last_event = self._journal.last_id
        self._firing: set[str] = set()
        self.pings = self.events = 0

    def check(self, storm: Storm) -> None:
        """Compare what was answered in *storm* with what is stored."""
        rows = self._journal.rows
        assert storm.wrong == []
        slugs = dict(rows("SELECT id, slug FROM heartbeats"))
        assert len(set(slugs.values())) == len(slugs)
        stored: dict[str, list[str]] = {}
        sql = "SELECT id, heartbeat_id, type, exit_code, body FROM heartbeat_pings WHERE id > ? ORDER BY id"
        for number, heartbeat_id, said, exit_code, text in rows(sql, self._last_ping):
            self._last_ping = number
            self._beats.setdefault(heartbeat_id, Expected()).take(said, exit_code, text)
            stored.setdefault(slugs[heartbeat_id], []).append(text)
        for slug in storm.unanswered.keys() | storm.answered.keys() | stored.keys():
            answered, maybe = storm.answered.get(slug, []), storm.unanswered.get(slug, [])
            found = stored.get(slug, [])
            assert len(maybe) <= 1
            assert found in (answered, answered + maybe), f"{slug}: answered {answered}, then {maybe}, stored {found}"
            self.pings += len(found)
        self._check_standings()
        self._check_alerts(slugs)

    def check_all(self) -> None:
        """Look at the whole of the database, which takes the longer the more there is."""
        rows = self._journal.rows
        assert rows("PRAGMA integrity_check") == [("ok",)]
        assert rows("PRAGMA foreign_key_check") == []
        runs: dict[int, Counter[str]] = {}
        counted = "SELECT heartbeat_id, outcome, count(*) FROM heartbeat_executions GROUP BY 1, 2"
        for heartbeat_id, outcome, count in rows(counted):
            runs.setdefault(heartbeat_id, Counter())[outcome] = count
        for heartbeat_id, wanted in self._beats.items():
            assert +runs.get(heartbeat_id, Counter()) == +wanted.runs, heartbeat_id
        ends = "SELECT ping_id FROM heartbeat_executions WHERE ping_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        assert rows(ends) == [], "one ping ended two runs"
        texts = "SELECT body FROM heartbeat_pings GROUP BY 1 HAVING count(*) > 1"
        assert rows(texts) == [], "a ping is there twice"

    def _check_standings(self) -> None:
        rows = self._journal.rows
        for heartbeat_id, status, text in rows("SELECT id, status, standing FROM heartbeats"):
            standing, wanted = json.loads(text), self._beats.get(heartbeat_id, Expected())
            shown = (status, standing["problems"], standing["consecutive_successes"], standing["consecutive_failures"])
            problems = ["exit_code_failure"] if wanted.failed else []
            assert shown == (wanted.status, problems, wanted.successes, wanted.failures), (heartbeat_id, wanted.last)
            assert len(standing["open_runs"]) == wanted.runs["in_progress"]
            assert standing["next_deadline_at"]

    def _check_alerts(self, slugs: dict[int, str]) -> None:
        """What failed rings, nothing else does, and each that fired ends before it fires again."""
        after, self._last_event = self._last_event, self._journal.last_id
        for one in self._journal.events("alert.%", after):
            self.events += 1
            key = one["entity_key"]
            if one["type"] == "alert.fired":
                assert key not in self._firing, f"{key} rang twice"
                self._firing.add(key)
            elif one["type"] == "alert.resolved":
                self._firing.remove(key)
        opened = {key for (key,) in self._journal.rows("SELECT entity_key FROM alerts WHERE open_key IS NOT NULL")}
        failed = {str(number) for number, beat in self._beats.items() if beat.failed}
        assert opened == failed == self._firing
        assert {int(key) for key in opened} <= slugs.keys()


@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_kill_in_a_storm_of_pings_loses_none_that_was_answered_and_doubles_none(process: Process):
    chance = random.Random(5)
    key = process.get("/api/v1/heartbeats/ping-key")["key"]
    uuids = {}
    for client in range(CLIENTS):
        for which in range(EACH):
            slug = slug_of(client, which)
            body: dict[str, Any] = {"name": slug, "slug": slug, "interval_seconds": 604_800}
            uuids[slug] = process.post("/api/v1/heartbeats", body)["uuid"]
    book = Book(process.data_dir)
    answered = unanswered = 0
    for number in range(ROUNDS):
        storm = Storm(process.base, key, uuids, number)
        asyncio.run(storm.rage(chance.uniform(0.05, 0.6), process))
        if number % 2:  # half the time it is looked at before anybody mends it, else after
            book.check(storm)
            process.start()
        else:
            process.start()
            book.check(storm)
        if number % EVERYTHING == 0 or number == ROUNDS - 1:
            book.check_all()
        answered += sum(map(len, storm.answered.values()))
        unanswered += sum(map(len, storm.unanswered.values()))
    print(f"{ROUNDS} rounds: {answered} answered, {unanswered} not, {book.pings} stored, {book.events} alert events")
    assert answered > 20 * ROUNDS
    assert "Traceback" not in process.log
