"""DNS checks against a name server in every mood."""

import asyncio
import socket
from pathlib import Path
from time import monotonic

import pytest

from integration.probes.conftest import GRACE_S, TIMEOUT_S, Lab
from support.nameserver import EVERY_NAME, Mood, NameServer, nameserver
from support.targets import LOOPBACK4, LOOPBACK6, refusing_port
from tocsin.probes import dns as module
from tocsin.probes.base import Cause, Result
from tocsin.probes.dns import MOST_ANSWERS, DnsSpec

RECORDS = {
    ("web.test", "A"): ["192.0.2.1", "192.0.2.2"],
    ("web.test", "AAAA"): ["2001:db8::1"],
    ("web.test", "TXT"): ['"v=spf1 -all"', '"two"'],
    ("web.test", "MX"): ["10 mail.test."],
    ("alias.test", "CNAME"): ["web.test."],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["web.test."],
    ("many.test", "A"): [f"192.0.2.{number}" for number in range(200)],
}


async def ask(lab: Lab, server: NameServer, name: str, record_type: str = "A") -> Result:
    async with asyncio.timeout(TIMEOUT_S + GRACE_S):
        return await lab.dns.probe(DnsSpec(name, record_type, (server.host, server.port)), TIMEOUT_S)


@pytest.mark.parametrize(
    ("name", "record_type", "answers"),
    [
        ("web.test", "A", ("192.0.2.1", "192.0.2.2")),
        ("WEB.test", "AAAA", ("2001:db8::1",)),
        ("web.test", "TXT", ('"v=spf1 -all"', '"two"')),
        ("web.test", "MX", ("10 mail.test.",)),
        ("web.test", "NS", ()),
        ("alias.test", "A", ("192.0.2.1", "192.0.2.2")),
        ("alias.test", "CNAME", ("web.test.",)),
        ("192.0.2.1", "PTR", ("web.test.",)),
        ("1.2.0.192.in-addr.arpa", "PTR", ("web.test.",)),
    ],
)
@pytest.mark.parametrize("host", [LOOPBACK4, LOOPBACK6])
async def test_answers_are_told(lab: Lab, host: str, name: str, record_type: str, answers: tuple[str, ...]):
    async with nameserver(RECORDS, host=host) as server:
        result = await ask(lab, server, name, record_type)
    assert (result.cause, result.error, set(result.answers)) == (None, None, set(answers))
    assert (result.address, result.phases.total > 0) == (host, True)


async def test_what_does_not_fit_is_asked_for_over_tcp_and_cut(lab: Lab):
    async with nameserver(RECORDS) as server:
        result = await ask(lab, server, "many.test")
        assert [one.transport for one in server.questions] == ["udp", "tcp"]
    assert (result.cause, len(result.answers)) == (None, MOST_ANSWERS)


@pytest.mark.parametrize(
    ("mood", "cause", "words"),
    [
        ("silent", Cause.TIMEOUT_CONNECT, "name server 127.0.0.1 does not answer"),
        ("servfail", Cause.NAME, "name server 127.0.0.1 says SERVFAIL"),
        ("refused", Cause.NAME, "name server 127.0.0.1 says REFUSED"),
        ("garbage", Cause.PROTOCOL, "the answer of 127.0.0.1 is not DNS"),
        ("wrong id", Cause.PROTOCOL, "the answer of 127.0.0.1 is not DNS"),
        ("truncated", None, None),
        ("empty", None, None),
    ],
)
async def test_moods(lab: Lab, mood: Mood, cause: Cause | None, words: str | None):
    async with nameserver(RECORDS, moods={EVERY_NAME: mood}) as server:
        result = await ask(lab, server, "web.test")
    assert (result.cause, result.error) == (cause, words)
    assert len(result.answers) == (2 if mood == "truncated" else 0)


async def test_a_name_that_does_not_exist(lab: Lab):
    async with nameserver(RECORDS) as server:
        result = await ask(lab, server, "nobody.test")
    assert (result.cause, result.error) == (Cause.NAME, "name server 127.0.0.1 says NXDOMAIN")


async def test_a_late_answer_is_none(lab: Lab):
    async with nameserver(RECORDS, delay_s=TIMEOUT_S + 1) as server:
        result = await ask(lab, server, "web.test")
    assert (result.cause, result.error) == (Cause.TIMEOUT_CONNECT, "name server 127.0.0.1 does not answer")


