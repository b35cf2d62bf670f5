"""The configurations in docs/reverse-proxies.md, as they stand there, in front of the program."""

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme

from conftest import Start
from support.program import TOKEN, Program, until

DOCS = Path(__file__).parents[3] / "docs/reverse-proxies.md"
NAME = "tocsin.example.org"
CLIENT = "127.0.0.2"


def documented(kind: str) -> str:
    found = re.search(rf"<!-- tested: {kind} -->\n```\w+\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def nginx(folder: Path, port: int, upstream: str) -> list[str]:
    server = documented("nginx").replace("443", f"127.0.0.1:{port}").replace("127.0.0.1:8080", upstream)
    server = server.replace("/etc/ssl/tocsin", str(folder / "tocsin"))
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{head}http {{ access_log off;\n{paths}{server} }}")
    return ["nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;", "-p", str(folder)]


def caddy(folder: Path, port: int, upstream: str) -> list[str]:
    site = documented("caddy").replace("127.0.0.1:8080", upstream).replace(NAME, f"https://{NAME}:{port}", 1)
    site = site.replace("{", f"{{\n    bind 127.0.0.1\n    tls {folder}/tocsin.pem {folder}/tocsin.key", 1)
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{site}")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@asynccontextmanager
async def in_front(kind: str, folder: Path, upstream: str) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed")
    folder.mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    certificate.private_key_pem.write_to_path(folder / "tocsin.key")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "tocsin.pem", append=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = {"nginx": nginx, "caddy": caddy}[kind](folder, port, upstream)
    environment = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    try:
        yield port, trust
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
async def test_the_documented_lines_work(kind: str, start: Start, tmp_path: Path):
    settings = {"TOCSIN_BASE_URL": f"https://{NAME}", "TOCSIN_TRUSTED_PROXIES": "127.0.0.1"}
    async with start(**settings) as program:
        upstream = program.client.base.removeprefix("http://")
        async with in_front(kind, tmp_path / kind, upstream) as (port, trust):
            await _use(program, port, trust)


async def _use(program: Program, port: int, trust: ssl.SSLContext) -> None:
    base = f"https://{NAME}:{port}"
    connector = aiohttp.TCPConnector(ssl=trust, resolver=_Loopback(), local_addr=(CLIENT, 0))
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.9"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def health() -> int:
            try:
                async with session.get(f"{base}/api/v1/health") as answer:
                    return answer.status
            except aiohttp.ClientConnectionError:
                return 0

        await until(health, lambda status: status == 200)
        body = {"code": program.setup_code, "name": "ada", "password": "correct horse battery"}
        async with session.post(f"{base}/api/v1/auth/setup", json=body, headers={"Origin": base}) as answer:
            assert answer.status == 201, await answer.text()
            assert "secure" in answer.headers["Set-Cookie"].lower()
        entries = (await program.client.get("/api/v1/audit?action=setup")).json["entries"]
        assert entries[0]["address"] == CLIENT  # whatever it says of itself

        async with session.get(f"{base}/api/v1/containers/events") as stream, asyncio.timeout(5):
            seen = await stream.content.readany()
            await program.tocsin.hosts.changed("near", connected=True, error=None)
            while b"runtime.status" not in seen:  # at once: nothing is held back
                seen += await stream.content.readany()


class _Loopback(aiohttp.abc.AbstractResolver):
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0},
        ]

    async def close(self) -> None:
        pass
