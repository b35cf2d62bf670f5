"""HTTP checks against servers that do everything servers do: the verdict is right, in time, in bounds, and in words."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from integration.probes.conftest import GRACE_S, TIMEOUT_S, Lab, left, secrets_in, within_megabytes
from support.behaviours import (
    METADATA,
    Script,
    answer,
    banner,
    big_header,
    bomb,
    chunked,
    compressed,
    cut_short,
    endless_chunks,
    endless_head,
    garbage,
    hang_up,
    head,
    huge,
    in_turn,
    informed,
    late,
    many_headers,
    raw,
    redirect,
    redirect_loop,
    redirects,
    reset,
    routes,
    silent,
    slow_body,
    slow_head,
    until_close,
)
from support.nginx import nginx
from support.pki import Authority
from support.targets import (
    LOOPBACK4,
    LOOPBACK6,
    Connection,
    listen,
    refusing_port,
    serve,
    serve_on,
    unanswering_port,
)
from support.targets import Target as Server
from tocsin.probes.base import Cause, Result
from tocsin.probes.exchange import LARGEST_BODY
from tocsin.probes.request import HttpSpec, parse_target

ALL = LARGEST_BODY
"""The limit of a check that asks about the body."""


async def seen(lab: Lab, script: Script, path: str = "/?token=hunter2", **options: object) -> Result:
    """Return what a check sees of a server that does *script*; it lets go of it afterwards, and tells no secret."""
    async with serve(script) as target:
        result = await lab.get(target.base + path, **options)
        await left(target)
    assert not secrets_in(result, "hunter2")
    return result


# --- well behaved ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "status", "version"),
    [
        (answer(), 200, "1.1"),
        (answer(b"", 204), 204, "1.1"),
        (answer(b"", 304), 304, "1.1"),
        (answer(b"broken", 500), 500, "1.1"),
        (answer(b"?", 299), 299, "1.1"),
        (answer(b"?", 599), 599, "1.1"),
        (answer(b"late to its own end", 204, body_anyway=True), 204, "1.1"),
        (until_close(), 200, "1.0"),
        (chunked(b"a", b"bc", trailers={"X-End": "1"}), 200, "1.1"),
        (informed(answer(), 103), 200, "1.1"),
        (informed(answer(), 100, 102, 103), 200, "1.1"),
        (routes({}), 404, "1.1"),
    ],
)
async def test_an_answer_is_an_answer(lab: Lab, script: Script, status: int, version: str):
    for limit in (0, ALL):
        result = await seen(lab, script, body_limit=limit)
        assert (result.cause, result.error) == (None, None)
        assert result.http is not None
        assert (result.http.status, result.http.version, result.address) == (status, version, LOOPBACK4)


@pytest.mark.parametrize(
    ("script", "body"),
    [
        (answer(b"all of it"), b"all of it"),
        (answer(b""), b""),
        (until_close(b"until the end"), b"until the end"),
        (chunked(b"in", b"", b"parts"), b"in"),
        (chunked(b"in ", b"parts", trailers={"X-End": "1"}), b"in parts"),
        (compressed(b"small" * 1000, "gzip"), b"small" * 1000),
        (compressed(b"small" * 1000, "deflate"), b"small" * 1000),
        (compressed(b"small" * 1000, "raw deflate"), b"small" * 1000),
        (answer(b"no gzip at all", headers={"Content-Encoding": "gzip"}), b"no gzip at all"),
        (answer(b"unknown", headers={"Content-Encoding": "br"}), b"unknown"),
        (informed(answer(b"after all"), 103), b"after all"),
        (slow_body(0.005, b"slowly"), b"slowly"),
        (slow_head(0.002, b"slowly"), b"slowly"),
    ],
)
async def test_the_body_is_read_when_somebody_asks_about_it(lab: Lab, script: Script, body: bytes):
    result = await seen(lab, script, body_limit=ALL)
    assert result.cause is None
    assert result.http is not None
    assert (result.http.body, result.http.truncated) == (body, False)


async def test_without_a_question_about_the_body_none_is_read(lab: Lab):
    result = await seen(lab, slow_body(0.3), expected=frozenset({200}))
    assert result.cause is None
    assert result.http is not None
    assert result.http.body == b""


async def test_the_beginning_of_an_unexpected_answer_is_kept_as_evidence(lab: Lab):
    result = await seen(lab, answer(b"sorry " * 1000, 503), expected=frozenset({200}))
    assert result.http is not None
    assert (result.http.body, result.http.truncated) == ((b"sorry " * 1000)[:2048], True)


@pytest.mark.parametrize("script", [answer(b"x" * 100), answer(b"x" * 100, 500), answer(b"x" * 9, body_anyway=True)])
async def test_to_head_there_is_no_body(lab: Lab, script: Script):
    result = await seen(lab, script, method="HEAD", body_limit=ALL, expected=frozenset({200}))
    assert result.cause is None
    assert result.http is not None
    assert result.http.body == b""


async def test_the_request_is_what_was_configured(lab: Lab):
    async with serve(answer()) as target:
        spec = HttpSpec(parse_target(f"{target.base}/a?b=c"), "PUT", (("X-One", "1"), ("Host", "inner.test")), b"hello")
        assert (await lab.http(spec)).cause is None
        (request,) = target.requests
    assert (request.method, request.path, request.version, request.body) == ("PUT", "/a?b=c", "HTTP/1.1", b"hello")
    assert (request.header("X-One"), request.header("Host")) == ("1", "inner.test")
    assert request.header("Connection") == "close"


async def test_the_version_of_a_protocol_that_takes_over_does_not_matter(lab: Lab):
    upgraded = raw(head(101, {"Upgrade": "websocket", "Connection": "Upgrade"}) + b"\x81\x05hello")
    result = await seen(lab, upgraded, body_limit=ALL)
    assert result.http is not None
    assert (result.cause, result.http.status) == (None, 101)


# --- broken, silent, slow --------------------------------------------------------------------------------------------

TOO_LATE = f"no answer within {TIMEOUT_S:g} s"


@pytest.mark.parametrize(
    ("script", "cause", "error"),
    [
        (silent(), Cause.TIMEOUT, f"{TOO_LATE} (waiting for the answer)"),
        (late(3, answer()), Cause.TIMEOUT, f"{TOO_LATE} (waiting for the answer)"),
        (banner(b""), Cause.TIMEOUT, f"{TOO_LATE} (waiting for the answer)"),
        (slow_head(0.2), Cause.TIMEOUT, f"{TOO_LATE} (reading the answer)"),
        (slow_body(0.2), Cause.TIMEOUT, f"{TOO_LATE} (reading the answer)"),
        (banner(b"220 mail.test ESMTP\r\n"), Cause.PROTOCOL, "the answer is not HTTP"),
        (garbage(), Cause.PROTOCOL, "the answer is not HTTP"),
        (raw(b"HTTP/1.1 abc OK\r\n\r\n"), Cause.PROTOCOL, "the answer is not HTTP"),
        (raw(b"<html>HTTP/0.9</html>"), Cause.PROTOCOL, "the answer is not HTTP"),
        (raw(head(200, {"Content-Length": "-5"})), Cause.PROTOCOL, "the answer is not HTTP"),
        (raw(head(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\n"), Cause.PROTOCOL, "the answer is not HTTP"),
        (hang_up(), Cause.BROKEN_OFF, "connection closed without an answer"),
        (raw(b""), Cause.BROKEN_OFF, "connection closed without an answer"),
        (reset(at_once=True), Cause.BROKEN_OFF, "connection closed without an answer"),
        (reset(), Cause.BROKEN_OFF, "connection closed without an answer"),
        (raw(b"HTTP/1.1 200 OK\r\nX-Half"), Cause.BROKEN_OFF, "connection broken off in the middle of the answer"),
        (cut_short(), Cause.BROKEN_OFF, "connection broken off in the middle of the answer"),
        (reset(head(200) + b"some"), Cause.BROKEN_OFF, "connection broken off in the middle of the answer"),
        (
            raw(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nhe"),
            Cause.BROKEN_OFF,
            "connection broken off in the middle of the answer",
        ),
        (informed(hang_up(), 103), Cause.BROKEN_OFF, "connection broken off in the middle of the answer"),
    ],
)
async def test_what_is_no_answer_has_a_cause_in_words(lab: Lab, script: Script, cause: Cause, error: str):
    result = await seen(lab, script, body_limit=ALL)
    assert (result.cause, result.error) == (cause, error)


async def test_a_late_body_keeps_its_head_as_evidence(lab: Lab):
    result = await seen(lab, slow_body(0.2), body_limit=ALL)
    assert result.http is not None
    assert result.http.status == 200
    assert b"slowly".startswith(result.http.body[:6])


async def test_a_port_that_refuses(lab: Lab):
    with refusing_port() as port:
        result = await lab.get(f"http://127.0.0.1:{port}/?token=hunter2")
    assert (result.cause, result.error) == (Cause.REFUSED, f"connection refused by 127.0.0.1:{port}")
    assert result.phases.connect is None


async def test_a_port_where_nobody_answers(lab: Lab):
    with unanswering_port() as port:
        result = await lab.get(f"http://127.0.0.1:{port}/")
    assert (result.cause, result.error) == (Cause.TIMEOUT_CONNECT, f"{TOO_LATE} (connecting)")
    assert result.address == "127.0.0.1", "who was asked is known, though nobody answered"


@pytest.mark.parametrize(
    ("failure", "cause", "error"),
    [
        (
            socket.gaierror(socket.EAI_AGAIN, "?"),
            Cause.RESOLVER,
            "no name server could tell where web.test is",
        ),
        (socket.gaierror(socket.EAI_NONAME, "?"), Cause.NAME, "the name web.test does not exist"),
    ],
)
async def test_a_name_that_leads_nowhere(lab: Lab, failure: Exception, cause: Cause, error: str):
    lab.book["web.test"] = failure
    result = await lab.get("http://web.test/?token=hunter2")
    assert (result.cause, result.error) == (cause, error)


# --- too much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (huge(), None),
        (endless_chunks(), None),
        (bomb(), None),
        (bomb(2 * 2**30, layers=2), None),
        (endless_head(), Cause.PROTOCOL),
        (big_header(2**22), Cause.PROTOCOL),
        (many_headers(), Cause.PROTOCOL),
        (many_headers(1000), None),
        (raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000), Cause.PROTOCOL),
        (raw(b"HTTP/1.1 200 " + b"O" * 2**21), Cause.PROTOCOL),
    ],
)
async def test_whatever_comes_what_is_held_stays_small(lab: Lab, script: Script, cause: Cause | None):
    for limit in (ALL, 0):
        async with serve(script) as target:
            spec = HttpSpec(parse_target(target.base), body_limit=limit)
            with within_megabytes(14):  # the server's own megabytes are in it
                result = await lab.http(spec, 5)
            await left(target)
        assert result.cause is cause, result.error
        if result.http is not None:
            assert len(result.http.body) <= limit


@pytest.mark.parametrize("script", [huge(), endless_chunks(), bomb()])
async def test_of_a_body_without_end_a_megabyte_is_read(lab: Lab, script: Script):
    async with serve(script) as target:
        result = await lab.get(target.base, 5, body_limit=ALL)
        await left(target)
        assert target.sent < 2**26
    assert result.http is not None
    assert (len(result.http.body), result.http.truncated) == (ALL, True)


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "most", "status", "path"),
    [(3, 5, 200, "/3"), (5, 5, 200, "/5"), (6, 5, 302, "/5"), (1, 0, 302, "/")],
)
async def test_redirects_are_followed_as_far_as_allowed(lab: Lab, count: int, most: int, status: int, path: str):
    async with serve(redirects(count)) as target:
        result = await lab.get(target.base, max_redirects=most)
        await left(target)
        assert target.requests[-1].path == path
    assert result.http is not None
    assert (result.cause, result.http.status) == (None, status)


async def test_a_loop_ends_with_the_redirect_itself(lab: Lab):
    result = await seen(lab, redirect_loop())
    assert result.http is not None
    assert (result.cause, result.http.status) == (None, 302)


@pytest.mark.parametrize("to", ["next", "/next", "?q", "../next", "//{address}/next", "http://{address}/next#there"])
async def test_redirects_may_be_relative(lab: Lab, to: str):
    async with serve(answer(b"arrived")) as there:
        script = in_turn(redirect(to.format(address=there.address)), answer(b"arrived"))
        async with serve(script) as here:
            result = await lab.get(f"{here.base}/a/b", body_limit=ALL)
    assert result.http is not None
    assert (result.http.status, result.http.body) == (200, b"arrived")


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (303, "PUT", "GET", b""),
        (303, "HEAD", "HEAD", b""),
        (302, "HEAD", "HEAD", b""),
        (307, "POST", "POST", b"hello"),
        (308, "PUT", "PUT", b"hello"),
    ],
)
async def test_what_is_asked_after_a_redirect(lab: Lab, status: int, method: str, then: str, body: bytes):
    async with serve(in_turn(redirect("/next", status), answer())) as target:
        await lab.get(target.base, method=method, body=None if method == "HEAD" else b"hello")
        request = target.requests[-1]
    assert (request.path, request.method, request.body) == ("/next", then, body)


async def test_a_redirect_with_a_body_that_never_ends_is_followed_all_the_same(lab: Lab):
    endless = raw(head(302, {"Location": "/next", "Content-Length": "100000"}) + b"moved")

    async def hold(connection: Connection) -> None:
        await endless(connection)
        await connection.until_left()

    async with serve(in_turn(hold, answer(b"arrived"))) as target:
        result = await lab.get(target.base, body_limit=ALL)
        await left(target)
    assert result.http is not None
    assert (result.cause, result.http.body) == (None, b"arrived")


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_what_is_no_redirect_is_not_followed(lab: Lab, status: int):
    async with serve(in_turn(redirect("/next", status), answer())) as target:
        result = await lab.get(target.base)
        assert len(target.requests) == 1
    assert result.http is not None
    assert result.http.status == status


SECRET = (("Authorization", "Bearer hunter2"), ("X-Key", "hunter2"))


async def test_another_host_does_not_get_our_headers_and_they_do_not_come_back(lab: Lab):
    lab.book["other.test"] = [LOOPBACK4]
    async with serve(answer()) as here, serve(redirect(f"{here.base}/back")) as there:
        here.script = in_turn(redirect(f"http://other.test:{there.port}/"), answer())
        await lab.get(here.base, headers=SECRET)
        assert [request.header("X-Key") for request in here.requests] == ["hunter2", None]
        assert [request.header("Authorization") for request in there.requests] == [None]


async def test_the_same_host_keeps_our_headers(lab: Lab):
    async with serve(redirects(2)) as target:
        await lab.get(target.base, headers=SECRET)
        assert [request.header("X-Key") for request in target.requests] == ["hunter2"] * 3


async def test_our_headers_do_not_go_to_another_port_nor_out_of_tls(lab: Lab, authority: Authority):
    async with serve(answer()) as plain:
        for tls in (authority.good(), None):
            async with serve(redirect(plain.base), tls=tls) as here:
                assert (await lab.get(here.base, headers=SECRET)).cause is None
                assert here.requests[0].header("Authorization") == "Bearer hunter2"
        assert [request.header("Authorization") for request in plain.requests] == [None, None]


async def test_a_redirect_leads_from_plain_to_tls(lab: Lab, authority: Authority):
    async with serve(answer(b"safe"), tls=authority.good()) as there, serve(redirect(there.base)) as here:
        result = await lab.get(here.base, body_limit=ALL)
    assert result.http is not None
    assert (result.http.body, result.tls_version) == (b"safe", "TLSv1.3")
    assert result.phases.tls


@pytest.mark.parametrize(
    "to",
    [
        METADATA,
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://inner.test/",
    ],
)
async def test_a_redirect_leads_to_no_forbidden_address(lab: Lab, to: str):
    lab.book["inner.test"] = ["169.254.169.254"]
    result = await seen(lab, redirect(f"{to}?token=hunter2"))
    assert result.cause is Cause.FORBIDDEN
    assert "TOCSIN_EGRESS_ALLOW" in (result.error or "")


async def test_a_redirect_to_what_is_no_url(lab: Lab):
    result = await seen(lab, redirect("ftp://hunter2@inner.test/hunter2"))
    assert (result.cause, result.error) == (Cause.PROTOCOL, "redirected to something that is no http or https URL")


# --- addresses -------------------------------------------------------------------------------------------------------


async def test_ipv6(lab: Lab):
    async with serve(answer(), hosts=(LOOPBACK6,)) as target:
        result = await lab.get(target.base)
        assert target.requests[0].header("Host") == target.address
    assert (result.cause, result.address) == (None, LOOPBACK6)


@pytest.mark.parametrize("dead", ["refusing", "unanswering"])
async def test_when_the_first_address_is_dead_the_next_is_tried(lab: Lab, dead: str):
    """On 127.0.0.2 nobody listens, or the queue is full; on 127.0.0.1 there is somebody, at the same port."""
    (listener,) = listen(LOOPBACK4)
    port = listener.getsockname()[1]
    lab.book["web.test"] = ["127.0.0.2", LOOPBACK4]
    fillers = [socket.socket() for _ in range(3)]
    try:
        if dead == "unanswering":
            fillers[0].bind(("127.0.0.2", port))
            fillers[0].listen(0)
            for filler in fillers[1:]:
                filler.setblocking(False)
                with suppress(BlockingIOError):
                    filler.connect(("127.0.0.2", port))
        async with serve_on([listener], Server(answer())) as target:
            result = await lab.get(f"http://web.test:{port}/", 2)
            await left(target)
            assert len(target.requests) == 1
    finally:
        for filler in fillers:
            filler.close()
    assert (result.cause, result.address) == (None, LOOPBACK4)


async def test_when_no_address_takes_it_the_last_is_told(lab: Lab):
    with refusing_port() as port:
        lab.book["web.test"] = ["127.0.0.2", "127.0.0.1"]
        result = await lab.get(f"http://web.test:{port}/")
    assert (result.cause, result.error) == (Cause.REFUSED, f"connection refused by 127.0.0.1:{port}")


# --- egress ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"],
)
async def test_this_machine_is_refused_however_it_is_written(host: str):
    lab = Lab(allow="")
    try:
        async with serve(answer(), hosts=(LOOPBACK4, LOOPBACK6)) as target:
            result = await lab.get(f"http://{host}:{target.port}/")
            assert target.connections == 0
    finally:
        lab.names.close()
    assert result.cause is Cause.FORBIDDEN


async def test_a_name_that_changes_its_mind_after_it_was_checked_gains_nothing(ca_file: Path):
    """Each question gets another answer; what is asked is the address that was looked at, and nobody else."""
    lab = Lab(allow="127.0.0.1/32", ca_file=ca_file)
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    lab.look_up, asked = lab.look_up, []

    def look_up(host: str) -> list[object]:
        asked.append(host)
        lab.book[host] = answers[len(asked) - 1]
        return Lab.look_up(lab, host)

    lab.names._lookup = look_up
    listeners = listen("127.0.0.1", "127.0.0.2")
    reached = Server(answer()), Server(answer())
    try:
        async with serve_on([listeners[0]], reached[0]), serve_on([listeners[1]], reached[1]):
            url = f"http://rebound.test:{reached[0].port}/"
            assert (await lab.get(url)).cause is None
            lab.names._known.clear()  # time passes
            result = await lab.get(url)
    finally:
        lab.names.close()
    assert result.cause is Cause.FORBIDDEN
    assert (reached[0].connections, reached[1].connections) == (1, 0)
    assert asked == ["rebound.test"] * 2, "a check asks once, and uses what it was told"


async def test_of_several_addresses_only_the_allowed_ones_are_tried():
    lab = Lab(allow="127.0.0.1/32", book={"web.test": ["127.0.0.2", "127.0.0.1", "169.254.169.254"]})
    try:
        async with serve(answer()) as target:
            result = await lab.get(f"http://web.test:{target.port}/")
    finally:
        lab.names.close()
    assert (result.cause, result.address) == (None, LOOPBACK4)


async def test_what_is_denied_is_refused_though_it_is_public():
    lab = Lab(deny="192.0.2.0/24", book={"web.test": ["192.0.2.1"]})
    try:
        result = await lab.get("http://web.test/")
    finally:
        lab.names.close()
    assert (result.cause, "TOCSIN_EGRESS_DENY" in (result.error or "")) == (Cause.FORBIDDEN, True)


# --- TLS -------------------------------------------------------------------------------------------------------------


async def test_a_good_certificate(lab: Lab, authority: Authority):
    leaf = authority.good("localhost")
    async with serve(answer(b"safe"), tls=leaf) as target:
        lab.book["localhost"] = [LOOPBACK4]
        result = await lab.get(f"https://localhost:{target.port}/", body_limit=ALL, wants_certificate=True)
        await left(target)
        assert target.server_names == ["localhost"]
    assert (result.cause, result.error, result.tls_version) == (None, None, "TLSv1.3")
    assert result.certificate == leaf.der


async def test_a_dot_at_the_end_of_a_name_does_not_make_it_another(lab: Lab, authority: Authority):
    lab.book["localhost."] = [LOOPBACK4]
    async with serve(answer(), tls=authority.good("localhost")) as target:
        result = await lab.get(f"https://localhost.:{target.port}/")
    assert (result.cause, result.error) == (None, None)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "certificate not accepted: certificate has expired"),
        ("not_yet_valid", "certificate not accepted: certificate is not yet valid"),
        ("other_name", "certificate not accepted: IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ("self_signed", "certificate not accepted: self-signed certificate"),
        ("unknown_root", "certificate not accepted: self-signed certificate in certificate chain"),
        ("incomplete", "certificate not accepted: unable to get local issuer certificate"),
        ("expired_intermediate", "certificate not accepted: certificate has expired"),
        ("weak", "certificate not accepted: EE certificate key too weak"),
    ],
)
async def test_a_bad_certificate_is_told_in_words(lab: Lab, authority: Authority, kind: str, words: str):
    leaf = getattr(authority, kind)()
    async with serve(answer(), tls=leaf) as target:
        result = await lab.get(f"{target.base}/?token=hunter2")
        await left(target)
        assert target.requests == [], "nothing was said to whom we do not trust"
    assert (result.cause, result.error) == (Cause.TLS, words)


@pytest.mark.parametrize(
    "kind", ["expired", "not_yet_valid", "other_name", "self_signed", "unknown_root", "incomplete"]
)
async def test_who_does_not_mind_gets_an_answer_from_a_bad_certificate(lab: Lab, authority: Authority, kind: str):
    leaf = getattr(authority, kind)()
    async with serve(answer(), tls=leaf) as target:
        result = await lab.get(target.base, verify=False, wants_certificate=True)
        await left(target)
    assert (result.cause, result.certificate) == (None, leaf.der)


async def test_without_the_private_authority_nothing_of_it_is_trusted(authority: Authority):
    lab = Lab()
    try:
        async with serve(answer(), tls=authority.good()) as target:
            result = await lab.get(target.base)
    finally:
        lab.names.close()
    assert (result.cause, result.error) == (
        Cause.TLS,
        "certificate not accepted: unable to get local issuer certificate",
    )


async def test_an_old_version_of_tls(lab: Lab, authority: Authority, tmp_path: Path):
    more = "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"
    with nginx(tmp_path / "web", authority.good(), more=more) as web:
        for verify in (True, False):
            result = await lab.get(f"{web.tls_base}/ok", verify=verify)
            assert result.cause is Cause.TLS
            assert (result.error or "").startswith("TLS handshake failed: ")


async def test_nginx_says_what_it_is_asked(lab: Lab, authority: Authority, tmp_path: Path):
    with nginx(tmp_path / "web", authority.good()) as web:
        for base in (web.base, web.tls_base):
            found = [await lab.get(base + path, body_limit=ALL) for path in ("/ok", "/empty", "/moved", "/error")]
            assert [one.http.status for one in found if one.http] == [200, 204, 200, 500]
            late_one = await lab.get(f"{base}/slow", body_limit=ALL)
            assert late_one.cause is Cause.TIMEOUT


async def test_plain_where_tls_is_expected(lab: Lab):
    async with serve(garbage()) as target:
        target.script = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", at_once=True)
        result = await lab.get(f"https://{target.address}/")
        await left(target)
    assert result.cause is Cause.TLS
    assert (result.error or "").startswith("TLS handshake failed: ")


@pytest.mark.parametrize("script", [reset(at_once=True), hang_up()])
async def test_a_connection_that_ends_in_the_handshake(lab: Lab, script: Script):
    async with serve(script) as target:
        result = await lab.get(f"https://{target.address}/")
        await left(target)
    assert (result.cause, result.error) == (Cause.TLS, "connection broken off in the TLS handshake")


async def test_a_handshake_that_never_comes_to_an_end(lab: Lab):
    async with serve(silent()) as target:
        result = await lab.get(f"https://{target.address}/")
        await left(target)
    assert (result.cause, result.error) == (Cause.TIMEOUT, f"{TOO_LATE} (TLS handshake)")


async def test_what_is_said_before_the_handshake_is_no_answer(lab: Lab, authority: Authority):
    """Who sits in between could say "200 OK" in clear, and let the real handshake follow."""

    async def inject(connection: Connection) -> None:
        await connection.send(head(200, {"Content-Length": "2"}) + b"ok")
        await asyncio.sleep(0.2)
        with suppress(OSError, ssl.SSLError):
            await connection.start_tls(authority.good())
            await answer(b"the truth", 503)(connection)

    async with serve(inject) as target:
        for _ in range(lab_turns(lab)):
            await lab.dialer.handshake_turn()  # a queue gives the injected words time to arrive
        result = await lab.get(f"https://{target.address}/", 2)
        await left(target)
    assert result.http is None or result.http.status != 200
    assert result.cause is Cause.TLS


def lab_turns(lab: Lab) -> int:
    return lab.dialer._handshakes._value


async def test_an_answer_that_is_not_closed_in_order_is_whole_if_its_length_says_so(lab: Lab, authority: Authority):
    script = reset(head(200, {"Content-Length": "5"}) + b"hello")
    async with serve(script, tls=authority.good()) as target:
        result = await lab.get(target.base, body_limit=ALL)
    assert result.http is not None
    assert (result.cause, result.http.body) == (None, b"hello")


# --- phases ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hops", [0, 3])
@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_phases_are_there_and_add_up(lab: Lab, authority: Authority, hops: int, encrypted: bool):
    lab.book["localhost"] = [LOOPBACK4]
    tls = authority.good("localhost") if encrypted else None
    async with serve(redirects(hops, late(0.05, answer())), tls=tls) as target:
        scheme = "https" if encrypted else "http"
        phases = (await lab.get(f"{scheme}://localhost:{target.port}/", 5)).phases
    assert None not in (phases.dns, phases.connect, phases.first_byte)
    assert (phases.tls is not None) is encrypted
    parts = [part or 0 for part in phases[1:]]
    assert sum(parts) <= phases.total + 1000
    assert (phases.first_byte or 0) >= 50_000


async def test_the_total_ends_with_the_head_not_with_the_body(lab: Lab):
    result = await seen(lab, slow_body(0.05, b"slow body"), body_limit=ALL, timeout_s=5)
    assert result.cause is None
    assert result.phases.total < 300_000


async def test_a_failure_has_the_phases_that_were_over(lab: Lab, authority: Authority):
    quiet = await seen(lab, silent())
    assert quiet.phases.connect is not None
    assert (quiet.phases.tls, quiet.phases.first_byte) == (None, None)
    assert quiet.phases.total >= TIMEOUT_S * 1_000_000
    async with serve(answer(), tls=authority.expired()) as target:
        refused = await lab.get(target.base)
    assert refused.phases.tls is not None


# --- cancelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "scheme"),
    [(silent(), "http"), (silent(), "https"), (slow_head(0.1), "http"), (slow_body(0.1), "http"), (huge(), "http")],
)
async def test_who_is_cancelled_closes_the_connection_at_once(lab: Lab, script: Script, scheme: str):
    async with serve(script) as target:
        spec = HttpSpec(parse_target(f"{scheme}://{target.address}/"), body_limit=2**30)
        asking = asyncio.create_task(lab.http(spec, 30))
        await asyncio.sleep(0.25)
        assert target.open == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await left(target)


async def test_who_is_cancelled_while_connecting_leaves_nothing(lab: Lab):
    with unanswering_port() as port:
        asking = asyncio.create_task(lab.get(f"http://127.0.0.1:{port}/", 30))
        await asyncio.sleep(0.1)
        before = len(connecting(port))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0.05)
        assert len(connecting(port)) == before - 1


def connecting(port: int) -> list[str]:
    """Return the connections to *port* that nobody has taken yet."""
    wanted = f":{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[2].endswith(wanted) and row[3] == "02"]


async def test_cancelling_at_any_moment_leaves_no_connection_and_no_place_taken(lab: Lab, authority: Authority):
    async with serve(redirects(2, slow_body(0.002)), tls=authority.good()) as target:
        for step in range(60):
            asking = asyncio.create_task(lab.get(target.base, 5, body_limit=ALL))
            await asyncio.sleep(step * 0.0005)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
        await left(target)
        result = await lab.get(target.base, 5, body_limit=ALL)
    assert result.cause is None


async def test_more_checks_of_one_host_than_it_may_have_wait_and_are_not_late_for_it(lab: Lab):
    async with serve(late(0.3, answer())) as target:
        results = await asyncio.gather(
            *(lab._http.probe(HttpSpec(parse_target(target.base)), TIMEOUT_S) for _ in range(40))
        )
        await left(target)
    assert [result.cause for result in results] == [None] * 40
    assert max(result.phases.total for result in results) < (TIMEOUT_S + GRACE_S) * 1_000_000
