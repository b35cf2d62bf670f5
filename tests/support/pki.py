"""A throw-away authority, and certificates with everything that can be wrong with one.

A root signs an intermediate, which signs the leaves; servers send leaf and intermediate. Extensions are what strict
verifiers demand.
"""

import functools
import hashlib
import ipaddress
import ssl
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = ("localhost", "127.0.0.1", "::1")
YEAR = timedelta(days=365)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Leaf:
    """A certificate, its key, and the others that are sent with it."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate and then its chain, as servers want it."""
        return b"".join(map(pem_of, (self.certificate, *self.chain)))

    @property
    def key_pem(self) -> bytes:
        plain = serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

    def write(self, folder: Path, name: str = "server") -> tuple[Path, Path]:
        """Write `name.pem` and `name.key`, and return their paths."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        paths[0].write_bytes(self.pem)
        paths[1].write_bytes(self.key_pem)
        return paths

    def server_context(
        self,
        *,
        by_name: Mapping[str, "Leaf"] | None = None,
        version: ssl.TLSVersion | None = None,
    ) -> ssl.SSLContext:
        """Return the server's side; for the host names of *by_name* it shows other leaves, *version* is the only one.

        Weak keys and old versions work as well: it is the client who has to mind.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*self.write(Path(folder)))
        if version is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point of it
                context.minimum_version = context.maximum_version = version
        if by_name:
            others = {name: leaf.server_context(version=version) for name, leaf in by_name.items()}

            def choose(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
                if name in others:
                    connection.context = others[name]

            context.sni_callback = choose
        return context


class Authority:
    """Root and intermediate. Each method returns another kind of leaf, for this machine unless names are given."""

    def __init__(self, name: str = "Tocsin Test") -> None:
        self.name = name
        self._root_key = new_key()
        self.root = self._authority_certificate("Root", self._root_key)
        self._middle_key = new_key()
        self.intermediate = self._authority_certificate("Intermediate", self._middle_key)

    @property
    def root_pem(self) -> bytes:
        return pem_of(self.root)

    def write(self, folder: Path) -> Path:
        """Write `ca.pem`, the root for clients, and return its path."""
        path = folder / "ca.pem"
        path.write_bytes(self.root_pem)
        return path

    def client_context(self) -> ssl.SSLContext:
        """Return a client's side that trusts this root and nobody else."""
        return ssl.create_default_context(cadata=self.root_pem.decode())

    def issue(
        self,
        *names: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key: Key | None = None,
        common_name: str | None = None,
    ) -> Leaf:
        """Return a leaf for host names and addresses: from an hour ago for 90 days, with an EC P-256 key."""
        names = names or HERE
        key = key or new_key()
        builder = _builder(
            subject=_name(common_name or names[0]),
            issuer=self.intermediate.subject,
            key=key,
            not_before=not_before or _now() - timedelta(hours=1),
            not_after=not_after or _now() + timedelta(days=90),
        )
        builder = _for_a_server(builder, names).add_extension(_signed_by(self._middle_key), critical=False)
        return Leaf(builder.sign(self._middle_key, hashes.SHA256()), key, (self.intermediate,))

    def good(self, *names: str) -> Leaf:
        return self.issue(*names)

    def expires_in(self, days: float, *names: str, lifetime_days: float = 90) -> Leaf:
        """A minute more, so that *days* whole days remain during the test."""
        end = _now() + timedelta(days=days, minutes=1)
        return self.issue(*names, not_before=end - timedelta(days=lifetime_days), not_after=end)

    def expired(self, *names: str, days_ago: float = 2) -> Leaf:
        end = _now() - timedelta(days=days_ago)
        return self.issue(*names, not_before=end - timedelta(days=90), not_after=end)

    def not_yet_valid(self, *names: str, in_days: float = 2) -> Leaf:
        begin = _now() + timedelta(days=in_days)
        return self.issue(*names, not_before=begin, not_after=begin + timedelta(days=90))

    def other_name(self) -> Leaf:
        return self.issue("somebody-else.test")

    def weak(self, *names: str) -> Leaf:
        """RSA with 1024 bits."""
        return self.issue(*names, key=rsa.generate_private_key(65537, 1024))

    def incomplete(self, *names: str) -> Leaf:
        """The server does not send the intermediate."""
        return replace(self.issue(*names), chain=())

    def expired_intermediate(self, *names: str) -> Leaf:
        """The leaf itself is still valid."""
        end = _now() - timedelta(days=1)
        old = self._authority_certificate("Intermediate", self._middle_key, not_after=end)
        return replace(self.issue(*names), chain=(old,))

    def self_signed(self, *names: str) -> Leaf:
        names = names or HERE
        key = new_key()
        begin = _now() - timedelta(hours=1)
        subject = _name(names[0])
        builder = _builder(subject=subject, issuer=subject, key=key, not_before=begin, not_after=begin + YEAR)
        return Leaf(_for_a_server(builder, names).sign(key, hashes.SHA256()), key)

    def unknown_root(self, *names: str) -> Leaf:
        """From an authority of somebody else, root included."""
        other = stranger()
        return replace(other.issue(*names), chain=(other.intermediate, other.root))

    def renewed(self, leaf: Leaf, *, days: float = 90) -> Leaf:
        """The successor of *leaf*: same names, another key, serial and end."""
        names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return self.issue(*(str(name.value) for name in names), not_after=_now() + timedelta(days=days))

    def _authority_certificate(self, role: str, key: Key, *, not_after: datetime | None = None) -> x509.Certificate:
        builder = _builder(
            subject=_name(f"{self.name} {role}", organisation=self.name),
            issuer=_name(f"{self.name} Root", organisation=self.name),
            key=key,
            not_before=_now() - YEAR,
            not_after=not_after or _now() + 10 * YEAR,
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        builder = builder.add_extension(_signed_by(self._root_key), critical=False)
        return builder.sign(self._root_key, hashes.SHA256())


@functools.cache
def stranger() -> Authority:
    return Authority("Somebody Else")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _name(common_name: str, organisation: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _builder(
    *, subject: x509.Name, issuer: x509.Name, key: Key, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _for_a_server(builder: x509.CertificateBuilder, names: tuple[str, ...]) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _signed_by(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
