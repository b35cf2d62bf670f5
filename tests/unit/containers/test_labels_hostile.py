"""Labels are written by anybody: the worst of them must not hide a container."""

import pytest

from tocsin.containers.labels import identity_key, keyed_by_name, read_traits
from tocsin.containers.models import Severity

SWARM = "com.docker.swarm."


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("1", 1), ("10000", 10000), ("10001", 3), ("007", 7), (" 5 ", 5), ("", 3), ("+5", 3), ("5.0", 3), ("٥", 3),
        ("²", 3), ("9" * 300, 3),
        pytest.param(
            "000000001" + "0" * 20,
            3
        ),
    ],
)  # fmt: skip
def test_the_threshold_is_a_number_within_bounds(text: str, threshold: int):
    assert read_traits({"tocsin.alert.restart_threshold": text}).restart_threshold == threshold


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10), ("9.999s", None), ("7d", 604_800), ("7d1s", None), ("1h30m", 5400), ("-1h", None), ("0", None),
        ("9" * 500 + "s", None),
    ],
)  # fmt: skip
def test_the_window_has_bounds(text: str, seconds: int | None):
    assert read_traits({"tocsin.alert.restart_window": text}).restart_window_seconds == seconds


def test_our_own_label_wins_over_the_alias():
    labels = {"tocsin.alert.severity": "info", "maintenant.alert.severity": "critical"}
    assert read_traits(labels).alert_severity is Severity.INFO


def test_long_texts_are_cut():
    assert read_traits({"tocsin.group": "x" * 10_000}).custom_group == "x" * 255


@pytest.mark.parametrize("task", ["web.x.y", "web", "web.", "other.3.y", "", "web.-3.y", "web.².y"])
def test_a_task_without_a_slot(task: str):
    labels = {f"{SWARM}service.name": "web", f"{SWARM}task.name": task}
    assert read_traits(labels).swarm_task_slot is None
    assert identity_key("plain", labels) == "swarm:web/plain"


def test_an_endless_slot_hides_no_container():
    labels = {f"{SWARM}service.name": "web", f"{SWARM}task.name": f"web.{'9' * 5000}.y"}
    assert read_traits(labels).swarm_service_name == "web"


def test_swarm_is_told_from_compose():
    traits = read_traits({f"{SWARM}service.name": "web", f"{SWARM}service.id": "s1", f"{SWARM}node.id": "n1"})
    assert (traits.controller_kind, traits.swarm_service_id, traits.swarm_node_id) == ("swarm-service", "s1", "n1")
    assert read_traits({"com.docker.compose.project": "shop"}).controller_kind is None


@pytest.mark.parametrize(("key", "by_name"), [("name:web", True), ("compose:a/b/1", False), ("swarm:web/1", False)])
def test_which_keys_are_names(key: str, by_name: bool):
    assert keyed_by_name(key) is by_name
