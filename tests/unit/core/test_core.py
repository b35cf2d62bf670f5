"""Small things everything stands on: durations, times, egress, limits, supervision, timed work."""

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clock import FakeClock
from tocsin.core.clock import SystemClock, from_ms, to_ms, wire
from tocsin.core.durations import format_duration, parse_duration
from tocsin.core.egress import EgressPolicy, parse_rules
from tocsin.core.errors import RateLimited, TargetForbidden, Unavailable
from tocsin.core.limiter import MOST_BUCKETS, Limiter
from tocsin.core.scheduler import Scheduler
from tocsin.core.secrets import Secret
from tocsin.core.supervision import Supervisor

# --- durations and times ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15), ("1m30s", 90), ("1.5h", 5400), ("500ms", 0.5), ("1h0m0s", 3600), ("-5s", -5), ("+5s", 5),
        ("0", 0), ("0s", 0), (".5s", 0.5), ("1.s", 1), ("1500us", 0.0015), ("1500µs", 0.0015), ("2h45m", 9900),
    ],
)  # fmt: skip
def test_durations_are_read(text: str, seconds: float):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "5 s",
        " 5s",
        "5d",
        "1h 5m",
        "--5s",
        "5sm",
        "1e3s",
        "∞s",
        "٥s",
        "5S",
        "0x5s",
        "1" * 50 + "s",
        "999999999999h",
    ],
)
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_settings_know_days():
    assert parse_duration("7d", days=True) == timedelta(days=7)
    assert parse_duration("1d12h", days=True) == timedelta(hours=36)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(30, "30s"), (60, "1m0s"), (3600, "1h0m0s"), (1.5, "1.5s"), (0.5, "500ms"), (0, "0s"), (-90, "-1m30s")],
)
def test_durations_are_written_as_usual(seconds: float, text: str):
    assert format_duration(timedelta(seconds=seconds)) == text


@given(st.timedeltas(min_value=timedelta(days=-3650), max_value=timedelta(days=3650)))
def test_a_written_duration_reads_as_itself(duration: timedelta):
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_are_exact(milliseconds: int):
    assert to_ms(from_ms(milliseconds)) == milliseconds


def test_times_on_the_wire():
    assert wire(datetime(2026, 11, 23, 11, 14, 34, 120_999, UTC)) == "2026-11-23T11:14:34.120Z"
    assert SystemClock().now().microsecond % 1000 == 0


# --- egress ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True), ("10.1.2.3", True), ("192.168.1.1", True), ("172.16.0.1", True), ("fd12::1", True),
        ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("127.8.8.8", False), ("::1", False), ("0.0.0.0", False),
        ("0.1.2.3", False), ("::", False), ("169.254.169.254", False), ("169.254.1.1", False), ("fe80::1", False),
        ("fd00:ec2::254", False), ("100.100.100.200", False), ("224.0.0.1", False), ("ff02::1", False),
        ("255.255.255.255", False), ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("::ffff:10.0.0.1", True), ("240.0.0.1", False), ("64:ff9b:1::127.0.0.1", False),
        ("64:ff9b:1:7f00:0:100::", False), ("64:ff9b:1:7f:0:1::", False), ("64:ff9b:1:0:7f:0:100::", False),
        ("64:ff9b:1::8.8.8.8", True), ("64:ff9b:1:808:8:800::", True),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False), ("2001:0:7f00:1:8000:63bf:3fff:fdd2", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", True), ("2001:db8::5efe:127.0.0.1", False),
        ("2001:db8::200:5efe:169.254.169.254", False), ("2001:db8::5efe:10.1.2.3", True),
        ("fe80::5efe:10.1.2.3", False),
    ],
)  # fmt: skip
def test_local_addresses_are_refused(address: str, allowed: bool):
    policy = EgressPolicy(parse_rules(""), parse_rules(""))
    if allowed:
        policy.check("host", ipaddress.ip_address(address))
    else:
        with pytest.raises(TargetForbidden):
            policy.check("host", ipaddress.ip_address(address))


