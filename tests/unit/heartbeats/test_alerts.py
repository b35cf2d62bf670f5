"""What alerting makes of a heartbeat: from facts, and once more from how it stands."""

from datetime import datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace

from support.beats import Job, at
from tocsin.alerts.heartbeats import HeartbeatKind, Lookups
from tocsin.alerts.models import Clear, Raise, Resolution
from tocsin.db.tx import Read
from tocsin.heartbeats import rules
from tocsin.heartbeats.evidence import standing_facts, tail
from tocsin.heartbeats.models import Heartbeat, HeartbeatDeleted

READ = cast("Read", None)


def kind(beat: Heartbeat | None, body: tuple[datetime, str] | None = None) -> HeartbeatKind:
    words = None if body is None else (body[0], tail(body[1]))
    return HeartbeatKind(Lookups(lambda _read, _id: beat, standing_facts, lambda _read, _beat: words))


def found(job: Job, body: tuple[datetime, str] | None = None) -> tuple[dict[str, Raise], list[Clear]]:
    """Return what holds of a heartbeat, asked anew: what rings by its type, and what is over."""
    signals = kind(job.beat, body).current(READ, "heartbeat:3", at(5000))
    raised = {signal.alert_type: signal for signal in signals if isinstance(signal, Raise)}
    return raised, [signal for signal in signals if isinstance(signal, Clear)]


def talking(*steps: tuple[float, str]) -> Job:
    """A job whose last ping said something; `last_body_ping_id` is what storing it sets."""
    job = Job()
    for second, word in steps:
        job.ping(second, word)
    job.set(replace(job.now, last_body_ping_id=1))
    return job


@pytest.mark.parametrize(("words", "sentence"), [
    (["0", "fail"], "backup reported a failure"),
    (["fail"], "backup reported a failure"),
    (["0", "7"], "backup failed with exit code 7"),
])  # fmt: skip
def test_a_failure_that_is_told_later_is_told_as_it_was(words: list[str], sentence: str):
    job = Job()
    for second, word in enumerate(words):
        job.ping(second, word)
    raised, over = found(job)
    assert raised["exit_code_failure"].message == sentence
    assert {kind for clear in over for kind in clear.alert_types} == {"deadline_missed", "overrun"}


@pytest.mark.parametrize(("steps", "said_at", "is_told"), [
    ([(10, "3")], 10, True),
    ([(10, "3")], 5, False),
    ([(10, "start"), (20, "3")], 15, True),
    ([(10, "start"), (20, "3")], 20, True),
    ([(10, "start"), (20, "3")], 5, False),
    ([(10, "start"), (20, ""), (30, "3")], 25, False),  # said by the run before
])  # fmt: skip
def test_a_failure_is_explained_by_the_words_of_its_own_run(
    steps: list[tuple[float, str]], said_at: float, is_told: bool
):
    raised, _ = found(talking(*steps), (at(said_at), "disk is full"))
    assert raised["exit_code_failure"].details.get("log_excerpt") == ("disk is full" if is_told else None)


def test_a_miss_after_tocsin_was_away_says_so():
    job = talking((10, ""))
    job.set(rules.extended(job.beat, at(1000)))
    job.look(2000)
    raised, _ = found(job)
    assert "did not report in" in raised["deadline_missed"].message
    assert raised["deadline_missed"].message.endswith("(while Tocsin itself was away a ping may have been lost)")


def test_a_miss_shows_the_last_words_however_old():
    job = talking((10, ""))
    job.look(2000)
    raised, _ = found(job, (at(10), "\n".join(str(number) for number in range(50))))
    details: dict[str, Any] = raised["deadline_missed"].details
    assert details["log_excerpt"].splitlines() == [str(number) for number in range(30, 50)]
    assert details["said_at"] == "2026-03-04T09:00:10.000Z"


def test_what_is_gone_or_paused_rings_no_more():
    job = Job()
    job.ping(0, "1")
    job.pause(1)
    _, (paused,) = found(job)
    assert (paused.resolution, paused.alert_types) == (Resolution.PAUSED, ())
    (gone,) = kind(None).current(READ, "heartbeat:3", at(1))
    assert isinstance(gone, Clear)
    assert gone.resolution is Resolution.REMOVED
    (deleted,) = kind(None).signals(READ, HeartbeatDeleted(heartbeat_id=3, timestamp=""), at(1))
    assert isinstance(deleted, Clear)
    assert deleted.resolution is Resolution.REMOVED


def test_facts_are_raised_with_their_severity():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    job.look(31)
    job.look(361)
    job.ping(400, "2")
    raised, over = found(job)
    assert {name: signal.severity.value for name, signal in raised.items()} == {
        "overrun": "warning",
        "deadline_missed": "critical",
        "exit_code_failure": "critical",
    }
    assert over == []
    for decision in job.decisions:
        for fact in decision.events:
            for signal in kind(job.beat).signals(READ, fact, at(1)):
                assert isinstance(signal, Raise)
                assert signal.subject.key == "3"
