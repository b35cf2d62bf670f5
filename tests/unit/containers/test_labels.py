"""What labels say, and who a container is."""

import pytest

from tocsin.containers.labels import identity_key, read_traits
from tocsin.containers.models import Severity, Traits

COMPOSE = "com.docker.compose."
SWARM = "com.docker.swarm."


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, Traits()),
        ({"tocsin.ignore": "true"}, Traits(is_ignored=True)),
        ({"tocsin.ignore": "1"}, Traits(is_ignored=True)),
        ({"tocsin.ignore": "yes"}, Traits()),
        ({"maintenant.ignore": "true"}, Traits(is_ignored=True)),
        ({"tocsin.ignore": "false", "maintenant.ignore": "true"}, Traits()),
        ({"tocsin.group": "  red  "}, Traits(custom_group="red")),
        ({"tocsin.group": ""}, Traits()),
        ({"tocsin.alert.severity": "critical"}, Traits(alert_severity=Severity.CRITICAL)),
        ({"tocsin.alert.severity": "CRITICAL"}, Traits()),
        ({"maintenant.alert.severity": "info"}, Traits(alert_severity=Severity.INFO)),
        ({"tocsin.alert.restart_threshold": "7"}, Traits(restart_threshold=7)),
        ({"tocsin.alert.restart_threshold": "0"}, Traits()),
        ({"tocsin.alert.restart_threshold": "-3"}, Traits()),
        ({"tocsin.alert.restart_threshold": "many"}, Traits()),
        ({"tocsin.alert.restart_threshold": "99999999999999"}, Traits()),
        ({"tocsin.alert.restart_window": "1h"}, Traits(restart_window_seconds=3600)),
        ({"tocsin.alert.restart_window": "1d"}, Traits(restart_window_seconds=86_400)),
        ({"tocsin.alert.restart_window": "1s"}, Traits()),
        ({"tocsin.alert.restart_window": "soon"}, Traits()),
        ({"tocsin.alert.channels": "ops, mail"}, Traits(alert_channels="ops, mail")),
        ({"tocsin.depends_on": "db, queue,,db"}, Traits(depends_on=("db", "queue"))),
        (
            {"com.docker.compose.depends_on": "db:service_healthy:true,cache:service_started:false"},
            Traits(depends_on=("db", "cache")),
        ),
        (
            {f"{COMPOSE}project": "shop", f"{COMPOSE}service": "api"},
            Traits(orchestration_group="shop", orchestration_unit="api"),
        ),
        ({"com.docker.stack.namespace": "shop"}, Traits(orchestration_group="shop")),
    ],
)
def test_labels_are_read_and_bad_values_count_as_absent(labels: dict[str, str], expected: Traits):
    assert read_traits(labels) == expected


def compose(**more: str) -> dict[str, str]:
    labels = {"project": "shop", "service": "api", "container-number": "2", **more}
    return {COMPOSE + name.replace("_", "-"): value for name, value in labels.items()}


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        ({}, "name:web"),
        (compose(), "compose:shop/api/2"),
        ({f"{COMPOSE}project": "shop", f"{COMPOSE}service": "api"}, "compose:shop/api/1"),
        ({f"{COMPOSE}project": "shop"}, "name:web"),
        (compose(oneoff="True"), "name:web"),
        (compose(oneoff="False"), "compose:shop/api/2"),
        ({f"{SWARM}service.name": "web", f"{SWARM}task.name": "web.3.k2jx"}, "swarm:web/3"),
        (
            {f"{SWARM}service.name": "web", f"{SWARM}task.name": "web.n0de.k2", f"{SWARM}node.id": "n0de"},
            "swarm:web/n0de",
        ),
    ],
)
def test_who_a_container_is(labels: dict[str, str], key: str):
    assert identity_key("web", labels) == key
