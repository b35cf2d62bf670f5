"""What a live client may ask for, who it is, and choices among words."""

import ipaddress
from typing import Any

import pytest

from tocsin.containers.models import State
from tocsin.core.errors import InvalidParam
from tocsin.http.asgi import client_address, is_https
from tocsin.http.live import parse_types, read_query
from tocsin.http.params import choice

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("", []),
        (" , ,", []),
        ("container.state_changed", ["container.state_changed"]),
        ("container.*, runtime.status", ["container.*", "runtime.status"]),
        ("*", ["*"]),
    ],
)
def test_types_that_can_be_asked_for(text: str, patterns: list[str]):
    assert parse_types(text) == patterns


@pytest.mark.parametrize(
    "text", ["Container.*", "container.", ".x", "a..b", "*.b", "a.*.b", "a*", "a b", "a\nb", "<x>", ",".join("a" * 51)]
)
def test_types_that_make_no_sense(text: str):
    with pytest.raises(InvalidParam) as caught:
        parse_types(text)
    assert caught.value.field == "types"


def asked(query: str, *headers: tuple[str, str]) -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {"query_string": query.encode(), "headers": pairs}


@pytest.mark.parametrize(
    ("scope", "patterns", "last_id"),
    [
        (asked(""), (), None),
        (asked("types=container.*%2Cruntime.status"), ("container.*", "runtime.status"), None),
        (asked("types=container.*,*"), (), None),
        (asked("last_event_id=17"), (), 17),
        (asked("", ("last-event-id", "0")), (), 0),
        (asked("last_event_id=3", ("last-event-id", "18")), (), 18),
        (asked("last_event_id="), (), None),
    ],
)
def test_what_a_live_client_asks_for(scope: dict[str, Any], patterns: tuple[str, ...], last_id: int | None):
    wanted, last = read_query(scope)
    assert (wanted.patterns, last) == (patterns, last_id)


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "%20", "1e3", "9" * 19, "%D9%A3"])
def test_a_last_id_is_a_number(text: str):
    with pytest.raises(InvalidParam) as caught:
        read_query(asked(f"last_event_id={text}"))
    assert caught.value.field == "last_event_id"


def test_a_choice_is_one_of_its_words():
    assert choice("state", None, State) is None
    assert choice("state", "paused", State) is State.PAUSED
    for text in ("", "PAUSED", "stopped"):
        with pytest.raises(InvalidParam, match="running") as caught:
            choice("state", text, State)
        assert caught.value.field == "state"


# --- who is calling --------------------------------------------------------------------------------------------------


def request(peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {"client": (peer, 1) if peer else None, "headers": pairs, "scheme": scheme}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, fd00::2", "6.6.6.6"),
        ("10.0.0.1", "198.51.100.7:4711", "10.0.0.1"),
        ("10.0.0.1", "unknown, 10.0.0.9", "10.0.0.9"),
        ("11.0.0.1", "198.51.100.7", "11.0.0.1"),
    ],
)
def test_the_chain_of_proxies_is_read_from_the_right(peer: str, forwarded: str, address: str):
    assert client_address(request(peer, ("x-forwarded-for", forwarded)), PROXIES) == address


def test_without_trusted_proxies_the_peer_is_who_calls():
    assert client_address(request("10.0.0.1", ("x-forwarded-for", "1.2.3.4")), ()) == "10.0.0.1"
    assert client_address(request(None), PROXIES) == ""


def test_a_line_the_client_sent_does_not_hide_the_line_of_the_proxy():
    scope = request("10.0.0.1", ("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7"))
    assert client_address(scope, PROXIES) == "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "scheme", "proto", "https"),
    [
        ("10.0.0.1", "http", "https", True),
        ("10.0.0.1", "http", "http", False),
        ("192.0.2.1", "http", "https", False),
        ("192.0.2.1", "https", "http", True),
    ],
)
def test_only_trusted_proxies_say_that_it_was_https(peer: str, scheme: str, proto: str, https: bool):
    assert is_https(request(peer, ("x-forwarded-proto", proto), scheme=scheme), PROXIES) is https
