"""The name server, asked by dnspython's resolver."""

import time

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from support.nameserver import EVERY_NAME, NameServer, Question, nameserver

RECORDS = {
    ("web.test", "A"): ["10.0.0.1", "10.0.0.2"],
    ("web.test", "TXT"): ['"v=1 some text"'],
    ("www.test", "CNAME"): ["web.test."],
    ("round.test", "CNAME"): ["round.test."],
    ("web.test", "MX"): ["10 mail.web.test."],
    ("big.test", "A"): [f"10.1.{high}.{low}" for high in range(4) for low in range(100)],
}


def resolver(server: NameServer, lifetime_s: float = 10) -> dns.asyncresolver.Resolver:
    found = dns.asyncresolver.Resolver(configure=False)
    found.nameservers, found.port, found.lifetime = [server.host], server.port, lifetime_s
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_it_answers_what_it_knows(host: str):
    async with nameserver(RECORDS, host=host) as server:
        found = await resolver(server).resolve("web.test", "A")
        assert sorted(map(str, found)) == ["10.0.0.1", "10.0.0.2"]
        assert (await resolver(server).resolve("WEB.test", "MX"))[0].preference == 10
        assert sorted(map(str, await resolver(server).resolve("www.test", "A"))) == ["10.0.0.1", "10.0.0.2"]
        assert server.questions[0] == Question("web.test", "A", "udp")
        with pytest.raises(dns.resolver.NoAnswer):
            await resolver(server).resolve("web.test", "AAAA")
        with pytest.raises(dns.resolver.NXDOMAIN):
            await resolver(server).resolve("other.test", "A")
        server.records["other.test", "A"] = ["10.0.0.3"]
        assert str((await resolver(server).resolve("other.test", "A"))[0]) == "10.0.0.3"


async def test_what_is_too_long_or_cut_comes_over_tcp():
    async with nameserver(RECORDS, moods={"web.test": "truncated"}) as server:
        assert len(await resolver(server).resolve("big.test", "A")) == 400
        assert len(await resolver(server).resolve("web.test", "A")) == 2
        assert [question.transport for question in server.questions] == ["udp", "tcp", "udp", "tcp"]


async def test_its_moods():
    query = dns.message.make_query("web.test", "A")
    async with nameserver(RECORDS) as server:

        async def ask() -> dns.message.Message:
            return await dns.asyncquery.udp(query, server.host, port=server.port, timeout=0.3)

        server.moods[EVERY_NAME] = "servfail"
        assert (await ask()).rcode() == dns.rcode.SERVFAIL
        server.moods["web.test"] = "refused"
        assert (await ask()).rcode() == dns.rcode.REFUSED
        server.moods["web.test"] = "empty"
        assert ((await ask()).rcode(), (await ask()).answer) == (dns.rcode.NOERROR, [])
        server.moods["web.test"] = "silent"
        with pytest.raises(dns.exception.Timeout):
            await ask()
        server.moods["web.test"] = "garbage"
        with pytest.raises(dns.exception.DNSException):
            await ask()
        server.moods["web.test"] = "wrong id"
        with pytest.raises(dns.query.BadResponse):
            await ask()


async def test_it_takes_its_time():
    async with nameserver(RECORDS, delay_s=0.2) as server:
        started = time.monotonic()
        await resolver(server).resolve("web.test", "A")
        assert time.monotonic() - started >= 0.2
        server.delay_s = 0.8
        with pytest.raises(dns.resolver.LifetimeTimeout):
            await resolver(server, 0.5).resolve("web.test", "A")
