"""Certificates that nobody would make: whatever can be sent, something is said about it."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto

from support.pki import Authority
from tocsin.probes.chain import judge
from tocsin.probes.inspection import Failure

NOW = datetime.now(UTC)
AUTHORITY = Authority()
LEAF = AUTHORITY.issue("localhost", "127.0.0.1", "*.shop.test")
MIDDLE = crypto.X509.from_cryptography(AUTHORITY.intermediate)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LEAF.der) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore")  # about what certificates must not be
def test_a_broken_certificate_is_judged_or_unreadable(changes: list[tuple[int, int]]):
    der = bytearray(LEAF.der)
    for position, byte in changes:
        der[position] = byte
    try:
        broken = crypto.load_certificate(crypto.FILETYPE_ASN1, bytes(der))
    except crypto.Error:
        return  # no handshake gets as far as this
    found = judge([broken, MIDDLE], "TLSv1.3", "localhost", NOW, None)
    assert found.failure in {None, Failure.TLS}
    assert (found.leaf is None) is (found.failure is Failure.TLS)


def test_a_certificate_without_any_name_has_empty_ones():
    name = x509.Name([])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    key = LEAF.key
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, datetime(2027, 1, 1, tzinfo=UTC))
    bare = crypto.X509.from_cryptography(builder.sign(key, hashes.SHA256()))
    found = judge([bare], "TLSv1.2", "localhost", NOW, None)
    assert found.leaf is not None
    assert (found.leaf.subject_cn, found.leaf.issuer_cn, found.leaf.issuer_org) == ("", "", None)
    assert found.hostname_match is False
