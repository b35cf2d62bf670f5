"""Certificates as servers present them: real handshakes, each with its own thing wrong."""

import asyncio
import ipaddress
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from support.behaviours import banner, hang_up, raw, silent
from support.pki import Authority, Leaf, new_key, pem_of, stranger
from support.postgres import Postgres
from support.program import until
from support.starttls import imap, postgres, smtp
from support.targets import Tls, refusing_port, serve, unanswering_port
from tocsin.probes.certificate import Inspection, Target, inspect
from tocsin.probes.chain import names_match
from tocsin.probes.inspection import ChainFault, Failure
from tocsin.probes.starttls import Protocol

LOOPBACK = ipaddress.ip_address("127.0.0.1")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    return authority.write(tmp_path)


async def look(port: int, ca_file: Path | None, hostname: str = "localhost", **options: object) -> Inspection:
    protocol = options.get("protocol", Protocol.TLS)
    assert isinstance(protocol, Protocol)
    return await inspect(Target(hostname, [LOOPBACK], port, protocol), now(), ca_file, timeout_s=2)


async def seen(tls: Tls, ca_file: Path | None, hostname: str = "localhost") -> Inspection:
    async with serve(hang_up(), tls=tls) as target:
        return await look(target.port, ca_file, hostname)


async def test_a_good_certificate_is_shown_with_all_that_people_ask_for(authority: Authority, ca_file: Path):
    leaf = authority.good("localhost", "*.shop.test", "127.0.0.1")

    found = await seen(leaf, ca_file)

    assert (found.error_message, found.chain_fault, found.hostname_match, found.weakness) == (None, None, True, None)
    assert found.tls_version == "TLSv1.3"
    assert [(link.subject_cn, link.issuer_cn) for link in found.chain] == [
        ("localhost", "Tocsin Test Intermediate"),
        ("Tocsin Test Intermediate", "Tocsin Test Root"),
    ]
    shown = found.chain[0]
    assert shown.sans == ("localhost", "*.shop.test", "127.0.0.1")
    assert shown.serial_number == f"{leaf.certificate.serial_number:x}"
    assert shown.fingerprint_sha256 == leaf.fingerprint
    assert (shown.issuer_org, shown.signature_algorithm, shown.key_type) == ("Tocsin Test", "ECDSA-SHA256", "EC P-256")
    assert (shown.not_before, shown.not_after) == (
        leaf.certificate.not_valid_before_utc,
        leaf.certificate.not_valid_after_utc,
    )


async def test_the_name_is_sent_so_that_the_right_certificate_is_shown(authority: Authority, ca_file: Path):
    context = authority.good("other.test").server_context(by_name={"shop.test": authority.good("shop.test")})
    assert (await seen(context, ca_file, "shop.test")).hostname_match is True
    assert (await seen(context, ca_file, "nobody.test")).hostname_match is False


async def test_an_address_is_asked_for_without_a_name(authority: Authority, ca_file: Path):
    async with serve(hang_up(), tls=authority.good()) as target:
        found = await look(target.port, ca_file, "127.0.0.1")
        assert found.hostname_match is True
        assert target.server_names == [None]


@pytest.mark.parametrize("name", ["expired", "not_yet_valid"])
async def test_a_leaf_outside_its_time_is_no_fault_of_the_chain(authority: Authority, ca_file: Path, name: str):
    found = await seen(getattr(authority, name)(), ca_file)
    assert (found.chain_fault, found.hostname_match) == (None, True)
    assert found.leaf is not None
    assert not found.leaf.not_before <= now() <= found.leaf.not_after


@pytest.mark.parametrize(
    ("kind", "fault", "words"),
    [
        ("self_signed", ChainFault.SELF_SIGNED, "signed by itself"),
        ("incomplete", ChainFault.INCOMPLETE, "its issuer was not sent and is no trusted root: Tocsin Test Interm"),
        ("unknown_root", ChainFault.UNTRUSTED, "a root that is not trusted: Somebody Else Root"),
        ("expired_intermediate", ChainFault.EXPIRED_IN_CHAIN, "expired in chain: Tocsin Test Intermediate"),
    ],
)
async def test_what_is_wrong_with_a_chain_is_told_apart(
    authority: Authority, ca_file: Path, kind: str, fault: ChainFault, words: str
):
    found = await seen(getattr(authority, kind)(), ca_file)
    assert found.chain_fault is fault
    assert found.chain_error is not None
    assert words in found.chain_error
    assert found.hostname_match is True


async def test_a_root_that_was_not_sent_and_is_unknown_is_untrusted(ca_file: Path):
    found = await seen(stranger().good(), ca_file)
    assert (found.chain_fault, found.chain_error) == (
        ChainFault.UNTRUSTED,
        "it leads to an authority that is not trusted: Somebody Else Root",
    )


