"""A real nginx in a folder, on free ports: for tests that want no server of ours, and for benchmarks.

with nginx(tmp_path, leaf) as web:
    ...                                             # web.base + "/ok", web.tls_base + "/ok"
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.pki import Leaf
from support.targets import LOOPBACK4, listen

BODY = "x" * 100
LOCATIONS = """
    location = /ok { return 200 "BODY"; }
    location = /empty { return 204; }
    location = /error { return 500 "it is broken"; }
    location = /unavailable { return 503; }
    location = /moved { return 301 /ok; }
    location = /json { default_type application/json; return 200 '{"status": "ok", "nested": [1, {"deep": true}]}'; }
    location = /big { root FOLDER; }
    location = /slow { limit_rate 10k; alias FOLDER/big; }
"""
CONFIG = """{user}
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log {access};
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_timeout {keepalive};
  ssl_session_cache off; ssl_session_tickets off;
  {more_http}
  server {{
    listen {plain};
    {tls}
    {locations}
    {more}
  }}
}}
"""


@dataclass
class Nginx:
    """`/ok` has the body `BODY`; what else there is stands in `LOCATIONS`. `/big` and `/slow` have a megabyte."""

    folder: Path
    port: int
    tls_port: int | None
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        return f"http://{LOOPBACK4}:{self.port}"

    @property
    def tls_base(self) -> str:
        assert self.tls_port is not None
        return f"https://{LOOPBACK4}:{self.tls_port}"

    @property
    def errors(self) -> str:
        return "".join(
            file.read_text() for file in (self.folder / "output", self.folder / "error.log") if file.exists()
        )

    @property
    def asked(self) -> list[str]:
        """Requests so far as `GET /ok HTTP/1.1`, when it keeps a log."""
        return [line.split('"')[1] for line in (self.folder / "access.log").read_text().splitlines()]

    def reload(self, leaf: Leaf) -> None:
        """Show another certificate to connections from now on."""
        leaf.write(self.folder)
        before = self._workers()
        self.process.send_signal(signal.SIGHUP)
        _until(lambda: self._workers() and not self._workers() & before)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _workers(self) -> set[str]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(children.read_text().split())


@contextmanager
def nginx(
    folder: Path,
    leaf: Leaf | None = None,
    *,
    keepalive: bool = True,
    log: bool = True,
    workers: int = 1,
    more: str = "",
    more_http: str = "",
) -> Iterator[Nginx]:
    """Serve plain, and over TLS if there is a leaf. *more* goes into the server's block, *more_http* before it."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("NOT TESTED: there is no nginx (package nginx-light)")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "big").write_bytes(b"x" * 2**20)
    # Sockets are ours and inherited, as at an upgrade of nginx: the ports are free for certain, and open at once.
    listeners = [listen(LOOPBACK4)[0] for _ in range(1 if leaf is None else 2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    if leaf is not None:
        leaf.write(folder)
    config = CONFIG.format(
        user="user root;" if os.geteuid() == 0 else "",
        workers=workers,
        folder=folder,
        access=f"{folder}/access.log" if log else "off",
        keepalive=65 if keepalive else 0,
        plain=f"{LOOPBACK4}:{ports[0]}",
        tls="" if leaf is None else _tls(folder, ports[1]),
        locations=LOCATIONS.replace("FOLDER", str(folder)).replace("BODY", BODY),
        more=more,
        more_http=more_http,
    )
    (folder / "nginx.conf").write_text(config)
    found = Nginx(folder, ports[0], ports[1] if leaf is not None else None, _start(program, folder, listeners))
    try:
        _until(lambda: _answers(found))
        yield found
    finally:
        found.stop()


def _tls(folder: Path, port: int) -> str:
    return (
        f"listen {LOOPBACK4}:{port} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;"
    )


def _start(program: str, folder: Path, listeners: list[socket.socket]) -> subprocess.Popen[bytes]:
    handles = [listener.fileno() for listener in listeners]
    environment = {**os.environ, "NGINX": "".join(f"{handle};" for handle in handles)}
    command = [program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, "-g", "daemon off;"], pass_fds=handles, env=environment, stdout=output, stderr=output
        )
    for listener in listeners:
        listener.close()
    return process


def _answers(found: Nginx) -> bool:
    assert found.process.poll() is None, f"nginx ended:\n{found.errors}"
    with suppress(OSError), socket.create_connection((LOOPBACK4, found.port), timeout=5) as client:
        client.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
        return client.recv(20).startswith(b"HTTP/1.1 404")
    return False


def _until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "nginx does not do what it should"
        time.sleep(0.02)
