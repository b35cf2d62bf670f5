"""Odd input to durations and egress rules."""

import ipaddress
from datetime import timedelta

import pytest

from tocsin.core.durations import parse_duration
from tocsin.core.egress import EgressPolicy, parse_rules
from tocsin.core.errors import TargetForbidden


@pytest.mark.parametrize("text", ["+0", "-0", "0", "0h", "-0s", "0.0s"])
def test_zero_needs_no_unit(text: str):
    assert parse_duration(text) == timedelta(0)


@pytest.mark.parametrize("text", ["--0", "+-0", "-+-+0"])
def test_zero_has_at_most_one_sign(text: str):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", [".s", ".", "-", "+", "1..5s", "1.5.5s", "5s\n", "\n5s", "5s5", "s5", "1_0s", "+-5s", "1h-5m", "0 ", "00"]
)
def test_nothing_else_is_a_duration(text: str):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_what_is_below_a_microsecond_is_cut_off():
    assert parse_duration("1999ns") == timedelta(microseconds=1)
    assert parse_duration("-1999ns") == -timedelta(microseconds=1)
    assert parse_duration("999ns999ns") == timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "hosts", "networks"),
    [
        ("", set(), []),
        (" , ", set(), []),
        ("Router.Local., a_b", {"router.local", "a_b"}, []),
        ("10.0.0.7/8, ::1", set(), ["10.0.0.0/8", "::1/128"]),
    ],
)
def test_lists_of_hosts_and_networks(text: str, hosts: set[str], networks: list[str]):
    rules = parse_rules(text)
    assert (set(rules.hosts), [str(network) for network in rules.networks]) == (hosts, networks)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "http://x", "a b", "*.example.org", "10.0.0.0/8;x"])
def test_what_is_neither_host_nor_network(text: str):
    with pytest.raises(ValueError, match="neither"):
        parse_rules(text)


@pytest.mark.parametrize("address", ["64:ff9b::a9fe:a9fe", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1"])
def test_the_metadata_address_cannot_hide(address: str):
    policy = EgressPolicy(parse_rules("10.0.0.0/8"), parse_rules(""))
    with pytest.raises(TargetForbidden):
        policy.check("x", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["64:ff9b::a00:1", "::ffff:10.0.0.1", "2002:a00:1::"])
def test_a_hidden_address_is_refused_by_the_list_of_what_it_is(address: str):
    policy = EgressPolicy(parse_rules("10.0.0.1"), parse_rules("10.0.0.0/8"))
    with pytest.raises(TargetForbidden, match="EGRESS_DENY"):
        policy.check("x", ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("network", "address"),
    [("64:ff9b::/96", "64:ff9b::808:808"), ("2002::/16", "2002:808:808::1"), ("::ffff:0:0/96", "::ffff:8.8.8.8")],
)
def test_a_denied_network_is_denied_as_written(network: str, address: str):
    with pytest.raises(TargetForbidden):
        EgressPolicy(parse_rules(""), parse_rules(network)).check("x", ipaddress.ip_address(address))