def test_lists_decide_and_deny_wins():
    policy = EgressPolicy(parse_rules("127.0.0.0/8, Router.local"), parse_rules("10.0.0.0/8,evil.example,127.0.0.9"))
    policy.check("x", ipaddress.ip_address("127.0.0.1"))
    policy.check("router.local.", ipaddress.ip_address("169.254.1.1"))
    for host, address in (("x", "10.1.1.1"), ("EVIL.example", "93.184.216.34"), ("x", "127.0.0.9")):
        with pytest.raises(TargetForbidden):
            policy.check(host, ipaddress.ip_address(address))


async def test_only_allowed_addresses_of_a_name_remain():
    policy = EgressPolicy(parse_rules(""), parse_rules(""))
    kept = policy.filter("x", [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("10.0.0.1")])
    assert kept == [ipaddress.ip_address("10.0.0.1")]
    with pytest.raises(TargetForbidden):
        await policy.resolve("localhost", 80)
    with pytest.raises(Unavailable):
        await policy.resolve("no-such-name.invalid", 80)


# --- limits and secrets ----------------------------------------------------------------------------------------------


async def test_tokens_come_back_with_time():
    clock = FakeClock()
    limiter = Limiter(clock, burst=3, seconds_each=10)
    for _ in range(3):
        limiter.spend("a")
    with pytest.raises(RateLimited) as caught:
        limiter.spend("a")
    assert caught.value.retry_after_seconds >= 10
    limiter.spend("b")
    await clock.advance(10)
    limiter.spend("a")
    limiter.forgive("a")
    for _ in range(3):
        limiter.spend("a")


def test_buckets_are_bounded():
    limiter = Limiter(FakeClock(), burst=1, seconds_each=1)
    for number in range(MOST_BUCKETS + 100):
        limiter.spend(str(number))
    assert len(limiter._buckets) == MOST_BUCKETS


def test_a_secret_is_not_seen():
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.equals("hunter2")
    assert not secret.equals("hunter3")


# --- supervision and timed work --------------------------------------------------------------------------------------


async def test_a_task_that_dies_comes_back_later_and_later():
    clock = FakeClock()
    supervisor, deaths = Supervisor(clock), 0

    async def dies() -> None:
        nonlocal deaths
        deaths += 1
        raise Unavailable("gone") if deaths % 2 else ValueError("a bug")

    supervisor.start("mortal", dies)
    for pause in (0, 1, 2, 4, 8, 16, 30, 30):
        await clock.advance(pause)
    assert deaths == 8
    assert supervisor.health["mortal"].restarts == 8
    assert supervisor.health["mortal"].waiting
    await supervisor.stop()


async def scheduled(scheduler: Scheduler) -> "asyncio.Task[None]":
    task = asyncio.create_task(scheduler.run())
    await asyncio.sleep(0)
    return task


async def test_jobs_run_when_due_in_order_and_keys_can_be_moved():
    scheduler, ran = Scheduler(SystemClock()), []

    def job(name: str):
        async def run() -> None:
            ran.append(name)

        return run

    running = await scheduled(scheduler)
    scheduler.once("late", 0.06, job("late"))
    scheduler.once("early", 0.02, job("early"))
    scheduler.once("moved", 0.01, job("never"))
    scheduler.once("moved", 0.04, job("moved"))
    scheduler.once("cancelled", 0.01, job("never"))
    scheduler.cancel("cancelled")
    await asyncio.sleep(0.15)
    assert ran == ["early", "moved", "late"]
    assert len(scheduler) == 0
    running.cancel()


async def test_a_job_never_overlaps_itself_and_a_bad_one_harms_nobody():
    scheduler, at_once, most, good = Scheduler(SystemClock()), 0, 0, 0

    async def slow() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.03)
        at_once -= 1

    async def bad() -> None:
        raise ValueError("a bug")

    async def fine() -> None:
        nonlocal good
        good += 1

    running = await scheduled(scheduler)
    scheduler.every("slow", timedelta(milliseconds=5), slow, first_in_s=0)
    scheduler.every("bad", timedelta(milliseconds=5), bad, first_in_s=0)
    scheduler.every("fine", timedelta(milliseconds=5), fine, first_in_s=0)
    scheduler.once("endless", 0, lambda: asyncio.sleep(60), timeout_s=0.02)
    await asyncio.sleep(0.2)
    assert most == 1
    assert good > 3
    assert scheduler.stats.failures > 3
    running.cancel()
    await scheduler.stop()
