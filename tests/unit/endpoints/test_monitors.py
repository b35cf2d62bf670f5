"""What is remembered of endpoints: it follows what is stored, and no broken one keeps others from being watched."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tocsin.core.clock import to_ms
from tocsin.core.errors import Invalid
from tocsin.endpoints.config import compile_json_path
from tocsin.endpoints.models import (
    AlertState,
    Config,
    Endpoint,
    EndpointSource,
    EndpointStatus,
    EndpointType,
    Standing,
)
from tocsin.endpoints.monitors import Monitors
from tocsin.endpoints.plan import evidence, make_plan
from tocsin.endpoints.totals import BAD, GOOD, Check
from tocsin.probes.base import HttpAnswer, Phases, Result

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
ALERTING = Standing(status=EndpointStatus.DOWN, alert_state=AlertState.ALERTING, consecutive_failures=5)


def endpoint(number: int = 1, generation: int = 1, **more: object) -> Endpoint:
    known = {"source": EndpointSource.STANDALONE, "endpoint_type": EndpointType.HTTP, "target": "http://web.test/"}
    return Endpoint(
        id=number, name="web", generation=generation, first_seen_at=T0, last_seen_at=T0, **{**known, **more}
    )  # type: ignore[arg-type]


def monitors() -> Monitors:
    return Monitors(lambda one: dict(one.config.headers))


def test_a_change_keeps_what_the_checks_have_found():
    known = monitors()
    (monitor,) = known.refresh([1], [endpoint()])
    monitor.standing = ALERTING
    (changed,) = known.refresh([1], [endpoint(generation=2)])
    assert changed is not monitor
    assert changed.standing == ALERTING


def test_what_was_put_aside_in_between_begins_anew():
    """Stopped and started again, seen as one change: the alert is over, so nothing is alerting."""
    known = monitors()
    (monitor,) = known.refresh([1], [endpoint()])
    monitor.standing = ALERTING
    (changed,) = known.refresh([1], [endpoint(generation=3)])
    assert changed.standing == Standing()


def test_one_that_cannot_be_checked_keeps_nobody_else_from_being_watched():
    known = monitors()
    broken = endpoint(2, target="no URL at all")
    assert {one.id for one in known.refresh([1, 2, 3], [endpoint(), broken, endpoint(3)])} == {1, 2, 3}
    monitor = known.find(2)
    assert monitor is not None
    verdict = monitor.plan.judge(Result(), T0)
    assert (verdict.status, "cannot check" in (verdict.error or "")) == (EndpointStatus.UNKNOWN, True)


def test_checks_from_before_a_reset_are_not_counted_again():
    known = monitors()
    (monitor,) = known.refresh([1], [endpoint(standing=Standing(reset_at=T0))])
    for second in (-10, -5, 0, 5):
        monitor.replay(Check(to_ms(T0 + timedelta(seconds=second)), BAD, Phases(1000)))
    assert monitor.standing.consecutive_failures == 1


def test_the_day_is_that_of_the_clock_also_when_it_was_ahead():
    (monitor,) = monitors().refresh([1], [endpoint()])
    ahead = T0 + timedelta(days=30)
    monitor.count(Check(to_ms(ahead), GOOD, Phases(1000)), ahead.date())
    monitor.count(Check(to_ms(T0), BAD, Phases(1000)), T0.date())
    assert (monitor.day, monitor.today.checks, monitor.today.failures) == (T0.date(), 1, 1)


@pytest.mark.parametrize("query", ["$..*..*", "$..[?@..x]", "$[?@..x]", "$..[?@.a]"])
def test_queries_that_take_long_are_refused(query: str):
    with pytest.raises(ValueError, match="takes too long"):
        compile_json_path(query)


def test_what_we_send_is_not_shown_when_a_target_says_it_back():
    one = endpoint(target="http://web.test/?token=abcdef", config=Config(headers={"Authorization": "Bearer s3cret"}))
    plan = make_plan(one, one.config.headers)
    head = b"HTTP/1.1 500 No\r\nX-Echo: Bearer s3cret\r\n"
    answer = HttpAnswer(status=500, head=head, body=b"you sent abcdef and s3cret and token=abcdef")
    result = Result(http=answer)
    shown = str(evidence(plan.judge(result, T0), result, plan.secrets))
    assert "s3cret" not in shown
    assert "abcdef" not in shown
    assert "you sent *** and ***" in shown


@pytest.mark.parametrize("target", ["http://[fe80::1%25eth0]/", "http://[fd00:ec2::254%251]/"])
def test_addresses_with_a_zone_are_refused(target: str):
    with pytest.raises(Invalid):
        make_plan(replace(endpoint(), target=target), {})
