"""`host:port` as people write it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.errors import Invalid
from tocsin.endpoints.config import check_target
from tocsin.endpoints.models import EndpointType
from tocsin.endpoints.targets import parse_host_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db:5432", ("db", 5432)),
        (" db:1 ", ("db", 1)),
        ("db:65535", ("db", 65535)),
        ("DB.Example.:443", ("db.example", 443)),
        ("_srv.web_1:80", ("_srv.web_1", 80)),
        ("10.0.0.1:80", ("10.0.0.1", 80)),
        ("[fd00::5]:5432", ("fd00::5", 5432)),
        ("[FD00:0:0::5]:5432", ("fd00::5", 5432)),
        ("[::1]:1", ("::1", 1)),
        ("[::ffff:127.0.0.1]:80", ("::ffff:7f00:1", 80)),
        ("bücher.test:80", ("xn--bcher-kva.test", 80)),
    ],
)
def test_host_and_port(text: str, expected: tuple[str, int]):
    assert parse_host_port(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "db",
        ":80",
        "db:",
        "db:0",
        "db:65536",
        "db:999999",
        "db:-1",
        "db:+80",
        "db:8O",
        "db:٨٠",
        "db:80:81",
        "fd00::5:5432",
        "fd00::5",
        "[fd00::5]",
        "[fd00::5",
        "[]:80",
        "[nonsense]:80",
        "http://db:80",
        "db/x:80",
        "a b:80",
        "-db:80",
        "db\x00:80",
        f"{'a' * 300}:80",
    ],
)
def test_what_is_no_host_and_port_is_refused_in_one_sentence(text: str):
    with pytest.raises(Invalid) as refused:
        parse_host_port(text)
    assert refused.value.field == "target"
    assert refused.value.message.startswith("target")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.1.1.1", ("1.1.1.1", 53)),
        ("ns.test:5353", ("ns.test", 5353)),
        ("fd00::53", ("fd00::53", 53)),
        ("[fd00::53]", ("fd00::53", 53)),
        ("[fd00::53]:5353", ("fd00::53", 5353)),
    ],
)
def test_a_port_may_be_left_out_where_one_is_usual(text: str, expected: tuple[str, int]):
    assert parse_host_port(text, default_port=53) == expected


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_with_a_port_comes_back_as_it_was(address: object, port: int):
    shown = f"[{address}]" if ":" in str(address) else str(address)
    assert parse_host_port(f"{shown}:{port}") == (str(address), port)


@given(st.text(max_size=40))
def test_whatever_people_write_is_understood_or_refused(text: str):
    for endpoint_type in EndpointType:
        with suppress(Invalid):
            assert check_target(endpoint_type, text) == text.strip()


@pytest.mark.parametrize("endpoint_type", [EndpointType.DNS, EndpointType.ICMP])
@pytest.mark.parametrize("text", ["web.test", "web.test.", "10.0.0.1", "fd00::5", "::1", "a_b.test", "bücher.test"])
def test_a_host_is_a_name_or_an_address(endpoint_type: EndpointType, text: str):
    assert check_target(endpoint_type, f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "web test", "http://web/", "web:80", "-a.test", f"{'a' * 64}.test", ":::", "1:2", "f:a.c"]
)
def test_what_is_neither_name_nor_address_is_refused(text: str):
    with pytest.raises(Invalid) as refused:
        check_target(EndpointType.ICMP, text)
    assert refused.value.field == "target"


@pytest.mark.parametrize(
    "text",
    [
        "http://web/",
        "https://web.test:8443/a/b?c=d",
        "HTTP://web/",
        "http://[fd00::5]:8080/",
        "http://10.0.0.1/",
        "http://bücher.test/",
        "http://web/?q=ü",
    ],
)
def test_urls_that_can_be_checked(text: str):
    assert check_target(EndpointType.HTTP, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "/health",
        "web/health",
        "ftp://web/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://web:0/",
        "http://web:65536/",
        "http://we b/",
        "http://web/\r\nX-Evil: 1",
        "http://web\\@evil/",
        "http://user@web/",
        "http://user:pass@web/",
        "http://[::1/",
        "http://" + "a" * 5000,
    ],
)
def test_urls_that_cannot_be_checked_are_refused(text: str):
    with pytest.raises(Invalid) as refused:
        check_target(EndpointType.HTTP, text)
    assert refused.value.field == "target"
    assert "pass" not in refused.value.message or "password" in refused.value.message
