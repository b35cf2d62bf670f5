"""Monitors that labels and endpoints ask for: there as long as somebody wants them."""

import pytest
from msgspec.structs import replace

from conftest import Start
from integration.alerts.conftest import alerts, raised
from integration.certificates.conftest import (
    HERE,
    add,
    change,
    check_by_https,
    get,
    listed,
    look,
    no_longer,
    put,
    remove,
    run,
)
from support.behaviours import answer, hang_up
from support.pki import Authority
from support.program import Program
from support.targets import refusing_port, serve
from tocsin.core.clock import SystemClock


async def shown(program: Program) -> list[tuple[str, int, str]]:
    return [(one["hostname"], one["port"], one["source"]) for one in await listed(program)]


# --- labels ----------------------------------------------------------------------------------------------------------


async def test_a_label_names_what_is_watched(watch: Program):
    await run(watch, "shop", "https://A.test./x, 127.0.0.1:8443, not a host, a.test:443, smtp://mail.test")
    assert await shown(watch) == [("127.0.0.1", 8443, "label"), ("a.test", 443, "label"), ("mail.test", 587, "label")]
    first = (await listed(watch))[0]
    assert (first["container_names"], first["warn_at_lifetime_percent"]) == (["shop"], 33)
    assert first["external_id"] == (await watch.client.containers())["shop"]["external_id"]
    refused = await watch.client.delete(f"/api/v1/certificates/{first['id']}")
    assert (refused.status, refused.code) == (409, "cannot_delete_auto")
    assert (await put(watch, first["id"], {"warning_thresholds": [5]})).status == 200


async def test_a_monitor_lives_while_any_container_names_it(watch: Program):
    await run(watch, "one", "shared.test, mine.test")
    await run(watch, "two", "shared.test")
    shared = next(one for one in await listed(watch) if one["hostname"] == "shared.test")
    assert shared["container_names"] == ["one", "two"]

    await remove(watch, "one")

    (left,) = await listed(watch)
    assert (left["id"], left["container_names"]) == (shared["id"], ["two"])
    await remove(watch, "two")
    assert await listed(watch) == []
    assert len(watch.seen("certificate.deleted")) == 2


async def test_a_container_that_is_deleted_takes_its_references_along(watch: Program):
    number = await run(watch, "one", "a.test")
    found = (await watch.client.containers())["one"]
    await remove(watch, "one")
    assert (await watch.client.delete(f"/api/v1/containers/{number}")).status == 204, found
    assert await listed(watch) == []


async def test_a_label_that_changes_is_followed(watch: Program):
    await run(watch, "shop", "a.test, b.test")
    kept = (await listed(watch))[1]["id"]
    await remove(watch, "shop")
    await run(watch, "shop", "b.test, c.test:8443")
    assert await shown(watch) == [("b.test", 443, "label"), ("c.test", 8443, "label")]
    assert (await listed(watch))[0]["id"] != kept  # it was gone for good in between
    await remove(watch, "shop")
    await run(watch, "shop", "smtp://b.test:443")
    assert [one["protocol"] for one in await listed(watch)] == ["smtp"]


async def test_who_is_ignored_has_nothing_watched(watch: Program):
    await run(watch, "shop", "a.test", **{"tocsin.ignore": "true"})
    assert await listed(watch) == []


async def test_a_label_takes_nothing_from_what_people_added(watch: Program):
    with refusing_port() as port:
        mine = (await add(watch, port))["certificate"]
        await run(watch, "shop", f"localhost:{port}")
        (only,) = await listed(watch)
        assert (only["id"], only["source"], only["container_names"]) == (mine["id"], "standalone", ["shop"])

        assert (await watch.client.delete(f"/api/v1/certificates/{mine['id']}")).status == 204

        (after,) = await listed(watch)
        assert (after["source"], after["container_names"]) == ("label", ["shop"])
        assert (await watch.client.get(f"/api/v1/certificates/{mine['id']}")).status == 404


async def test_a_label_cannot_point_tocsin_at_itself(start: Start):
    async with start() as program:
        await run(program, "shop", "localhost:8080")
        number = (await listed(program))[0]["id"]
        found = await look(program, number)
        assert found["status"] == "error"
        assert "allow it with TOCSIN_EGRESS_ALLOW" in found["last_error"]


