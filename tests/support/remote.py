"""A Docker engine on another host: its own network namespace, TLS with certificates on both sides, a link to cut."""

import subprocess
from pathlib import Path

import trustme

from support.engine import Engine

NAMESPACE, OURS, THEIRS = "tocsin-far", "10.99.7.1", "10.99.7.2"
PORT = 2376


class Remote(Engine):
    """Reached at `address` with the `certificates`; `docker(...)` goes through its local socket all the same."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, bridge="tocsinfar", network="172.31.90")
        self.address = f"tcp+tls://{THEIRS}:{PORT}"
        self.certificates = folder / "certificates"
        self._authority = trustme.CA()

    def command(self) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{NAMESPACE}", *super().command()]

    def config(self, runc: Path) -> dict[str, object]:
        config = super().config(runc)
        del config["bridge"]
        return {
            **config,
            "hosts": [self.url, f"tcp://{THEIRS}:{PORT}"],
            "bip": "172.30.5.1/24",
            "tlsverify": True,
            "tlscacert": str(self.certificates / "ca.pem"),
            "tlscert": str(self.folder / "server.pem"),
            "tlskey": str(self.folder / "server-key.pem"),
        }

    def _make_bridge(self) -> None:
        """Its bridge is made in its own namespace, by itself."""

    def prepare(self) -> None:
        super().prepare()
        self.make_certificates(self.certificates, self._authority)
        server = self._authority.issue_cert(THEIRS)
        server.private_key_pem.write_to_path(self.folder / "server-key.pem")
        server.cert_chain_pems[0].write_to_path(self.folder / "server.pem")

    def make_certificates(self, folder: Path, authority: trustme.CA) -> Path:
        """Write what a client needs into *folder*: our authority, and a certificate from *authority*."""
        folder.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(folder / "ca.pem")
        client = authority.issue_cert("tocsin.test")
        client.private_key_pem.write_to_path(folder / "key.pem")
        client.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        return folder

    def cut(self) -> None:
        """Pull the cable."""
        run(f"ip -n {NAMESPACE} link set eth0 down")

    def mend(self) -> None:
        run(f"ip -n {NAMESPACE} link set eth0 up")


def make_network() -> None:
    drop_network()
    for command in (
        f"ip netns add {NAMESPACE}",
        f"ip link add tocsinveth type veth peer name eth0 netns {NAMESPACE}",
        f"ip addr add {OURS}/30 dev tocsinveth",
        "ip link set tocsinveth up",
        f"ip -n {NAMESPACE} addr add {THEIRS}/30 dev eth0",
        f"ip -n {NAMESPACE} link set eth0 up",
        f"ip -n {NAMESPACE} link set lo up",
    ):
        run(command)


def drop_network() -> None:
    subprocess.run(["ip", "link", "del", "tocsinveth"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True, check=False)


def run(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True)
