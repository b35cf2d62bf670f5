"""The throw-away authority: what OpenSSL says of each kind of certificate."""

import asyncio
import ssl
import subprocess
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.support.clients import ask, handshake
from support.behaviours import answer
from support.pki import Authority, Leaf
from support.program import until
from support.targets import serve


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("good", 0, None),
        ("expires_soon", 0, None),
        ("expired", 10, "certificate has expired"),
        ("not_yet_valid", 9, "certificate is not yet valid"),
        ("other_name", 62, "Hostname mismatch"),
        ("self_signed", 18, "self-signed certificate"),
        ("unknown_root", 19, "self-signed certificate in certificate chain"),
        ("weak", 66, "EE certificate key too weak"),
        ("incomplete", 20, "unable to get local issuer certificate"),
        ("expired_intermediate", 10, "certificate has expired"),
    ],
)
async def test_a_client_says_what_is_wrong(authority: Authority, kind: str, code: int, words: str | None):
    leaf = authority.expires_in(3) if kind == "expires_soon" else getattr(authority, kind)()
    async with serve(answer(), tls=leaf) as target:
        trust = authority.client_context()
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        if code == 0:
            await handshake(target.port, trust, "localhost")
            return
        with pytest.raises(ssl.SSLCertVerificationError) as failure:
            await handshake(target.port, trust, "localhost")
        assert failure.value.verify_code == code
        assert words in failure.value.verify_message

        async def failed() -> list[str]:
            return target.failed_handshakes

        await until(failed, lambda found: len(found) == 1)  # and the server knows of it
        assert target.requests == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
async def test_names_and_addresses_of_this_machine_are_covered(authority: Authority, name: str):
    async with serve(answer(), tls=authority.good(), hosts=("127.0.0.1", "::1")) as target:
        await handshake(target.port, authority.client_context(), name)
        assert target.server_names == [name if name == "localhost" else None]


async def test_a_renewed_leaf_is_another_one_for_the_same_names(authority: Authority):
    old = authority.expires_in(3, "web.test", "10.1.2.3")
    new = authority.renewed(old)
    async with serve(answer(), tls=old) as target:
        before = await handshake(target.port, authority.client_context(), "web.test")
        target.tls = new
        after = await handshake(target.port, authority.client_context(), "web.test")
    assert (before, after) == (old.der, new.der)
    assert old.fingerprint != new.fingerprint
    assert old.certificate.public_key() != new.certificate.public_key()
    assert new.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=80)


async def test_the_name_that_is_asked_for_chooses_the_leaf(authority: Authority):
    one, two = authority.good("one.test"), authority.good("two.test")
    async with serve(answer(), tls=one.server_context(by_name={"two.test": two})) as target:
        assert await handshake(target.port, authority.client_context(), "one.test") == one.der
        assert await handshake(target.port, authority.client_context(), "two.test") == two.der


async def test_an_old_version_is_spoken_when_wanted(authority: Authority, tmp_path: Path):
    context = authority.good().server_context(version=ssl.TLSVersion.TLSv1_1)
    async with serve(answer(), tls=context) as target:
        with pytest.raises(OSError):  # noqa: PT011 -- alert or reset
            await handshake(target.port, authority.client_context(), "localhost")
        command = ["openssl", "s_client", "-connect", target.address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
        client = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        seen, _ = await client.communicate(b"")
        assert b"Protocol  : TLSv1.1" in seen


def test_openssl_agrees_with_the_files(authority: Authority, tmp_path: Path):
    leaf = authority.good("web.test")
    certificate, _key = leaf.write(tmp_path)
    root = authority.write(tmp_path)

    def verify(*more: Any) -> subprocess.CompletedProcess[str]:
        command = ["openssl", "verify", "-x509_strict", "-CAfile", root, *more, certificate]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert verify("-untrusted", certificate, "-verify_hostname", "web.test").returncode == 0
    assert "unable to get local issuer certificate" in verify().stderr


async def test_a_request_goes_through_tls(authority: Authority):
    leaf: Leaf = authority.good()
    async with serve(answer(b"safe"), tls=leaf) as target:
        assert (await ask(target, trust=authority.client_context())).endswith(b"\r\n\r\nsafe")
        assert target.base == f"https://127.0.0.1:{target.port}"