async def test_without_a_file_of_roots_only_the_systems_count(authority: Authority):
    assert (await seen(authority.good(), None)).chain_fault is ChainFault.UNTRUSTED


async def test_a_self_signed_certificate_may_be_trusted(authority: Authority, tmp_path: Path):
    leaf, file = authority.self_signed(), tmp_path / "own.pem"
    file.write_bytes(pem_of(leaf.certificate))
    assert (await seen(leaf, file)).chain_fault is None


async def test_an_intermediate_may_be_what_is_trusted(authority: Authority, tmp_path: Path):
    file = tmp_path / "middle.pem"
    file.write_bytes(pem_of(authority.intermediate))
    assert (await seen(authority.incomplete(), file)).chain_fault is None


async def test_a_certificate_for_clients_is_not_for_servers(ca_file: Path, authority: Authority):
    key = new_key()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ada")])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(authority.intermediate.subject).serial_number(7)
    builder = builder.not_valid_before(now() - timedelta(days=1)).not_valid_after(now() + timedelta(days=1))
    usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = builder.add_extension(usage, critical=False)
    leaf = Leaf(builder.sign(authority._middle_key, hashes.SHA256()), key, (authority.intermediate,))
    found = await seen(leaf, ca_file)
    assert (found.chain_fault, found.chain_error) == (ChainFault.INVALID, "it is not made for servers")
    assert found.hostname_match is False  # it has no alternative names at all


async def test_weak_keys_and_old_signatures_are_noticed(authority: Authority, ca_file: Path):
    found = await seen(authority.weak(), ca_file)
    assert (found.weakness, found.chain_fault) == ("an RSA key of 1024 bits", None)
    assert found.leaf is not None
    assert found.leaf.key_type == "RSA 1024"


async def test_signatures_of_rsa_go_by_their_usual_names(ca_file: Path):
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rsa.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0xABC, now() - timedelta(1), now() + timedelta(1))
    found = await seen(Leaf(builder.sign(key, hashes.SHA384()), key), ca_file)
    assert found.leaf is not None
    assert (found.leaf.signature_algorithm, found.leaf.key_type) == ("SHA384-RSA", "RSA 2048")
    assert (found.leaf.serial_number, found.leaf.sans, found.hostname_match) == ("abc", (), False)


async def test_old_versions_of_tls_can_be_looked_at_too(authority: Authority, ca_file: Path):
    context = authority.good().server_context(version=ssl.TLSVersion.TLSv1_2)
    assert (await seen(context, ca_file)).tls_version == "TLSv1.2"


async def test_a_server_that_asks_for_our_certificate_is_looked_at_all_the_same(authority: Authority, ca_file: Path):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.good().server_context(version=version)
        context.load_verify_locations(cadata=authority.root_pem.decode())
        context.verify_mode = ssl.CERT_REQUIRED
        assert (await seen(context, ca_file)).chain_fault is None


# --- no certificate --------------------------------------------------------------------------------------------------


async def test_why_there_is_no_certificate_is_told_apart(ca_file: Path):
    with refusing_port() as port:
        assert (await look(port, ca_file)).error_message == "connection refused"
    with unanswering_port() as port:
        assert (await look(port, ca_file)).error_message == "handshake timeout"
    async with serve(silent()) as target:
        assert (await look(target.port, ca_file)).error_message == "handshake timeout"
    async with serve(hang_up()) as target:
        found = await look(target.port, ca_file)
        assert (found.failure, found.leaf) in {(Failure.TLS, None), (Failure.CONNECTION, None)}
    async with serve(raw(b"HTTP/1.1 400 Bad Request: secret\r\n\r\n", at_once=True)) as target:
        found = await look(target.port, ca_file)
        assert found.failure is Failure.TLS
        assert "secret" not in str(found.error_message)


async def test_the_next_address_is_tried(authority: Authority, ca_file: Path):
    addresses = [ipaddress.ip_address("127.0.0.2"), LOOPBACK]
    async with serve(hang_up(), tls=authority.good()) as target:
        found = await inspect(Target("localhost", addresses, target.port), now(), ca_file)
        assert found.error_message is None


async def test_it_can_be_cancelled_at_any_time(ca_file: Path):
    async with serve(silent()) as target:
        looking = asyncio.create_task(look(target.port, ca_file))
        while not target.open:
            await asyncio.sleep(0.01)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking


