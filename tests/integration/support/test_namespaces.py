"""Hosts as namespaces: reached, cut, filtered, and gone afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import icmplib
import pytest

from support.nameserver import nameserver
from support.namespaces import FILES, NAMESPACES, Host, Network, network, run
from support.process import Process

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can make network namespaces")


@pytest.fixture(scope="module")
def lan() -> Iterator[Network]:
    with network("ours", "web", "mail") as found:
        found["web"].serve_http(8080, "fine")
        found["mail"].serve_http(8080, "also fine")
        yield found


@pytest.fixture
def web(lan: Network) -> Iterator[Host]:
    yield lan["web"]
    lan["web"].accept()
    lan["web"].mend()


def fetch(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=1) as answer:
        return answer.read().decode()


def test_hosts_are_reached_from_here_and_from_each_other(lan: Network):
    assert fetch(f"http://{lan['web'].address}:8080/") == "fine"
    assert fetch(f"http://[{lan['web'].address6}]:8080/") == "fine"
    assert lan["ours"].run("curl -q -s --noproxy * http://mail:8080/") == "also fine"


def test_nothing_leads_out(lan: Network):
    with pytest.raises(RuntimeError, match=r"unreachable|Couldn't connect"):
        lan["ours"].run("curl -q -S -s -m 2 --noproxy * http://192.0.2.1/")


def test_a_cable_is_pulled_and_put_back(web: Host, lan: Network):
    web.cut()
    with pytest.raises(OSError):  # noqa: PT011 -- no route, or nothing at all
        fetch(f"http://{web.address}:8080/")
    assert fetch(f"http://{lan['mail'].address}:8080/") == "also fine"
    web.mend()
    assert fetch(f"http://{web.address}:8080/") == "fine"


def test_packets_are_swallowed_or_refused(web: Host):
    for address in (web.address, f"[{web.address6}]"):
        web.drop(8080)
        with pytest.raises(OSError, match="timed out"):
            fetch(f"http://{address}:8080/")
        web.accept()
        web.refuse(8080)
        with pytest.raises(OSError, match="refused"):
            fetch(f"http://{address}:8080/")
        web.accept()
        assert fetch(f"http://{address}:8080/") == "fine"


def test_a_host_swallows_everything_or_some(web: Host):
    web.drop()
    assert not icmplib.ping(web.address, count=1, timeout=0.3).is_alive
    web.accept()
    web.lose(0.5)
    assert 2 < icmplib.ping(web.address, count=40, interval=0.01, timeout=0.1).packets_received < 38


def test_a_host_stands_for_another_address(lan: Network):
    lan["mail"].stand_for("192.0.2.80")
    assert lan["ours"].run("curl -q -s --noproxy * http://192.0.2.80:8080/") == "also fine"


async def test_names_are_resolved_by_a_server_of_ours(lan: Network):
    async with nameserver({("elsewhere.test", "A"): ["10.9.8.7"]}, host=lan.here, port=53) as server:
        program = "import socket; print(socket.gethostbyname('elsewhere.test'))"
        process = lan["ours"].start(sys.executable, "-c", program)
        assert await asyncio.to_thread(process.wait, 20) == 0
        assert "10.9.8.7" in (lan.folder / "ours.log").read_text()
        assert server.questions[0].name == "elsewhere.test"


def test_the_program_runs_on_a_host(lan: Network, tmp_path: Path):
    program = Process(tmp_path / "data", host=lan["ours"]).start()
    try:
        assert program.base.startswith(f"http://{lan['ours'].address}:")
        assert program.get("/api/v1/containers")["groups"] == []
    finally:
        assert program.stop() < 10


def test_nothing_is_left():
    with network("one") as lan:
        process = lan["one"].serve_http()
        paths = [lan["one"].path, FILES / lan["one"].namespace]
        assert all(path.exists() for path in paths)
    assert process.returncode is not None
    assert not any(path.exists() for path in paths)
    assert lan.name not in run("ip -br link")


def test_what_a_killed_run_left_is_removed_by_the_next():
    program = (
        "from support.namespaces import network; import time\n"
        "with network('one') as lan: lan['one'].serve_http(); print(lan.name, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as killed:
        assert killed.stdout is not None
        name = killed.stdout.readline().decode().strip()
        with network("two") as other:
            assert other.name != name
            assert (NAMESPACES / f"{name}-one").exists()
            killed.send_signal(signal.SIGKILL)
    servers = run(f"ip netns pids {name}-one").split()
    assert servers
    with network("three"):
        assert not any(_runs(pid) for pid in servers)
    assert list(NAMESPACES.glob(f"{name}-*")) == []


def _runs(pid: str) -> bool:
    try:
        return Path("/proc", pid, "cmdline").read_bytes() != b""  # nothing for the dead that nobody buried
    except OSError:
        return False