async def test_nobody_is_there(lab: Lab):
    with refusing_port() as port:
        started = monotonic()
        result = await lab.dns.probe(DnsSpec("web.test", "A", (LOOPBACK4, port)), TIMEOUT_S)
    assert result.cause in {Cause.REFUSED, Cause.TIMEOUT_CONNECT}
    assert monotonic() - started < TIMEOUT_S + GRACE_S


async def test_the_name_of_the_name_server_is_looked_up_and_checked(lab: Lab):
    async with nameserver(RECORDS) as server:
        lab.book |= {"ns.test": [LOOPBACK4], "evil.test": ["169.254.169.254"]}
        found = await lab.dns.probe(DnsSpec("web.test", "A", ("ns.test", server.port)), TIMEOUT_S)
        refused = await lab.dns.probe(DnsSpec("web.test", "A", ("evil.test", server.port)), TIMEOUT_S)
    assert (found.cause, refused.cause) == (None, Cause.FORBIDDEN)


async def test_the_name_of_the_name_server_leads_nowhere(lab: Lab):
    lab.book["ns.test"] = socket.gaierror(socket.EAI_AGAIN, "?")
    result = await lab.dns.probe(DnsSpec("web.test", "A", ("ns.test", 53)), TIMEOUT_S)
    assert result.cause is Cause.RESOLVER


# --- the system's own name servers -----------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that names them; each is reached at the port that stands behind its address."""
    path = tmp_path / "resolv.conf"
    monkeypatch.setattr(module, "RESOLV_CONF", path)
    return path


async def test_what_the_file_says(own: Path):
    own.write_text(
        "# nameserver 192.0.2.9\nsearch test\nnameserver 192.0.2.1\n\nnameserver\t2001:db8::1\noptions rotate\n"
        "nameserver\n"
    )
    assert await module.system_resolvers() == [("192.0.2.1", 53), ("2001:db8::1", 53)]


@pytest.mark.parametrize("text", ["", "search test\n"])
async def test_without_any_it_is_this_machine(own: Path, text: str):
    own.write_text(text)
    assert await module.system_resolvers() == [("127.0.0.1", 53)]


async def test_without_a_file_it_is_this_machine(own: Path):
    assert await module.system_resolvers() == [("127.0.0.1", 53)]


async def ask_own(lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, *servers: NameServer) -> Result:
    async def these() -> list[tuple[str, int]]:
        return [(server.host, server.port) for server in servers]

    monkeypatch.setattr(module, "system_resolvers", these)
    async with asyncio.timeout(TIMEOUT_S + GRACE_S):
        return await lab.dns.probe(DnsSpec(name), TIMEOUT_S)


async def test_our_own_silent_name_server_is_told_apart(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    async with nameserver(RECORDS, moods={EVERY_NAME: "silent"}) as server:
        for _ in range(3):
            result = await ask_own(lab, monkeypatch, "web.test", server)
            assert (result.cause, result.error) == (Cause.RESOLVER, "name server 127.0.0.1 does not answer")


@pytest.mark.parametrize("mood", ["servfail", "refused"])
async def test_our_own_name_server_that_cannot_say_is_told_apart(lab: Lab, monkeypatch: pytest.MonkeyPatch, mood: Mood):
    async with nameserver(RECORDS, moods={EVERY_NAME: mood}) as server:
        result = await ask_own(lab, monkeypatch, "web.test", server)
    assert (result.cause, result.error) == (Cause.RESOLVER, f"name server 127.0.0.1 says {mood.upper()}")


@pytest.mark.parametrize("mood", ["silent", "servfail", "refused", "garbage"])
async def test_when_the_first_of_ours_is_dead_the_next_is_asked(lab: Lab, monkeypatch: pytest.MonkeyPatch, mood: Mood):
    async with nameserver(RECORDS, moods={EVERY_NAME: mood}) as dead, nameserver(RECORDS) as alive:
        result = await ask_own(lab, monkeypatch, "web.test", dead, alive)
    assert (result.cause, set(result.answers)) == (None, {"192.0.2.1", "192.0.2.2"})


async def test_our_own_name_server_that_is_not_there_is_told_apart(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    with refusing_port() as port:
        result = await ask_own(lab, monkeypatch, "web.test", NameServer({}, port=port))
    assert result.cause is Cause.RESOLVER


async def test_who_is_cancelled_stops_asking(lab: Lab):
    async with nameserver(RECORDS, moods={EVERY_NAME: "silent"}) as server:
        asking = asyncio.create_task(lab.dns.probe(DnsSpec("web.test", "A", (server.host, server.port)), 30))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
