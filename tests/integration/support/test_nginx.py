"""The real web server: what curl gets from it."""

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.nginx import BODY, Nginx, nginx
from support.pki import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def web(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), authority.good()) as found:
        yield found


def curl(*arguments: str) -> tuple[int, str]:
    command = ["curl", "-q", "-s", "--noproxy", "*", "-m", "10", "-w", "%{stderr}%{http_code}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    return int(done.stderr[-3:]), done.stdout


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ok", 200), ("/empty", 204), ("/error", 500), ("/unavailable", 503), ("/moved", 301), ("/absent", 404)],
)
def test_its_locations(web: Nginx, path: str, status: int):
    assert curl(web.base + path)[0] == status


def test_its_bodies(web: Nginx):
    assert curl(web.base + "/ok")[1] == BODY
    assert json.loads(curl(web.base + "/json")[1])["nested"][1]["deep"] is True
    assert curl("-L", web.base + "/moved")[1] == BODY
    assert len(curl(web.base + "/big")[1]) == 2**20
    assert "GET /big HTTP/1.1" in web.asked


def test_it_can_be_slow(web: Nginx):
    started = time.monotonic()
    assert len(curl("-r", "0-15000", web.base + "/slow")[1]) == 15001
    assert time.monotonic() - started > 0.4


def test_tls_with_our_authority(web: Nginx, authority: Authority, tmp_path: Path):
    assert curl("--cacert", str(authority.write(tmp_path)), web.tls_base + "/ok") == (200, BODY)


def test_a_renewed_certificate_is_shown(authority: Authority, tmp_path: Path):
    old = authority.expires_in(3)
    with nginx(tmp_path, old) as web:
        assert shown(web, authority) == old.der
        new = authority.renewed(old)
        web.reload(new)
        assert shown(web, authority) == new.der


def shown(web: Nginx, authority: Authority) -> bytes | None:
    assert web.tls_port is not None
    with (
        socket.create_connection(("127.0.0.1", web.tls_port)) as plain,
        authority.client_context().wrap_socket(plain, server_hostname="localhost") as client,
    ):
        return client.getpeercert(binary_form=True)


def test_only_an_old_version(authority: Authority, tmp_path: Path):
    old = "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"
    with nginx(tmp_path, authority.good(), more_http=old) as web, pytest.raises(ssl.SSLError, match="protocol version"):
        shown(web, authority)


@pytest.mark.parametrize("keepalive", [True, False])
def test_connections_are_kept_or_not(keepalive: bool, tmp_path: Path):
    with nginx(tmp_path / "one", keepalive=keepalive, log=False) as web:
        command = ["curl", "-q", "-s", "--noproxy", "*", "-w", "%{num_connects} ", "-o", "/dev/null", "-o", "/dev/null"]
        done = subprocess.run(
            [*command, web.base + "/ok", web.base + "/ok"], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["1", "0" if keepalive else "1"]
    assert web.process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", web.port))
    assert "[emerg]" not in web.errors


def test_a_wrong_configuration_is_told(tmp_path: Path):
    with pytest.raises(AssertionError, match="unknown directive"), nginx(tmp_path, more="nonsense;"):
        pass
