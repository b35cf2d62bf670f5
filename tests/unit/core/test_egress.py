"""Where Tocsin may connect to: the rest of the policy is tried where it is used."""

from ipaddress import ip_address

import pytest

from tocsin.core.egress import EgressPolicy, parse_rules
from tocsin.core.errors import TargetForbidden


def test_a_zone_makes_no_other_address_of_it():
    policy = EgressPolicy(parse_rules(""), parse_rules(""))
    for text in ("fd00:ec2::254%1", "fe80::1%eth0", "::1%lo"):
        with pytest.raises(TargetForbidden):
            policy.check("x", ip_address(text))