async def test_a_file_of_roots_that_cannot_be_used_is_our_fault_and_not_the_targets(
    authority: Authority, tmp_path: Path
):
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="holds no certificates"):
        await seen(authority.good(), file)


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hostname", "matches"),
    [
        ("shop.test", "shop.test", True),
        ("SHOP.test", "shop.test", True),
        ("shop.test", "www.shop.test", False),
        ("*.shop.test", "www.shop.test", True),
        ("*.shop.test", "shop.test", False),
        ("*.shop.test", "a.b.shop.test", False),
        ("w*.shop.test", "www.shop.test", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("::1", "::1", True),
        ("my_service", "my_service", True),
        ("my_service", "my_other", False),
        ("xn--bcher-kva.test", "xn--bcher-kva.test", True),
    ],
)
def test_which_names_a_certificate_is_for(authority: Authority, name: str, hostname: str, matches: bool):
    assert names_match(authority.good(name).certificate, hostname) is matches


# --- STARTTLS --------------------------------------------------------------------------------------------------------

REFUSING_MAIL = banner(b"220 m\r\n", {b"EHLO tocsin\r\n": b"250-m\r\n250 HELP\r\n", b"STARTTLS\r\n": b"502 no\r\n"})
PLAIN = {Protocol.SMTP: REFUSING_MAIL, Protocol.IMAP: imap(None), Protocol.POSTGRES: postgres(None)}


@asynccontextmanager
async def encrypted(protocol: Protocol, leaf: Leaf) -> AsyncIterator[int]:
    if protocol is Protocol.SMTP:
        async with smtp(leaf) as port:
            yield port
    else:
        async with serve((imap if protocol is Protocol.IMAP else postgres)(leaf)) as target:
            yield target.port


@pytest.mark.parametrize("protocol", PLAIN)
async def test_a_certificate_behind_starttls_is_looked_at(authority: Authority, ca_file: Path, protocol: Protocol):
    leaf = authority.expired()
    async with encrypted(protocol, leaf) as port:
        found = await look(port, ca_file, protocol=protocol)
    assert found.leaf is not None, found.error_message
    assert (found.leaf.fingerprint_sha256, found.chain_fault) == (leaf.fingerprint, None)


@pytest.fixture
def encrypting(postgres: Postgres, authority: Authority, big_folder: Path) -> Iterator[Leaf]:
    """A real PostgreSQL that offers TLS, for as long as the test needs it."""
    leaf = authority.good()
    certificate, key = leaf.write(big_folder, "database")
    for path in (certificate, key):
        shutil.chown(path, postgres.folder.owner())
        path.chmod(0o600)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:

        def configure(*statements: str) -> None:
            for statement in (*statements, "SELECT pg_reload_conf()"):
                connection.execute(statement)

        files = (f"ssl_cert_file = '{certificate}'", f"ssl_key_file = '{key}'", "ssl = on")
        configure(*(f"ALTER SYSTEM SET {setting}" for setting in files))
        yield leaf
        configure("ALTER SYSTEM RESET ALL")


async def test_a_real_database_server_shows_its_certificate(ca_file: Path, postgres: Postgres, encrypting: Leaf):
    async def found() -> Inspection:
        return await look(postgres.port, ca_file, protocol=Protocol.POSTGRES)

    seen = await until(found, lambda one: one.error_message != "starttls refused")  # it reads its settings again
    assert seen.leaf is not None, seen.error_message
    assert (seen.leaf.fingerprint_sha256, seen.chain_fault) == (encrypting.fingerprint, None)


@pytest.mark.parametrize("protocol", PLAIN)
async def test_a_server_without_starttls_is_no_riddle(ca_file: Path, protocol: Protocol):
    async with serve(PLAIN[protocol]) as target:
        assert (await look(target.port, ca_file, protocol=protocol)).error_message == "starttls refused"


async def test_a_real_mail_server_may_have_no_starttls(ca_file: Path):
    async with smtp(None) as port:
        assert (await look(port, ca_file, protocol=Protocol.SMTP)).error_message == "starttls refused"


@pytest.mark.parametrize("protocol", PLAIN)
async def test_silence_and_a_line_without_end_are_over_in_time(ca_file: Path, protocol: Protocol):
    async with serve(silent()) as target:
        assert (await look(target.port, ca_file, protocol=protocol)).error_message == "handshake timeout"
    async with serve(raw(b"2" * 2**20, at_once=True)) as target:
        found = await look(target.port, ca_file, protocol=protocol)
        assert found.failure in {Failure.CONNECTION, Failure.STARTTLS}


@pytest.mark.parametrize("protocol", [Protocol.SMTP, Protocol.IMAP])
async def test_a_server_of_another_kind_refuses_starttls_too(ca_file: Path, protocol: Protocol):
    async with serve(raw(b"SSH-2.0-OpenSSH_9.9\r\n", at_once=True)) as target:
        assert (await look(target.port, ca_file, protocol=protocol)).error_message == "starttls refused"
