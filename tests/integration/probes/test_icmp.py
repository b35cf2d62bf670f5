"""Pings, to this machine and to hosts in namespaces."""

import asyncio
import os
import socket

import pytest

from integration.probes.conftest import GRACE_S, TIMEOUT_S, Lab
from support.namespaces import network
from tocsin.probes.base import Cause, Result
from tocsin.probes.icmp import IcmpSpec


async def ping(lab: Lab, host: str) -> Result:
    async with asyncio.timeout(TIMEOUT_S + GRACE_S):
        return await lab.icmp.probe(IcmpSpec(host), TIMEOUT_S)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can make network namespaces")


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("web.test", "127.0.0.1")])
async def test_an_echo_comes_back(lab: Lab, host: str, address: str):
    lab.book["web.test"] = ["127.0.0.1"]
    result = await ping(lab, host)
    assert (result.cause, result.error, result.address) == (None, None, address)
    assert result.phases.total > 0
    assert result.phases.dns is not None


async def test_many_at_once_do_not_take_each_others_echoes(lab: Lab):
    hosts = [f"127.0.1.{number}" for number in range(1, 51)]
    results = await asyncio.gather(*(ping(lab, host) for host in hosts))
    assert [(result.cause, result.address) for result in results] == [(None, host) for host in hosts]


@as_root
async def test_who_is_silent_gone_or_nowhere(lab: Lab):
    with network("web") as lan:
        host = lan["web"]
        assert (await ping(lab, host.address)).cause is None
        assert (await ping(lab, host.address6)).cause is None
        host.drop()
        silent = await ping(lab, host.address)
        assert (silent.cause, silent.error) == (Cause.TIMEOUT_CONNECT, f"{host.address} does not answer a ping")
        host.accept()
        host.cut()
        assert (await ping(lab, host.address)).cause in {Cause.TIMEOUT_CONNECT, Cause.UNREACHABLE}
        host.mend()
        assert (await ping(lab, host.address)).cause is None


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "::ffff:169.254.169.254"])
async def test_a_forbidden_address(lab: Lab, host: str):
    assert (await ping(lab, host)).cause is Cause.FORBIDDEN


async def test_a_name_that_leads_nowhere(lab: Lab):
    lab.book |= {
        "gone.test": socket.gaierror(socket.EAI_NONAME, "?"),
        "silent.test": socket.gaierror(socket.EAI_AGAIN, "?"),
    }
    assert [(await ping(lab, host)).cause for host in ("gone.test", "silent.test")] == [Cause.NAME, Cause.RESOLVER]


@as_root
async def test_who_is_cancelled_stops(lab: Lab):
    with network("web") as lan:
        lan["web"].drop()
        asking = asyncio.create_task(lab.icmp.probe(IcmpSpec(lan["web"].address), 30))
        await asyncio.sleep(0.2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
