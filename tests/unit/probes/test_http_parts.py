"""URLs taken apart, requests put together, redirects read: nothing gets in that is not meant to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.errors import Invalid
from tocsin.probes.base import Cause, Failed, HttpAnswer
from tocsin.probes.request import HttpSpec, Target, build_request, location_of, parse_target

HERE = parse_target("https://web.test/a/b?c=d")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://web.test", Target("http", "web.test", 80, "/", "web.test")),
        ("https://web.test/", Target("https", "web.test", 443, "/", "web.test")),
        ("HTTP://WEB.test:8080/x?y=1#z", Target("http", "web.test", 8080, "/x?y=1", "web.test:8080")),
        ("https://web.test:80/", Target("https", "web.test", 80, "/", "web.test:80")),
        ("http://[2001:db8::1]:81/", Target("http", "2001:db8::1", 81, "/", "[2001:db8::1]:81")),
        ("http://[::1]", Target("http", "::1", 80, "/", "[::1]")),
        ("http://bücher.test/ä?ö", Target("http", "xn--bcher-kva.test", 80, "/%C3%A4?%C3%B6", "xn--bcher-kva.test")),
        ("http://web.test/x%2fy/a%20b", Target("http", "web.test", 80, "/x%2fy/a%20b", "web.test")),
        ("http://web.test?only=query", Target("http", "web.test", 80, "/?only=query", "web.test")),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target):
    found = parse_target(url)
    assert found._replace(path=found.path.lower()) == target._replace(path=target.path.lower())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "web.test",
        "ftp://web.test/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://web.test:0/",
        "http://web.test:65536/",
        "http://web.test:port/",
        "http://user:password@web.test/",
        "http://user@web.test/",
        "http://:password@web.test/",
        "http://web.test\\@evil.test/",
        "http://web.test/a b",
        "http://web.test/\r\nX-Evil: 1",
        "http://web.test/\x00",
        "http://web.test/\x7f",
        "http://web.test:80\r\nX-Evil: 1/",
        "http://[::1",
        "http://[not-an-address]/",
    ],
)
def test_what_is_no_url_is_refused_in_a_sentence(url: str):
    with pytest.raises(Invalid) as refused:
        parse_target(url)
    assert refused.value.message.startswith("target ")
    assert "password" not in refused.value.message.replace("user name or password", "")


WILD = st.text(max_size=40) | st.text(st.sampled_from("/?#@:[]%\\.\r\n\t 0aA-é\u2028\u212a\uff0e\x85"), max_size=40)


@given(
    st.tuples(st.sampled_from(["http://", "https://", "http://web.test", "http://web.test/", ""]), WILD).map("".join)
)
def test_whatever_is_written_there_is_one_request_line_and_one_host(url: str):
    try:
        target = parse_target(url)
    except Invalid:
        return
    head = build_request(HttpSpec(target, headers=(("X-One", "1"),)))
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert re.fullmatch(rb"GET /[\x21-\x7e]* HTTP/1\.1", first)
    assert [line.partition(b":")[0] for line in lines] == [
        b"Host",
        b"User-Agent",
        b"Accept",
        b"Accept-Encoding",
        b"X-One",
        b"Connection",
    ]
    assert re.fullmatch(rb"Host: [\x21-\x7e]+", lines[0])
    assert b"@" not in lines[0]


def asked(**changes: object) -> list[str]:
    spec = HttpSpec(HERE)._replace(**changes)
    return build_request(spec).decode("latin-1").split("\r\n")


def test_a_request_says_who_asks_and_that_it_will_not_stay():
    lines = asked()
    assert lines[:2] == ["GET /a/b?c=d HTTP/1.1", "Host: web.test"]
    assert any(line.startswith("User-Agent: Tocsin/") for line in lines)
    assert "Accept-Encoding: identity" in lines
    assert lines[-3:] == ["Connection: close", "", ""]


def test_compression_is_asked_for_when_the_body_is_wanted():
    assert "Accept-Encoding: gzip, deflate" in asked(body_limit=1000)


def test_own_headers_take_the_place_of_ours():
    lines = asked(headers=(("host", "inner.test"), ("USER-AGENT", "me"), ("Accept", "text/html")))
    assert [line for line in lines if line.lower().startswith(("host:", "user-agent:", "accept:"))] == [
        "host: inner.test",
        "USER-AGENT: me",
        "Accept: text/html",
    ]


@pytest.mark.parametrize("name", ["Connection", "content-length", "Transfer-Encoding", "upgrade", "Expect"])
def test_what_frames_the_request_cannot_be_said_by_others(name: str):
    lines = asked(headers=((name, "chunked"),), method="POST", body=b"hello")
    assert [line for line in lines if line.lower().startswith(name.lower())] in (
        [],
        ["Connection: close"],
        ["Content-Length: 5"],
    )


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", None, []), ("POST", None, ["0"]), ("POST", b"", ["0"]), ("PUT", b"123", ["3"]), ("GET", b"12", ["2"])],
)
def test_the_length_is_that_of_the_body(method: str, body: bytes | None, length: list[str]):
    lines = asked(method=method, body=body)
    assert [line.partition(": ")[2] for line in lines if line.startswith("Content-Length")] == length
    assert lines[-1] == (body or b"").decode()


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"), max_size=50))
def test_no_text_in_a_header_becomes_another_header(value: str):
    """Control characters are refused where headers are configured; everything else stays on its line."""
    head = build_request(HttpSpec(HERE, headers=(("X-One", value),)))
    assert head.count(b"\r") == head.count(b"\n") == len(asked()) - 1 + 1


# --- redirects -------------------------------------------------------------------------------------------------------


def leading(to: str | bytes) -> HttpAnswer:
    raw = to if isinstance(to, bytes) else to.encode("latin-1", "replace")
    return HttpAnswer(status=302, head=b"HTTP/1.1 302 Found\r\nLocation: " + raw + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("to", "base"),
    [
        ("/x", "https://web.test/x"),
        ("x", "https://web.test/a/x"),
        ("../x", "https://web.test/x"),
        ("?q=2", "https://web.test/a/b?q=2"),
        ("//other.test/x", "https://other.test/x"),
        ("http://other.test:81/x#fragment", "http://other.test:81/x"),
        ("https://user:secret@other.test/", "https://other.test/"),
        ("http://169.254.169.254/latest/", "http://169.254.169.254/latest/"),
        ("http://2130706433/", "http://2130706433/"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/"),
    ],
)
def test_a_redirect_leads_there(to: str, base: str):
    assert location_of(HERE, leading(to)) == parse_target(base)


@pytest.mark.parametrize("to", ["ftp://web.test/", "file:///etc/passwd", "http://", "http://[::1", "http://a:99999/"])
def test_a_redirect_to_what_we_do_not_ask_is_told_without_saying_where(to: str):
    with pytest.raises(Failed) as failed:
        location_of(HERE, leading(to))
    assert (failed.value.cause, to in failed.value.error) == (Cause.PROTOCOL, False)


@pytest.mark.parametrize("header", [b"", b"Location:\r\n", b"Location: \r\n", b"X-Location: /there\r\n"])
def test_a_redirect_that_says_nothing_leads_nowhere(header: bytes):
    assert location_of(HERE, HttpAnswer(status=302, head=b"HTTP/1.1 302 Found\r\n" + header + b"\r\n")) is None


@given(st.binary(max_size=60) | WILD.map(lambda text: text.encode("utf-8", "replace")))
def test_no_redirect_breaks_anything(to: bytes):
    try:
        found = location_of(HERE, leading(to))
    except Failed:
        return
    if found is not None:
        request = build_request(HttpSpec(found))
        assert re.match(rb"GET /[\x21-\x7e]* HTTP/1\.1\r\nHost: [\x21-\x7e]+\r\nUser-Agent", request)


def test_several_headers_of_one_name_are_one():
    answer = HttpAnswer(status=200, head=b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\nX-B:  3 \r\nX-D: a: b\r\n\r\n")
    assert (answer.version, answer.header("X-D")) == ("1.1", "a: b")
    assert (answer.header("X-A"), answer.header("x-b"), answer.header("X-C")) == ("1, 2", "3", None)
