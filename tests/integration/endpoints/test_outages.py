"""Is it them, or is it us? The program in a network of its own, in which all kinds of things break."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.journal import Journal
from support.long import long
from support.nameserver import EVERY_NAME, Mood, NameServer, nameserver
from support.namespaces import FILES, Network, network
from support.process import Process
from support.program import until

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can make network namespaces"),
    pytest.mark.timeout(240),
]
HOSTS = ("web", "mail", "db")
SOAK_S = 7.0
"""More than one interval: whatever is wrongly judged is judged by then."""
PATIENCE_S = 75.0
LOCAL_LOST = ("fired", "connectivity_lost", "local")
LOCAL_BACK = ("resolved", "connectivity_lost", "local")
DNS_LOST = ("fired", "connectivity_lost", "dns")
DNS_BACK = ("resolved", "connectivity_lost", "dns")


@pytest.fixture(scope="module")
def lan() -> Iterator[Network]:
    with network("ours", *HOSTS) as found:
        for name in HOSTS:
            found[name].serve_http(8080, "fine")
            found[name].serve_http(9090, "also fine")
        resolv = f"nameserver {found.here}\noptions timeout:1 attempts:1\n"
        (FILES / found["ours"].namespace / "resolv.conf").write_text(resolv)
        yield found


@pytest.fixture(autouse=True)
def _mended(lan: Network) -> Iterator[None]:
    yield
    for host in lan.hosts.values():
        host.accept()
        host.mend()


@dataclass
class Watch:
    """The program on the host `ours`, and what it watches. `mark` is where the journal was when the trouble began."""

    process: Process
    names: dict[int, str] = field(default_factory=dict)
    mark: int = 0

    @property
    def journal(self) -> Journal:
        return Journal(self.process.data_dir, self.names)

    async def add(self, name: str, endpoint_type: str, target: str, **options: Any) -> None:
        body = {"interval": "5s", "timeout": "1s", "failure_threshold": 2, **options}
        body |= {"name": name, "endpoint_type": endpoint_type, "target": target}
        made = await asyncio.to_thread(self.process.post, "/api/v1/endpoints", body)
        self.names[made["endpoint"]["id"]] = name

    async def stand(self, wanted: Callable[[dict[str, str]], bool], timeout_s: float = PATIENCE_S) -> None:
        """Wait until that is true of the statuses by name."""
        await self._until(self.journal.statuses, wanted, timeout_s)

    async def told(self, *wanted: tuple[str, str, str]) -> None:
        """Wait until exactly that was told of alerts since the mark."""
        await self._until(lambda: self.journal.alerts(self.mark), lambda found: found == [*wanted], PATIENCE_S)

    async def _until(self, read: Callable[[], Any], wanted: Callable[[Any], bool], timeout_s: float) -> None:
        async def look() -> Any:
            await asyncio.sleep(0.2)
            return await asyncio.to_thread(read)

        await until(look, wanted, timeout_s)

    def begin(self) -> None:
        """The trouble begins now."""
        self.mark = self.journal.last_id

    def judged_since(self) -> set[str]:
        """Return the statuses that were given to anybody since the mark."""
        return {status for _, status, _ in self.journal.changes(self.mark)}

    def judged_down(self) -> set[str]:
        return {name for name, status, _ in self.journal.changes(self.mark) if status == "down"}

    async def restart(self) -> None:
        self.process.kill()
        await asyncio.to_thread(self.process.start, wait=False)
        await asyncio.sleep(3)


def all_are(status: str) -> Callable[[dict[str, str]], bool]:
    return lambda found: set(found.values()) == {status}


@pytest.fixture
async def watch(lan: Network, tmp_path: Path) -> AsyncIterator[Watch]:
    process = Process(tmp_path / "data", host=lan["ours"])
    await asyncio.to_thread(process.start)
    try:
        yield Watch(process)
        assert "Traceback" not in process.log
    finally:
        process.kill()


async def several(watch: Watch, lan: Network) -> None:
    """Watch all hosts by address, in every way."""
    for name in HOSTS:
        address, address6 = lan[name].address, lan[name].address6
        await watch.add(f"{name} page", "http", f"http://{address}:8080/")
        await watch.add(f"{name} other page", "http", f"http://[{address6}]:9090/")
        await watch.add(f"{name} port", "tcp", f"{address}:8080")
        await watch.add(f"{name} ping", "icmp", address)
    await watch.stand(all_are("up"))
    watch.begin()


@asynccontextmanager
async def names_of(lan: Network) -> AsyncIterator[NameServer]:
    """A name server on our side of the switch. `broken.test` it cannot tell."""
    records = {(f"{name}.test", "A"): [lan[name].address] for name in HOSTS}
    async with nameserver(records, host=lan.here, port=53) as server:
        server.moods["broken.test"] = "servfail"
        yield server


async def several_by_name(watch: Watch) -> None:
    for name in HOSTS:
        await watch.add(f"{name} page", "http", f"http://{name}.test:8080/")
        await watch.add(f"{name} port", "tcp", f"{name}.test:9090")
    await watch.stand(all_are("up"))
    watch.begin()


# --- (a) everything is cut -------------------------------------------------------------------------------------------


def pull(lan: Network) -> None:
    lan["ours"].cut()


def swallow(lan: Network) -> None:
    for program in ("iptables", "ip6tables"):
        lan["ours"].run(f"{program} -w -A INPUT -i eth0 -j DROP")


def mend(lan: Network) -> None:
    lan["ours"].accept()
    lan["ours"].mend()


Break = Callable[[Network], None]


@pytest.mark.parametrize("trouble", [pull, pytest.param(swallow, marks=long)])
async def test_when_nothing_can_be_reached_nobody_is_judged_and_one_alert_tells_of_it(
    watch: Watch, lan: Network, trouble: Break
):
    await several(watch, lan)

    trouble(lan)
    await watch.stand(all_are("unknown"))
    await asyncio.sleep(SOAK_S)
    assert watch.judged_since() == {"unknown"}
    await watch.told(LOCAL_LOST)

    mend(lan)
    await watch.stand(all_are("up"))
    await watch.told(LOCAL_LOST, LOCAL_BACK)
    await asyncio.sleep(SOAK_S)
    assert watch.judged_since() == {"unknown", "up"}
    await watch.told(LOCAL_LOST, LOCAL_BACK)
    alert = watch.journal.events("alert.fired", watch.mark)[0]
    assert (alert["source"], alert["severity"]) == ("system", "critical")


@long
async def test_a_cut_network_is_told_once_though_names_cannot_be_looked_up_either(watch: Watch, lan: Network):
    async with names_of(lan):
        await several_by_name(watch)
        pull(lan)
        await watch.stand(all_are("unknown"))
        await asyncio.sleep(35)  # every name is forgotten and asked for again
        assert watch.judged_since() == {"unknown"}
        await watch.told(LOCAL_LOST)

        mend(lan)
        await watch.stand(all_are("up"))
        await watch.told(LOCAL_LOST, LOCAL_BACK)


async def test_a_restart_while_the_network_is_cut_rings_nothing(watch: Watch, lan: Network):
    await several(watch, lan)
    pull(lan)
    await watch.stand(all_are("unknown"))
    await watch.restart()
    await asyncio.sleep(2 * SOAK_S)
    assert watch.judged_since() == {"unknown"}

    mend(lan)
    await watch.stand(all_are("up"))
    await asyncio.sleep(SOAK_S)
    assert watch.judged_since() == {"unknown", "up"}
    told = watch.journal.alerts(watch.mark)
    assert {one[1:] for one in told} == {LOCAL_LOST[1:]}
    assert told[-1] == LOCAL_BACK


@long
async def test_a_start_while_the_network_is_cut_rings_nothing(watch: Watch, lan: Network):
    await several(watch, lan)
    watch.process.kill()
    pull(lan)
    await watch.restart()
    await watch.stand(all_are("unknown"))
    await asyncio.sleep(SOAK_S)
    assert watch.judged_since() == {"unknown"}
    await watch.told(LOCAL_LOST)
    mend(lan)
    await watch.stand(all_are("up"))


@long
async def test_when_nothing_is_watched_any_more_nothing_is_said_to_be_lost(watch: Watch, lan: Network):
    for name in HOSTS:
        await watch.add(f"{name} port", "tcp", f"{lan[name].address}:8080")
    await watch.stand(all_are("up"))
    watch.begin()
    for name in HOSTS:
        lan[name].drop()
    await watch.stand(all_are("unknown"))
    await watch.told(LOCAL_LOST)
    watch.process.kill()
    await asyncio.to_thread(watch.process.start)  # what was asked before is forgotten
    await asyncio.sleep(SOAK_S)
    for endpoint_id in watch.names:
        await asyncio.to_thread(watch.process.delete, f"/api/v1/endpoints/{endpoint_id}")
    await watch._until(lambda: watch.journal.alerts(watch.mark)[-1], lambda last: last == LOCAL_BACK, 30)


@long
async def test_without_the_internet_what_is_near_is_still_judged(watch: Watch, lan: Network):
    """`web` and `mail` stand for addresses far away, `db` and the name server are near."""
    lan["web"].stand_for("1.1.1.1")
    lan["mail"].stand_for("9.9.9.9")
    async with names_of(lan) as server:
        server.records["far.test", "A"] = ["1.1.1.1"]
        await watch.add("far one", "http", "http://1.1.1.1:8080/")
        await watch.add("far two", "tcp", "9.9.9.9:8080")
        await watch.add("far ping", "icmp", "9.9.9.9")
        await watch.add("near page", "http", f"http://{lan['db'].address}:8080/")
        await watch.add("near port", "tcp", f"{lan['db'].address}:9090")
        await watch.add("near name", "dns", "far.test")
        await watch.stand(all_are("up"))
        watch.begin()

        lan["web"].drop()
        lan["mail"].drop()
        await watch.stand(lambda found: {name for name, status in found.items() if status != "up"} >= {"far one"})
        await asyncio.sleep(2 * SOAK_S)
        lost = ("fired", "connectivity_lost", "internet")
        assert watch.judged_since() == {"unknown"}
        assert {name for name, _, _ in watch.journal.changes(watch.mark)} == {"far one", "far two", "far ping"}
        await watch.told(lost)

        lan["db"].refuse(9090)
        await watch.told(lost, ("fired", "consecutive_failure", "near port"))
        lan["db"].accept()
        lan["web"].accept()
        lan["mail"].accept()
        await watch.stand(all_are("up"))


# --- (b) one host is down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", pytest.param("drop", marks=long)])
async def test_one_host_among_several_rings_and_the_others_do_not(watch: Watch, lan: Network, how: str):
    await several(watch, lan)
    if how == "cut":
        lan["mail"].cut()
    else:
        lan["mail"].drop()
    mine = {f"mail {part}" for part in ("page", "other page", "port", "ping")}
    ringing = {("fired", "consecutive_failure", name) for name in mine}

    await watch.stand(lambda found: {name for name, status in found.items() if status == "down"} == mine)
    await watch._until(lambda: set(watch.journal.alerts(watch.mark)), lambda found: found == ringing, PATIENCE_S)
    await asyncio.sleep(SOAK_S)
    assert len(watch.journal.alerts(watch.mark)) == len(mine)
    assert watch.judged_down() == mine

    lan["mail"].mend()
    lan["mail"].accept()
    await watch.stand(all_are("up"))
    ended = {("resolved", "consecutive_failure", name) for name in mine}
    await watch._until(lambda: set(watch.journal.alerts(watch.mark)), lambda found: found == ringing | ended, 20)


@long
async def test_many_endpoints_of_one_silent_host_are_all_judged_and_keep_nobody_else(watch: Watch, lan: Network):
    many = {f"mail {number}" for number in range(40)}
    for name in many:
        await watch.add(name, "tcp", f"{lan['mail'].address}:8080", interval="10s", timeout="2s")
    for name in ("web", "db"):
        await watch.add(name, "http", f"http://{lan[name].address}:8080/")
    await watch.stand(all_are("up"))
    watch.begin()
    lan["mail"].drop()
    await watch.stand(lambda found: {name for name, status in found.items() if status == "down"} == many, 120)
    assert {event for event, kind, _ in watch.journal.alerts(watch.mark) if kind == "connectivity_lost"} == set()
    checks = watch.journal.checks()
    assert min(len(checks[name]) for name in ("web", "db")) >= 2


@long
async def test_many_names_of_one_machine_are_one_witness(watch: Watch, lan: Network):
    """Most of what is watched is on `mail`: when that goes, it is not the network."""
    async with names_of(lan) as server:
        mine = {f"site {number}" for number in range(12)}
        for name in mine:
            host = f"{name.replace(' ', '-')}.test"
            server.records[host, "A"] = [lan["mail"].address]
            await watch.add(name, "http", f"http://{host}:8080/")
        await watch.add("web page", "http", "http://web.test:8080/")
        await watch.stand(all_are("up"))
        watch.begin()

        lan["mail"].drop()
        await watch.stand(lambda found: {name for name, status in found.items() if status == "down"} == mine)
        assert "unknown" not in watch.judged_since()
        assert {kind for _, kind, _ in watch.journal.alerts(watch.mark)} <= {"consecutive_failure"}


# --- (c, d) names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", ["servfail", *(pytest.param(mood, marks=long) for mood in ("silent", "refused"))])
async def test_when_names_cannot_be_looked_up_any_more_old_answers_do_and_one_alert_tells_of_it(
    watch: Watch, lan: Network, mood: Mood
):
    async with names_of(lan) as server:
        await several_by_name(watch)
        server.moods[EVERY_NAME] = mood
        await watch.told(DNS_LOST)
        await asyncio.sleep(SOAK_S)
        assert watch.judged_since() == set()

        del server.moods[EVERY_NAME]
        await watch.told(DNS_LOST, DNS_BACK)
        assert watch.journal.statuses() == dict.fromkeys(watch.names.values(), "up")


@pytest.mark.parametrize("mood", ["silent", "servfail"])
@long
async def test_a_restart_while_names_cannot_be_looked_up_rings_nothing_but_that(watch: Watch, lan: Network, mood: Mood):
    async with names_of(lan) as server:
        await several_by_name(watch)
        server.moods[EVERY_NAME] = mood
        await watch.restart()
        await watch.stand(all_are("unknown"))
        await asyncio.sleep(SOAK_S)
        assert watch.judged_since() == {"unknown"}
        await watch.told(DNS_LOST)

        del server.moods[EVERY_NAME]
        await watch.stand(all_are("up"))
        await watch.told(DNS_LOST, DNS_BACK)


async def test_one_name_that_nobody_can_tell_is_down_while_others_are_looked_up(watch: Watch, lan: Network):
    async with names_of(lan):
        await several_by_name(watch)
        await watch.add("broken", "http", "http://broken.test:8080/")
        await watch.add("gone", "http", "http://gone.test:8080/")
        await watch.stand(lambda found: found["broken"] == found["gone"] == "down")
        await asyncio.sleep(2 * SOAK_S)
        assert watch.judged_down() == {"broken", "gone"}
        assert set(watch.journal.alerts(watch.mark)) == {
            ("fired", "consecutive_failure", "broken"),
            ("fired", "consecutive_failure", "gone"),
        }


@long
async def test_many_names_that_nobody_tells_do_not_keep_others_from_being_looked_up(watch: Watch, lan: Network):
    """More silent names than there are threads to ask: right after a start no old answer is there to help."""
    resolv = FILES / lan["ours"].namespace / "resolv.conf"
    quick, patient = resolv.read_text(), f"nameserver {lan.here}\n"
    async with names_of(lan) as server:
        for number in range(40):
            server.moods[f"silent-{number}.test"] = "silent"
            await watch.add(f"silent {number}", "http", f"http://silent-{number}.test:8080/", timeout="2s")
        await several_by_name_beside(watch)
        watch.begin()
        resolv.write_text(patient)
        await watch.restart()
        await asyncio.sleep(4 * SOAK_S)
        resolv.write_text(quick)
        assert not {name for name in watch.judged_down() if not name.startswith("silent")}
        assert not {one for one in watch.journal.alerts(watch.mark) if one[1] == "connectivity_lost"}


async def several_by_name_beside(watch: Watch) -> None:
    for name in HOSTS:
        await watch.add(f"{name} page", "http", f"http://{name}.test:8080/")
    await watch.stand(lambda found: all(found[f"{name} page"] == "up" for name in HOSTS))


# --- (e) no way there ------------------------------------------------------------------------------------------------


@long
async def test_without_a_way_to_one_target_nothing_is_known_of_that_one(watch: Watch, lan: Network):
    lan["db"].stand_for("10.98.0.7")
    await several(watch, lan)
    await watch.add("beyond", "http", "http://10.98.0.7:8080/")
    await watch.stand(all_are("up"))
    watch.begin()

    lan["ours"].run("ip route del 10.98.0.7/32")
    await watch.stand(lambda found: found["beyond"] == "unknown")
    await asyncio.sleep(2 * SOAK_S)
    assert watch.journal.changes(watch.mark) == [("beyond", "unknown", "no route to 10.98.0.7:8080")]
    assert watch.journal.alerts(watch.mark) == []

    lan["ours"].run(f"ip route add 10.98.0.7/32 via {lan['db'].address}")
    await watch.stand(all_are("up"))
