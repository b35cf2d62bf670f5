"""Host names in one form, whatever people and labels write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.certificates.hosts import MOST_OF_ONE_LABEL, Place, normal, of_url, parse, parse_list, shown
from tocsin.probes.starttls import Protocol


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("www.Example.ORG", Place("www.example.org", 443)),
        (" example.org. ", Place("example.org", 443)),
        ("https://example.org/path?x#y", Place("example.org", 443)),
        ("HTTPS://example.org:8443/", Place("example.org", 8443)),
        ("http://example.org", Place("example.org", 443)),
        ("example.org:8443", Place("example.org", 8443)),
        ("Bücher.example", Place("xn--bcher-kva.example", 443)),
        ("my_service:8443", Place("my_service", 8443)),
        ("192.0.2.7:853", Place("192.0.2.7", 853)),
        ("[2001:DB8::0:7]:8443", Place("2001:db8::7", 8443)),
        ("[2001:db8::7]", Place("2001:db8::7", 443)),
        ("2001:db8::7", Place("2001:db8::7", 443)),
        ("smtp://mail.example.org", Place("mail.example.org", 587, Protocol.SMTP)),
        ("smtp://mail.example.org:25", Place("mail.example.org", 25, Protocol.SMTP)),
        ("imap://mail.example.org", Place("mail.example.org", 143, Protocol.IMAP)),
        ("postgresql://db/shop", Place("db", 5432, Protocol.POSTGRES)),
    ],
)
def test_what_is_written_is_one_place(written: str, means: Place):
    assert parse(written).place() == means


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "://example.org", "ftp://example.org", "a b", "exa mple.org", "-a.example", "a-.example", "a..b", ".",
        "example.org:0", "example.org:65536", "example.org:x", "example.org:", "example.org:-1", "[::1", "[::1]x",
        "[example.org]", "user@example.org", "a" * 64 + ".example", "a." * 130 + "b", "ex\x00ample", "*.example.org",
        "example.org:٤٤٣",
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(written: str):
    with pytest.raises(ValueError, match=r"^(a host such as|a port is|before ://)"):
        parse(written)


@given(st.text(max_size=60))
def test_whatever_is_written_is_refused_or_has_a_form_that_stays(text: str):
    try:
        hostname = normal(text)
    except ValueError:
        return
    assert normal(hostname) == hostname
    assert hostname.isascii()
    assert parse(shown(hostname, 8443)).place() == Place(hostname, 8443)


def test_a_label_names_each_place_once_and_what_is_wrong_is_left_out():
    text = "a.example, https://A.example/x ,b.example:8443,,no host, a.example:70000, smtp://mail.example"
    assert parse_list(text) == [
        Place("a.example", 443),
        Place("b.example", 8443),
        Place("mail.example", 587, Protocol.SMTP),
    ]
    assert parse_list("") == []


def test_a_label_names_at_most_fifty_places():
    assert len(parse_list(",".join(f"h{number}.example" for number in range(200)))) == MOST_OF_ONE_LABEL


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("https://Shop.example/health", Place("shop.example", 443)),
        ("https://[::1]:8443/", Place("::1", 8443)),
        ("https://user:pw@shop.example:444", Place("shop.example", 444)),
        ("http://shop.example", None),
        ("https://", None),
        ("https://shop.example:99999/", None),
        ("shop.example:443", None),
        ("https://[bad", None),
    ],
)
def test_only_https_urls_have_a_certificate(url: str, means: Place | None):
    assert of_url(url) == means
