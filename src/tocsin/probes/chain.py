"""What presented certificates say, and whether they can be trusted: OpenSSL's own verification, told apart by cause."""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tocsin.probes.inspection import ChainFault, Failure, Inspection, Link, is_address

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, GeneralName, Name, SubjectAlternativeName
    from cryptography.x509.verification import Store
    from OpenSSL import crypto

SMALLEST_RSA_BITS, SMALLEST_EC_BITS = 2048, 224
MOST_NAMES, LONGEST_NAME = 200, 253
WEAK_HASHES = ("MD5", "SHA1")
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}
_SIGNATURES = {
    "1.2.840.113549.1.1.4": "MD5-RSA",
    "1.2.840.113549.1.1.5": "SHA1-RSA",
    "1.2.840.113549.1.1.11": "SHA256-RSA",
    "1.2.840.113549.1.1.12": "SHA384-RSA",
    "1.2.840.113549.1.1.13": "SHA512-RSA",
    "1.2.840.113549.1.1.14": "SHA224-RSA",
    "1.2.840.10045.4.1": "ECDSA-SHA1",
    "1.2.840.10045.4.3.1": "ECDSA-SHA224",
    "1.2.840.10045.4.3.2": "ECDSA-SHA256",
    "1.2.840.10045.4.3.3": "ECDSA-SHA384",
    "1.2.840.10045.4.3.4": "ECDSA-SHA512",
    "1.2.840.10040.4.3": "DSA-SHA1",
    "2.16.840.1.101.3.4.3.2": "DSA-SHA256",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
_PSS = "1.2.840.113549.1.1.10"

# Source: OpenSSL, X509_STORE_CTX_get_error(3)
_NO_ISSUER = frozenset({2, 20, 21})
_OUTSIDE_ITS_TIME = frozenset({9, 10})
_SELF_SIGNED_LEAF, _SELF_SIGNED_ROOT = 18, 19


class Verdict(NamedTuple):
    fault: ChainFault | None
    error: str | None


def judge(
    presented: "Sequence[crypto.X509]", tls_version: str, hostname: str, now: datetime, ca_file: Path | None
) -> Inspection:
    """Return what *presented*, leaf first, means for *hostname*.  Raises ValueError: *ca_file* cannot be used."""
    from cryptography import x509

    unreadable = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
    try:
        certificates = [one.to_cryptography() for one in presented]
        links = tuple(map(_link, certificates))
        weakness = next(_weaknesses(certificates), None)
        matches = names_match(certificates[0], hostname)
    except unreadable:  # what cannot be parsed may still have been sent
        return Inspection(failure=Failure.TLS, detail="the certificate cannot be read")
    fault, error = verify(presented, now, ca_file)
    return Inspection(
        chain=links,
        tls_version=tls_version,
        chain_fault=fault,
        chain_error=error,
        hostname_match=matches,
        weakness=weakness,
    )


# --- trust -----------------------------------------------------------------------------------------------------------


def verify(presented: "Sequence[crypto.X509]", now: datetime, ca_file: Path | None) -> Verdict:
    """Return what is wrong with the chain as of *now*; a leaf outside its own time is looked at inside of it."""
    from OpenSSL import SSL, crypto

    roots = SSL.Context(SSL.TLS_CLIENT_METHOD)
    roots.set_default_verify_paths()
    if ca_file is not None:
        try:
            roots.load_verify_locations(str(ca_file))
        except SSL.Error as exc:
            raise ValueError(f"{ca_file} holds no certificates that can be read") from exc
    leaf = presented[0].to_cryptography()
    store = roots.get_cert_store()
    assert store is not None  # a context has one from the beginning  # noqa: S101
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(min(max(now, leaf.not_valid_before_utc), leaf.not_valid_after_utc))
    try:
        crypto.X509StoreContext(store, presented[0], presented[1:]).verify_certificate()
    except crypto.X509StoreContextError as exc:
        code, depth, text = exc.errors
        return _verdict(int(code), int(depth), str(text), exc.certificate.to_cryptography())
    return Verdict(None, None) if _is_for_servers(leaf) else Verdict(ChainFault.INVALID, "it is not made for servers")


def _verdict(code: int, depth: int, text: str, certificate: "Certificate") -> Verdict:
    subject, issuer = _common_name(certificate.subject), _common_name(certificate.issuer)
    if code == _SELF_SIGNED_LEAF:
        return Verdict(ChainFault.SELF_SIGNED, "it is signed by itself and not trusted")
    if code == _SELF_SIGNED_ROOT:
        return Verdict(ChainFault.UNTRUSTED, f"it leads to a root that is not trusted: {subject}")
    if code in _NO_ISSUER and depth == 0:
        return Verdict(ChainFault.INCOMPLETE, f"its issuer was not sent and is no trusted root: {issuer}")
    if code in _NO_ISSUER:
        return Verdict(ChainFault.UNTRUSTED, f"it leads to an authority that is not trusted: {issuer}")
    if code in _OUTSIDE_ITS_TIME:
        return Verdict(ChainFault.EXPIRED_IN_CHAIN, f"expired in chain: {subject}")
    return Verdict(ChainFault.INVALID, text)


def _is_for_servers(leaf: "Certificate") -> bool:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


# --- names -----------------------------------------------------------------------------------------------------------


def names_match(leaf: "Certificate", hostname: str) -> bool:
    """Return whether *leaf* is for *hostname*; only alternative names count, as in every browser.

    The verifier judges names as part of a whole chain only, so they are put on a certificate of our own.
    Source: RFC 6125; RFC 5280, 4.2.1.6.
    """
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, VerificationError

    names = _alternative_names(leaf)
    if names is None:
        return False
    try:
        subject = x509.IPAddress(ipaddress.ip_address(hostname)) if is_address(hostname) else x509.DNSName(hostname)
        anything = ExtensionPolicy.permit_all()
        authority = anything.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        named = anything.require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
        copy, store = _copy(names)
        builder = PolicyBuilder().store(store).time(copy.not_valid_before_utc + timedelta(hours=1))
        builder = builder.extension_policies(ca_policy=authority, ee_policy=named)
        verifier = builder.build_server_verifier(subject)
    except ValueError:  # no name that DNS allows, such as my_service: only its like matches
        return hostname in {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    try:
        verifier.verify(copy, [])
    except VerificationError:
        return False
    return True


def _copy(names: "SubjectAlternativeName") -> "tuple[Certificate, Store]":
    """Return a certificate with *names* that trusts itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.verification import Store

    key, nobody = _key(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tocsin")])
    begin = datetime(2026, 1, 1)  # noqa: DTZ001 -- any time: it is judged as of then
    copy = (
        x509.CertificateBuilder(nobody, nobody, key.public_key(), 1, begin, begin + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return copy, Store([copy])


@cache
def _key() -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _alternative_names(certificate: "Certificate") -> "SubjectAlternativeName | None":
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


# --- facts -----------------------------------------------------------------------------------------------------------


def readable(text: str) -> str:
    """Return what somebody else wrote as it may be shown: printable, and no longer than a name can be."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST_NAME])


def _link(certificate: "Certificate") -> Link:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    names: list[GeneralName] = list(_alternative_names(certificate) or ())
    shown = [readable(str(name.value)) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    return Link(
        subject_cn=_common_name(certificate.subject),
        issuer_cn=_common_name(certificate.issuer),
        issuer_org=_first(certificate.issuer, x509.NameOID.ORGANIZATION_NAME),
        sans=tuple(shown[:MOST_NAMES]),
        serial_number=f"{certificate.serial_number:x}",
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        signature_algorithm=_signature(certificate),
        key_type=_key_type(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _common_name(name: "Name") -> str:
    """Return the common name; authorities without one go by their organisation."""
    from cryptography.x509 import NameOID

    return _first(name, NameOID.COMMON_NAME) or _first(name, NameOID.ORGANIZATION_NAME) or ""


def _first(name: "Name", oid: Any) -> str | None:
    found = name.get_attributes_for_oid(oid)
    return readable(str(found[0].value)) if found else None


def _signature(certificate: "Certificate") -> str:
    """Return the algorithm as in `SHA256-RSA` or `ECDSA-SHA256`; what has no name here goes by its number."""
    number = certificate.signature_algorithm_oid.dotted_string
    if number == _PSS:
        algorithm = certificate.signature_hash_algorithm
        return f"{algorithm.name.upper()}-RSAPSS" if algorithm is not None else "RSAPSS"
    return _SIGNATURES.get(number, number)


def _key_type(certificate: "Certificate") -> str:
    """Return what kind of key it is for, such as `EC P-256` or `RSA 2048`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm:
        return certificate.public_key_algorithm_oid.dotted_string
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
    return certificate.public_key_algorithm_oid.dotted_string


def _weaknesses(presented: "Sequence[Certificate]") -> Iterator[str]:
    """Yield what is too weak, the leaf's first. The signature of a root protects nothing."""
    for position, certificate in enumerate(presented):
        where = "" if position == 0 else f" in {_common_name(certificate.subject)}"
        if (key := _weak_key(certificate)) is not None:
            yield key + where
        signature = _signature(certificate)
        is_root = certificate.subject == certificate.issuer and position > 0
        if not is_root and any(word in signature.split("-") for word in WEAK_HASHES):
            yield f"a {signature} signature{where}"


def _weak_key(certificate: "Certificate") -> str | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm:
        return None
    match key:
        case rsa.RSAPublicKey() if key.key_size < SMALLEST_RSA_BITS:
            return f"an RSA key of {key.key_size} bits"
        case ec.EllipticCurvePublicKey() if key.key_size < SMALLEST_EC_BITS:
            return f"an EC key of {key.key_size} bits"
        case dsa.DSAPublicKey():
            return "a DSA key"
    return None