async def test_an_alert_about_a_label_goes_where_its_container_says(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.expired()) as target:
        labels = {"tocsin.group": "web", "tocsin.alert.channels": "ops"}
        await run(watch, "shop", f"localhost:{target.port}", **labels)
        await watch.tocsin.certificate_watch.look_at_due()
    (alert,) = await alerts(watch)
    assert (alert["alert_type"], alert["group"], alert["channels"], alert["host"]) == ("expired", "web", "ops", "local")
    await remove(watch, "shop")
    assert (await raised(watch, "expired", "resolved"))["resolution"] == "entity_removed"


async def test_what_cannot_be_reached_with_its_container_is_told_under_it(watch: Program):
    with refusing_port() as port:
        number = await run(watch, "shop", f"localhost:{port}")
        certificate = (await listed(watch))[0]["id"]
        await watch.tocsin.db.write(lambda tx: watch.tocsin.alert_engine.take(tx, [_down(number)]))
        await look(watch, certificate, times=3)
    cause = await raised(watch, "container_down")
    assert (await raised(watch, "unreachable"))["cause_id"] == cause["id"]


def _down(container_id: int):
    from tocsin.alerts.models import EntityType, Raise, Source, Subject
    from tocsin.containers.models import Severity

    subject = Subject(type=EntityType.CONTAINER, key=str(container_id), id=container_id, name="shop")
    return Raise(
        source=Source.CONTAINER,
        alert_type="container_down",
        severity=Severity.CRITICAL,
        subject=subject,
        message="shop is down",
        details={},
        at=SystemClock().now(),
    )


# --- endpoints -------------------------------------------------------------------------------------------------------


async def test_an_https_endpoint_has_its_certificate_watched(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.expired()) as target:
        endpoint = await check_by_https(watch, f"https://LOCALHOST:{target.port}/health")
        (found,) = await listed(watch)
        assert (found["source"], found["endpoint_id"], found["status"]) == ("auto", endpoint.id, "unknown")
        await watch.tocsin.certificate_watch.look_at_due()
        assert (await get(watch, found["id"]))["certificate"]["status"] == "expired"

        refused = await watch.client.delete(f"/api/v1/certificates/{found['id']}")
        assert (refused.status, refused.code) == (409, "cannot_delete_auto")
        refused = await watch.client.post("/api/v1/certificates", {"hostname": "localhost", "port": target.port})
        assert (refused.status, refused.code) == (409, "already_auto_detected")

        await no_longer(watch, endpoint)
    assert await listed(watch) == []
    assert (await raised(watch, "expired", "resolved"))["resolution"] == "entity_removed"


async def test_an_endpoint_of_the_api_brings_its_certificate_and_takes_it_along(watch: Program, authority: Authority):
    async with serve(answer(b"ok"), tls=authority.expires_in(3)) as target:
        body = {"name": "shop", "target": f"{target.base}/health", "endpoint_type": "http"}
        made = await watch.client.post("/api/v1/endpoints", body)
        assert made.status == 201, made.body
        number = made.json["endpoint"]["id"]
        (found,) = await listed(watch)
        assert (found["source"], found["endpoint_id"], found["hostname"]) == ("auto", number, "127.0.0.1")
        await watch.tocsin.certificate_watch.look_at_due()
        assert (await raised(watch, "expiring"))["severity"] == "critical"

        assert (await watch.client.post(f"/api/v1/endpoints/{number}/pause")).status == 200
        assert (await listed(watch))[0]["next_check_at"] is None
        assert (await watch.client.post(f"/api/v1/endpoints/{number}/resume")).status == 200
        assert (await listed(watch))[0]["next_check_at"] is not None

        assert (await watch.client.delete(f"/api/v1/endpoints/{number}")).status == 204
    assert await listed(watch) == []
    assert (await raised(watch, "expiring", "resolved"))["resolution"] == "entity_removed"


@pytest.mark.parametrize("target", ["http://a.test/", "https://", "nonsense"])
async def test_only_https_has_a_certificate(watch: Program, target: str):
    await check_by_https(watch, target)
    assert await listed(watch) == []


async def test_one_host_has_one_monitor_however_many_endpoints(watch: Program):
    first = await check_by_https(watch, "https://a.test/one")
    second = await check_by_https(watch, "https://a.test:443/two")
    (found,) = await listed(watch)
    await no_longer(watch, first)
    (left,) = await listed(watch)
    assert (left["id"], left["endpoint_id"]) == (found["id"], second.id)
    await no_longer(watch, second)
    assert await listed(watch) == []


