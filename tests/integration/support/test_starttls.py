"""Servers that change to TLS, as `openssl s_client` sees them."""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from support.pki import Authority
from support.starttls import imap, postgres, smtp
from support.targets import serve


async def client(port: int, protocol: str, root: Path) -> tuple[int | None, str]:
    options = ["-CAfile", str(root), "-verify_hostname", "localhost", "-verify_return_error", "-brief"]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-starttls", protocol, *options]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    output = b"".join(await asyncio.wait_for(process.communicate(b""), 10))
    return process.returncode, output.decode()


@pytest.mark.parametrize("protocol", ["smtp", "imap", "postgres"])
@pytest.mark.parametrize("good", [True, False])
async def test_it_changes_to_tls(protocol: str, good: bool, tmp_path: Path):
    authority = Authority()
    leaf = authority.good() if good else authority.expired()
    root = authority.write(tmp_path)
    if protocol == "smtp":
        async with smtp(leaf) as port:
            code, output = await client(port, protocol, root)
    else:
        async with serve({"imap": imap, "postgres": postgres}[protocol](leaf)) as target:
            code, output = await client(target.port, protocol, root)
    if good:
        assert "Verification: OK" in output
        assert "Verified peername: localhost" in output
        assert code == 0
    else:
        assert "certificate has expired" in output
        assert code != 0


async def test_mail_does_not_offer_tls(tmp_path: Path):
    async with smtp(None) as port:
        code, output = await client(port, "smtp", Authority().write(tmp_path))
        assert code != 0
        assert "find STARTTLS in server response" in output


async def test_a_database_refuses_tls(tmp_path: Path):
    async with serve(postgres(None)) as target:
        code, output = await client(target.port, "postgres", Authority().write(tmp_path))
        assert code != 0
        assert "CONNECTION ESTABLISHED" not in output


@pytest.mark.parametrize("tls", [True, False])
async def test_the_words_of_imap(tls: bool):
    async with serve(imap(Authority().good() if tls else None)) as target:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        assert await reader.readline() == b"* OK IMAP4rev1 ready\r\n"
        writer.write(b"a CAPABILITY\r\n")
        capabilities = b"IMAP4rev1 STARTTLS LOGINDISABLED" if tls else b"IMAP4rev1"
        assert await reader.readline() == b"* CAPABILITY %s\r\n" % capabilities
        assert await reader.readline() == b"a OK done\r\n"
        writer.write(b"b STARTTLS\r\n" if not tls else b"b SELECT INBOX\r\n")
        assert await reader.readline() == b"b BAD not understood\r\n"
        writer.write(b"c LOGOUT\r\n")
        assert await reader.read() == b"* BYE\r\nc OK done\r\n"
        writer.close()


@pytest.mark.parametrize("tls", [True, False])
async def test_psql_hears_that_nobody_may_come_in(tls: bool):
    async with serve(postgres(Authority().good() if tls else None)) as target:
        mode = "require" if tls else "prefer"
        address = f"postgresql://somebody@127.0.0.1:{target.port}/x?sslmode={mode}"
        process = await asyncio.create_subprocess_exec("psql", address, "-c", "SELECT 1", stderr=PIPE)
        _, output = await asyncio.wait_for(process.communicate(), 10)
        assert b"FATAL:  nobody may come in" in output
