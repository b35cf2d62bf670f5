"""A Docker engine on another host: in a namespace of its own, with certificates on both sides."""

from pathlib import Path

import trustme

from support.engine import Engine
from support.namespaces import Host

PORT = 2376


class Remote(Engine):
    """Reached at `address` with the `certificates`; `docker(...)` goes through its local socket all the same."""

    def __init__(self, folder: Path, host: Host) -> None:
        super().__init__(folder, bridge="tocsinfar", network="172.31.90")
        self.host = host
        self.address = f"tcp+tls://{host.address}:{PORT}"
        self.certificates = folder / "certificates"
        self._authority = trustme.CA()

    def command(self) -> list[str]:
        return ["nsenter", f"--net={self.host.path}", *super().command()]

    def config(self, runc: Path) -> dict[str, object]:
        config = super().config(runc)
        del config["bridge"]
        return {
            **config,
            "hosts": [self.url, f"tcp://{self.host.address}:{PORT}"],
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
        server = self._authority.issue_cert(self.host.address)
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