async def test_an_endpoint_that_moves_takes_its_monitor_along(watch: Program):
    endpoint = await check_by_https(watch, "https://a.test")
    moved = await change(watch, endpoint, replace(endpoint, target="https://b.test"))
    assert await shown(watch) == [("b.test", 443, "auto")]
    await change(watch, moved, replace(moved, target="http://b.test"))
    assert await shown(watch) == []


async def test_while_its_endpoint_is_paused_nobody_looks(watch: Program):
    with refusing_port() as port:
        endpoint = await check_by_https(watch, f"https://localhost:{port}/")
        number = (await listed(watch))[0]["id"]
        await look(watch, number, times=3)
        assert (await raised(watch, "unreachable"))["status"] == "active"

        paused = await change(watch, endpoint, replace(endpoint, paused_at=SystemClock().now()))

        assert (await get(watch, number))["certificate"]["next_check_at"] is None
        assert (await raised(watch, "unreachable", "resolved"))["resolution"] == "recovered"
        await look(watch, number)
        assert (await get(watch, number))["certificate"]["next_check_at"] is None
        await change(watch, paused, endpoint)
        assert (await get(watch, number))["certificate"]["next_check_at"] is not None


async def test_another_endpoint_goes_on_when_one_is_paused(watch: Program):
    first = await check_by_https(watch, "https://a.test/one")
    paused = await check_by_https(watch, "https://a.test/two", paused_at=SystemClock().now())
    stopped = await change(watch, first, replace(first, suspended_at=SystemClock().now()))
    assert (await listed(watch))[0]["next_check_at"] is None
    await change(watch, paused, replace(paused, paused_at=None))
    (found,) = await listed(watch)
    assert (found["endpoint_id"], found["next_check_at"] is None) == (paused.id, False)
    await no_longer(watch, stopped)
    assert len(await listed(watch)) == 1


async def test_an_endpoint_that_minds_no_certificate_minds_not_who_signed_it(watch: Program):
    await check_by_https(watch, "https://nas.test", tls_verify=False)
    assert [one["accept_untrusted"] for one in await listed(watch)] == [True]


async def test_what_two_want_goes_from_hand_to_hand(watch: Program):
    endpoint = await check_by_https(watch, "https://a.test")
    number = (await listed(watch))[0]["id"]
    await run(watch, "shop", "a.test")
    assert await shown(watch) == [("a.test", 443, "auto")]

    await no_longer(watch, endpoint)
    (found,) = await listed(watch)
    assert (found["id"], found["source"], found["endpoint_id"]) == (number, "label", None)

    again = await check_by_https(watch, "https://a.test")
    await remove(watch, "shop")
    assert [(one["id"], one["source"], one["endpoint_id"]) for one in await listed(watch)] == [
        (number, "auto", again.id)
    ]


async def test_what_a_reaction_missed_is_made_up_for(watch: Program):
    number = await run(watch, "shop", "a.test")
    sources = {one.name: one for one in watch.tocsin.db._reactions.by_name.values()}
    reaction = sources["certificates_of_labels"]
    await watch.tocsin.db.write(lambda tx: reaction.rederive(tx, f"container:{number}"))
    assert await shown(watch) == [("a.test", 443, "label")]


async def test_what_the_alert_engine_missed_is_told_from_how_things_are(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.expires_in(2)) as target:
        number = (await add(watch, target.port))["certificate"]["id"]
    rederive = watch.tocsin.db._reactions.by_name["certificate_alerts"].rederive
    (before,) = await alerts(watch)
    await watch.tocsin.db.write(lambda tx: rederive(tx, f"certificate:{number}"))
    (after,) = await alerts(watch)
    assert (after["id"], after["occurrences"], after["severity"]) == (before["id"], 2, before["severity"])
    assert after["details"]["threshold_days"] == 3
    await watch.tocsin.db.write(lambda tx: rederive(tx, "certificate:999"))


async def test_there_is_an_end_to_how_many(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tocsin.certificates.react.MOST_CERTIFICATES", 2)
    monkeypatch.setattr("tocsin.certificates.service.MOST_CERTIFICATES", 2)
    async with start(**HERE) as program:
        await run(program, "shop", "a.test, b.test, c.test")
        assert len(await listed(program)) == 2
        refused = await program.client.post("/api/v1/certificates", {"hostname": "127.0.0.1"})
        assert (refused.status, refused.code) == (409, "conflict")
