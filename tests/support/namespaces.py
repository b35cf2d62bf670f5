"""Hosts of our own: network namespaces on one switch, whose cables can be pulled and whose firewalls can be set.

    with network("ours", "web") as lan:
        lan["web"].serve_http(8080, "fine")             # reached from here, and from every host, at lan["web"].address
        lan["web"].cut()

The switch is a namespace as well, so no firewall of this machine is in the way, and nothing leads out.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

NAMESPACES = Path("/run/netns")
FILES = Path("/etc/netns")  # what `ip netns exec` puts over /etc
SWITCH = "switch"


@dataclass
class Host:
    """One namespace. Its name leads to its address for programs in every other one."""

    name: str
    namespace: str
    address: str
    address6: str
    network: "Network"

    @property
    def inside(self) -> tuple[str, ...]:
        """What comes before a command to run it there: the process stays the same, so signals reach it."""
        return ("ip", "netns", "exec", self.namespace)

    @property
    def path(self) -> Path:
        return NAMESPACES / self.namespace

    def run(self, command: str) -> str:
        return run(f"{' '.join(self.inside)} {command}")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Run something there until the end of the network."""
        with (self.network.folder / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen([*self.inside, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.network.processes.append(process)
        return process

    def serve_http(self, port: int = 80, body: str = "ok") -> subprocess.Popen[bytes]:
        """Answer GET / with that text, on both families, as soon as this returns."""
        pages = self.network.folder / f"{self.name}-{port}"
        pages.mkdir(exist_ok=True)
        (pages / "index.html").write_text(body)
        process = self.start("busybox", "httpd", "-f", "-p", str(port), "-h", str(pages))
        deadline = time.monotonic() + 10
        while f":{port} " not in self.run("ss -Hltn"):
            assert process.poll() is None, (self.network.folder / f"{self.name}.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process

    def cut(self) -> None:
        """Pull the cable."""
        run(f"ip -n {self.network.namespace_of(SWITCH)} link set p-{self.name} down")

    def mend(self) -> None:
        run(f"ip -n {self.network.namespace_of(SWITCH)} link set p-{self.name} up")

    def drop(self, port: int | None = None) -> None:
        """Swallow what comes in, for one TCP port or altogether: whoever asks waits in vain."""
        self._filter(_tcp(port), "DROP")

    def refuse(self, port: int) -> None:
        """Answer connections to a port with a reset, though somebody listens."""
        self._filter(_tcp(port), "REJECT --reject-with tcp-reset")

    def lose(self, share: float) -> None:
        """Swallow some packets that come in, at random."""
        self._filter(f"-m statistic --mode random --probability {share}", "DROP")

    def accept(self) -> None:
        """Forget `drop`, `refuse` and `lose`."""
        for program in ("iptables", "ip6tables"):
            self.run(f"{program} -w -F INPUT")

    def stand_for(self, address: str) -> None:
        """Be reached by the other hosts, not from here, at another address too: a well-known one, say."""
        self.run(f"ip addr add {address}/32 dev lo")
        for other in self.network.hosts.values():
            if other is not self:
                other.run(f"ip route add {address}/32 via {self.address}")

    def resolve_by(self, *servers: str) -> None:
        """Programs started there from now on ask these name servers, on port 53."""
        (FILES / self.namespace / "resolv.conf").write_text("".join(f"nameserver {server}\n" for server in servers))

    def _filter(self, which: str, what: str) -> None:
        for program in ("iptables", "ip6tables"):
            self.run(f"{program} -w -A INPUT {which} -j {what}")


@dataclass
class Network:
    """The hosts by name. `here` is this machine's own address in it."""

    number: int
    hosts: dict[str, Host] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    @property
    def name(self) -> str:
        return f"tocsin-lan{self.number}"

    @property
    def folder(self) -> Path:
        """Of what hosts serve and say."""
        return Path(tempfile.gettempdir(), self.name)

    @property
    def here(self) -> str:
        return f"10.99.{self.number}.1"

    @property
    def here6(self) -> str:
        return f"fd99:{self.number}::1"

    def namespace_of(self, name: str) -> str:
        return f"{self.name}-{name}"

    def build(self, *names: str) -> None:
        self.folder.mkdir()
        switch = self.namespace_of(SWITCH)
        run(f"ip netns add {switch}")
        run(f"ip -n {switch} link add bridge type bridge forward_delay 0")
        run(f"ip -n {switch} link set bridge up")
        run(f"ip link add {self.name} type veth peer name here netns {switch}")
        run(f"ip -n {switch} link set here master bridge up")
        _set_up("ip", self.name, self.here, self.here6)
        for position, name in enumerate(names, 11):
            self._add_host(name, f"10.99.{self.number}.{position}", f"fd99:{self.number}::{position}")
        lines = [
            f"{address} {host.name}\n" for host in self.hosts.values() for address in (host.address, host.address6)
        ]
        for host in self.hosts.values():
            files = FILES / host.namespace
            files.mkdir(parents=True)
            (files / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n" + "".join(lines))
            host.resolve_by(self.here)

    def _add_host(self, name: str, address: str, address6: str) -> None:
        host = Host(name, self.namespace_of(name), address, address6, self)
        switch = self.namespace_of(SWITCH)
        run(f"ip netns add {host.namespace}")
        run(f"ip -n {switch} link add p-{name} type veth peer name eth0 netns {host.namespace}")
        run(f"ip -n {switch} link set p-{name} master bridge up")
        run(f"ip -n {host.namespace} link set lo up")
        _set_up(f"ip -n {host.namespace}", "eth0", address, address6)
        self.hosts[name] = host

    def destroy(self) -> None:
        """End what runs in it, then all namespaces: devices vanish with them. Right for leftovers too."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
        for namespace in sorted(NAMESPACES.glob(f"{self.name}-*"), key=lambda one: one.name.endswith(f"-{SWITCH}")):
            _kill_all(namespace.name)
            run(f"ip netns del {namespace.name}")
            shutil.rmtree(FILES / namespace.name, ignore_errors=True)
        for process in self.processes:
            process.wait(5)
        subprocess.run(["ip", "link", "del", self.name], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """Make hosts of these names, at most ten letters each, in a subnet 10.99.x that is free, and remove them all."""
    with _reserved() as number:
        found = Network(number)
        try:
            found.build(*names)
            yield found
        finally:
            found.destroy()


def _kill_all(namespace: str) -> None:
    """Kill what still runs there, and wait until it is gone."""
    deadline = time.monotonic() + 10
    while pids := run(f"ip netns pids {namespace}").split():
        assert time.monotonic() < deadline, f"{pids} do not end"
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.01)


@contextmanager
def _reserved() -> Iterator[int]:
    """A number nobody else uses. Its lock ends with its owner: namespaces whose lock is free are leftovers."""
    for leftover in NAMESPACES.glob(f"tocsin-lan*-{SWITCH}"):
        number = int(leftover.name.removeprefix("tocsin-lan").removesuffix(f"-{SWITCH}"))
        with _lock(number) as mine:
            if mine:
                Network(number).destroy()
    taken = run("ip -4 route") + run("ip -o -4 addr")
    for number in range(20, 250):
        with _lock(number) as mine:
            if mine and f" 10.99.{number}." not in taken:
                yield number
                return
    raise RuntimeError("every subnet 10.99.x is taken")


@contextmanager
def _lock(number: int) -> Iterator[bool]:
    with Path(f"/run/tocsin-lan{number}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _set_up(ip: str, device: str, address: str, address6: str) -> None:
    run(f"{ip} addr add {address}/24 dev {device}")
    run(f"{ip} addr add {address6}/64 dev {device} nodad")
    run(f"{ip} link set {device} up")


def _tcp(port: int | None) -> str:
    return "" if port is None else f"-p tcp --dport {port}"


def run(command: str) -> str:
    done = subprocess.run(command.split(), capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout
