"""The addresses of pings, and what is kept of a body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.errors import AppError, Invalid, NotFound
from tocsin.heartbeats.intake import Target
from tocsin.heartbeats.models import InvalidExitCode, PingType
from tocsin.heartbeats.ping import Request, parse, text_of

UUID = "6f1b2c9e-5a7d-4c1e-9b83-0f2d7a4e1c55"
KEY = "s3cret_Key-0"
MINE, OURS = Target(uuid=UUID), Target(key=KEY, slug="nightly-backup")
WORDS = [
    ("", PingType.SUCCESS, None),
    ("/", PingType.SUCCESS, None),
    ("/start", PingType.START, None),
    ("/start/", PingType.START, None),
    ("/fail", PingType.FAIL, None),
    ("/log", PingType.LOG, None),
    ("/0", PingType.EXIT_CODE, 0),
    ("/1", PingType.EXIT_CODE, 1),
    ("/255", PingType.EXIT_CODE, 255),
    ("/000", PingType.EXIT_CODE, 0),
    ("/007", PingType.EXIT_CODE, 7),
]
BAD_CODES = [
    "256",
    "999",
    "0000",
    "0255",
    "+5",
    "-1",
    "1.0",
    " 1",
    "1 ",
    "0x1",
    "٣",
    "²",
    "1e2",
    "START",
    "Fail",
    "x",
    "1\n",
]


@pytest.mark.parametrize(("path", "target"), [(f"/ping/{UUID}", MINE), (f"/ping/{KEY}/nightly-backup", OURS)])
@pytest.mark.parametrize(("word", "kind", "code"), WORDS)
def test_the_address_says_who_and_what(path: str, target: Target, word: str, kind: PingType, code: int | None):
    assert parse(path + word, "") == Request(target, kind, code, None)


@pytest.mark.parametrize("path", [f"/ping/{UUID}", f"/ping/{KEY}/nightly-backup"])
@pytest.mark.parametrize("word", BAD_CODES)
def test_an_exit_code_is_up_to_three_digits_and_255(path: str, word: str):
    with pytest.raises(InvalidExitCode) as caught:
        parse(f"{path}/{word}", "")
    assert (caught.value.code, caught.value.field) == ("invalid_exit_code", "exit_code")


@pytest.mark.parametrize("path", [
    "/ping",
    "/ping/",
    "/ping//",
    f"/ping/{KEY}",
    f"/ping/{UUID.upper()}",
    f"/ping/{UUID[:-1]}",
    f"/ping/{UUID}0",
    f"/ping/{{{UUID}}}",
    f"/ping/{UUID.replace('-', '')}",
    f"/ping/{UUID}/start/0",
    f"/ping/{UUID}/0/0",
    f"/ping/{UUID}//0",
    f"/ping/{KEY}/nightly-backup/start/0",
    f"/ping/{KEY}/Nightly",
    f"/ping/{KEY}/-nightly",
    f"/ping/{KEY}/nightly-",
    f"/ping/{KEY}/{'a' * 101}",
    f"/ping/{KEY}/nächtlich",
    f"/ping/{KEY}/a b",
])  # fmt: skip
def test_what_is_no_ping_address_is_not_there(path: str):
    with pytest.raises(NotFound):
        parse(path, "")


@pytest.mark.parametrize("word", ["", "start", "fail", "log", "0"])
def test_an_upper_case_uuid_is_nobodys(word: str):
    """The text has to be exact. With something behind, it could be a key and a slug, of which there is none."""
    try:
        found = parse(f"/ping/{UUID.upper()}/{word}", "")
    except NotFound:
        assert word == ""
    else:
        assert found.target == Target(key=UUID.upper(), slug=word)


@pytest.mark.parametrize(("query", "run_id"), [
    ("", None),
    ("rid=", None),
    ("other=1", None),
    ("rid=a", "a"),
    ("rid=1&rid=2", "2"),
    (f"rid={UUID}", UUID),
    ("rid=2026-03-04T02%3A00.5_x", "2026-03-04T02:00.5_x"),
    (f"rid={'a' * 64}", "a" * 64),
])  # fmt: skip
def test_a_run_may_have_an_id(query: str, run_id: str | None):
    assert parse(f"/ping/{UUID}/start", query).run_id == run_id
    assert parse(f"/ping/{KEY}/job/0", query).run_id == run_id


@pytest.mark.parametrize("rid", ["a" * 65, "a+b", "%00", "a%0Ab", "%ff", "%E2%82%AC", "a/b", "a%2Fb", "'"])
def test_a_run_id_is_short_and_plain(rid: str):
    with pytest.raises(Invalid) as caught:
        parse(f"/ping/{UUID}", f"rid={rid}")
    assert caught.value.field == "rid"


@pytest.mark.parametrize(("query", "create"), [
    ("", False), ("create=1", True), ("create=0", False), ("create=true", False), ("create", False),
    ("create=1&rid=x", True), ("create=1&create=0", False),
])  # fmt: skip
def test_a_heartbeat_is_made_only_when_asked_for(query: str, create: bool):
    assert parse(f"/ping/{KEY}/job", query).target == Target(key=KEY, slug="job", create=create)
    assert parse(f"/ping/{UUID}", query).target == MINE


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_address_is_more_than_a_known_error(path: str, query: str):
    for start in ("/ping/", f"/ping/{UUID}/", f"/ping/{KEY}/"):
        try:
            found = parse(start + path, query)
        except AppError:
            continue
        assert found.exit_code is None or 0 <= found.exit_code <= 255


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "is_cut", "text"), [
    (b"", False, None),
    (b"done", False, "done"),
    ("größer €".encode(), False, "größer €"),
    ("€".encode()[:2], True, None),
    ("a€".encode()[:2], True, "a"),
    ("a€".encode()[:3], True, "a"),
    ("a€".encode(), True, "a€"),
    ("a🎉".encode()[:4], True, "a"),
    ("a€".encode()[:3], False, "a\ufffd"),
    (b"a\xffb", False, "a\ufffdb"),
    (b"a\xffb\xc3", True, "a\ufffdb"),
    (b"a\0b", False, "a\ufffdb"),
    (b"\xed\xa0\x80", False, "\ufffd\ufffd\ufffd"),
    (b"\xef\xbb\xbfx", False, "\ufeffx"),
    (b"a\r\nb\t\x1b[31m", False, "a\r\nb\t\x1b[31m"),
])  # fmt: skip
def test_a_body_is_kept_as_text_without_half_characters(body: bytes, is_cut: bool, text: str | None):
    assert text_of(body, is_cut=is_cut) == text


@given(st.binary(max_size=200), st.booleans())
def test_any_body_is_text_that_a_database_can_hold(body: bytes, is_cut: bool):
    text = text_of(body, is_cut=is_cut) or ""
    assert "\0" not in text
    assert text.encode().decode() == text
    assert len(text) <= len(body)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50), st.integers(0, 200))
def test_a_body_that_was_cut_is_the_beginning_of_what_was_sent(whole: str, limit: int):
    body = whole.encode()
    kept = text_of(body[:limit], is_cut=len(body) > limit) or ""
    assert whole.startswith(kept)
    assert len(kept.encode()) > min(limit, len(body)) - 4
