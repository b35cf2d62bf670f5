"""What the API shows of a container."""

import msgspec
import pytest

from support.factories import at, container
from tocsin.containers.models import UNGROUPED, Change, ContainerView, GroupSource, Health, Severity, State, Traits
from tocsin.containers.models import ContainerHealthChanged as HealthChangedEvent
from tocsin.containers.models import ContainerStateChanged as StateChangedEvent
from tocsin.containers.views import change_event, group_of, grouped, is_live, natural, view


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["web-10", "web-2", "web-1"], ["web-1", "web-2", "web-10"]),
        (["b", "A", "a1"], ["A", "a1", "b"]),
        (["x", "1", "10", "2"], ["1", "2", "10", "x"]),
        (["v1.10", "v1.9", "v1"], ["v1", "v1.9", "v1.10"]),
        (["db", ""], ["", "db"]),
        (["a²", "a10"], ["a10", "a²"]),
    ],
)
def test_names_are_sorted_as_people_do(names: list[str], ordered: list[str]):
    assert sorted(names, key=natural) == ordered


@pytest.mark.parametrize(
    ("traits", "group"),
    [
        (Traits(), (UNGROUPED, GroupSource.DEFAULT)),
        (Traits(orchestration_group="shop"), ("shop", GroupSource.COMPOSE)),
        (Traits(orchestration_group="shop", custom_group="mine"), ("mine", GroupSource.LABEL)),
        (Traits(orchestration_group="stack", controller_kind="swarm-service"), ("stack", GroupSource.NAMESPACE)),
        (Traits(controller_kind="swarm-service"), (UNGROUPED, GroupSource.NAMESPACE)),
    ],
)
def test_the_group_and_where_its_name_comes_from(traits: Traits, group: tuple[str, GroupSource]):
    assert group_of(container(traits=traits)) == group


def test_groups_stand_in_the_order_of_their_first_container():
    shop, mine = Traits(orchestration_group="shop"), Traits(custom_group="mine")
    subjects = [container(id=number, traits=traits) for number, traits in enumerate((shop, mine, shop), start=1)]
    groups = grouped(subjects, 600)
    assert [(group.name, [shown.id for shown in group.containers]) for group in groups] == [
        ("shop", [1, 3]),
        ("mine", [2]),
    ]


def test_the_view_has_every_field_and_nothing_is_left_out():
    traits = Traits(
        orchestration_group="g", orchestration_unit="u", compose_working_dir="/w", custom_group="c", is_ignored=True,
        alert_severity=Severity.CRITICAL, restart_threshold=9, restart_window_seconds=60, alert_channels="ops",
        controller_kind="swarm-service", swarm_service_id="i", swarm_service_name="n", swarm_node_id="o",
        swarm_task_slot=4, depends_on=("db",),
    )  # fmt: skip
    subject = container(
        traits=traits, health=Health.HEALTHY, has_health_check=True, exit_code=3, error_detail="e", restart_count=2,
        restart_alert=Severity.WARNING, missing_since=at(1), stale_since=at(2), archived_at=at(3), finished_at=at(4),
    )  # fmt: skip
    shown = msgspec.to_builtins(view(subject, 600))
    assert shown.keys() == {field.encode_name for field in msgspec.structs.fields(ContainerView)}
    assert {name for name, value in shown.items() if value is None} == {
        "namespace", "swarm_service_mode", "swarm_desired_replicas", "security_highest_severity",
    }  # fmt: skip
    for name in msgspec.structs.fields(Traits):
        if name.name == "monitors":
            continue  # what they ask for is shown where it is watched
        assert shown[name.name] == msgspec.to_builtins(getattr(traits, name.name))
    assert (shown["restart_loop"], shown["archived"], shown["restart_count"]) == (True, True, 2)
    assert shown["external_id"] == subject.runtime_id


@pytest.mark.parametrize(("label", "shown"), [(None, 600), (60, 60)])
def test_the_window_is_the_setting_unless_a_label_says_otherwise(label: int | None, shown: int):
    assert view(container(traits=Traits(restart_window_seconds=label)), 600).restart_window_seconds == shown


@pytest.mark.parametrize("state", State)
def test_ready_is_what_runs(state: State):
    assert view(container(state=state), 600).ready_count == (1 if state is State.RUNNING else 0)


@pytest.mark.parametrize(
    ("overrides", "live"),
    [
        ({"state": State.RUNNING}, True),
        ({"state": State.PAUSED}, True),
        ({"state": State.RESTARTING}, True),
        ({"state": State.EXITED}, False),
        ({"state": State.CREATED}, False),
        ({"state": State.RUNNING, "missing_since": at(1)}, False),
        ({"state": State.RUNNING, "archived_at": at(1)}, False),
    ],
)
def test_what_is_live(overrides: dict[str, object], live: bool):
    assert is_live(container(**overrides)) is live


def test_a_line_of_the_timeline_is_one_fact():
    ended = Change(at=at(1), previous_state=State.RUNNING, new_state=State.EXITED, exit_code=2, restarts=0)
    fact = change_event(container(), ended)
    assert isinstance(fact, StateChangedEvent)
    assert (fact.id, fact.container_id, fact.previous_state, fact.state, fact.exit_code) == (
        1, 1, State.RUNNING, State.EXITED, 2,
    )  # fmt: skip


def test_a_change_of_health_is_its_own_fact():
    ill = Change(
        at=at(1), previous_state=State.RUNNING, new_state=State.RUNNING, previous_health=None,
        new_health=Health.UNHEALTHY, health=Health.UNHEALTHY,
    )  # fmt: skip
    fact = change_event(container(), ill)
    assert isinstance(fact, HealthChangedEvent)
    assert (fact.previous_health, fact.health_status) == (None, Health.UNHEALTHY)
