"""Certificates over HTTP: real servers, each database."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from conftest import Start
from integration.alerts.conftest import alerts, raised
from integration.certificates.conftest import HERE, add, get, listed, look, put
from support.behaviours import hang_up
from support.pki import Authority
from support.program import Answer, Program, until
from support.starttls import smtp
from support.targets import refusing_port, serve, unanswering_port
from tocsin.certificates import store
from tocsin.certificates.models import CertificateCheck, CertificateCheckDetail, CertificateItem, CertificateView
from tocsin.core.clock import to_ms
from tocsin.probes.inspection import Failure, Inspection


def error(answer: Answer) -> tuple[int, str, Any]:
    found = answer.json["error"]
    return answer.status, found["code"], found.get("field")


def keys(kind: type[Any]) -> set[str]:
    return set(kind.__struct_encode_fields__)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- what is shown ---------------------------------------------------------------------------------------------------


async def test_a_new_monitor_has_its_first_look_in_the_answer(watch: Program, authority: Authority):
    leaf = authority.expires_in(60)
    async with serve(hang_up(), tls=leaf) as target:
        made = await add(watch, target.port)

    certificate, check = made["certificate"], made["latest_check"]
    assert certificate.keys() == keys(CertificateView)
    assert check.keys() == keys(CertificateCheck)
    assert (certificate["hostname"], certificate["port"], certificate["source"]) == (
        "localhost",
        target.port,
        "standalone",
    )
    assert (certificate["status"], certificate["problems"], certificate["last_error"]) == ("valid", [], None)
    assert (certificate["check_interval_seconds"], certificate["warning_thresholds"]) == (43200, [30, 14, 7, 3, 1])
    assert (certificate["warn_at_lifetime_percent"], certificate["days_remaining"]) == (33, 60)
    assert check["fingerprint_sha256"] == leaf.fingerprint
    assert (check["issuer_org"], check["key_type"], check["tls_version"]) == ("Tocsin Test", "EC P-256", "TLSv1.3")
    assert check["sans"] == ["localhost", "127.0.0.1", "::1"]
    assert (check["chain_valid"], check["hostname_match"], check["days_remaining"]) == (True, True, 60)
    wait = when(certificate["next_check_at"]) - when(certificate["last_check_at"])
    assert timedelta(hours=12) <= wait <= timedelta(hours=12.6)

    shown = await get(watch, certificate["id"])
    assert shown["certificate"] == certificate
    assert shown["latest_check"].keys() == keys(CertificateCheckDetail)
    chain = shown["latest_check"]["chain"]
    assert [(link["position"], link["subject_cn"]) for link in chain] == [
        (0, "localhost"),
        (1, "Tocsin Test Intermediate"),
    ]
    assert {link["check_result_id"] for link in chain} == {check["id"]}
    (item,) = await listed(watch)
    assert item.keys() == keys(CertificateItem)
    assert item["latest_check"] == check
    assert [event["status"] for event in watch.seen("certificate.check_completed")] == ["valid"]
    assert [event["port"] for event in watch.seen("certificate.created")] == [target.port]


@pytest.mark.parametrize(
    ("kind", "status", "problem", "severity", "words"),
    [
        ("expired", "expired", "expired", "critical", "expired on"),
        ("expires_in", "expiring", "expiring", "critical", "expires in 5 days, on"),
        ("not_yet_valid", "error", "not_yet_valid", "critical", "is not valid before"),
        ("other_name", "error", "hostname_mismatch", "critical", "it is for somebody-else.test, not for localhost"),
        ("self_signed", "error", "chain_invalid", "critical", "signed by itself"),
        ("incomplete", "error", "chain_invalid", "critical", "its issuer was not sent"),
        ("unknown_root", "error", "chain_invalid", "critical", "a root that is not trusted: Somebody Else Root"),
        ("expired_intermediate", "error", "chain_invalid", "critical", "expired in chain"),
        ("weak", "valid", "weak_key", "warning", "an RSA key of 1024 bits"),
    ],
)
async def test_each_bad_certificate_is_one_alert_that_says_why(
    watch: Program, authority: Authority, kind: str, status: str, problem: str, severity: str, words: str
):
    make = getattr(authority, kind)
    async with serve(hang_up(), tls=make(5) if kind == "expires_in" else make()) as target:
        made = (await add(watch, target.port))["certificate"]
        assert (made["status"], made["problems"]) == (status, [problem])

        (alert,) = await alerts(watch)
        assert (alert["source"], alert["alert_type"], alert["severity"]) == ("certificate", problem, severity)
        assert (alert["entity_type"], alert["entity_id"]) == ("certificate", made["id"])
        assert alert["entity_name"] == f"localhost:{target.port}"
        assert words in alert["message"]
        assert (alert["details"]["monitor_id"], alert["details"]["alert_type"]) == (made["id"], problem)

        target.tls = authority.good()
        mended = await look(watch, made["id"])

    assert (mended["status"], mended["problems"], mended["last_error"]) == ("valid", [], None)
    resolved = await raised(watch, problem, "resolved")
    assert (resolved["id"], resolved["resolution"]) == (alert["id"], "recovered")
    assert [event["renewed"] for event in watch.seen("certificate.recovery", previous_alert_type=problem)] == [True]


async def test_what_shows_nothing_new_is_not_kept_again(watch: Program, authority: Authority):
    leaf = authority.good()
    async with serve(hang_up(), tls=leaf) as target:
        made = (await add(watch, target.port))["certificate"]
        again = await look(watch, made["id"], times=3)
        assert when(again["last_check_at"]) > when(made["last_check_at"])
        target.tls = authority.renewed(leaf)
        await look(watch, made["id"])

    answer = (await watch.client.get(f"/api/v1/certificates/{made['id']}/checks")).json
    assert (answer["monitor_id"], answer["total"], answer["has_more"]) == (made["id"], 2, False)
    first, second = reversed(answer["checks"])
    assert (first["fingerprint_sha256"], first["serial_number"]) != (
        second["fingerprint_sha256"],
        second["serial_number"],
    )
    page = (await watch.client.get(f"/api/v1/certificates/{made['id']}/checks?limit=1&offset=1")).json
    assert (page["checks"], page["has_more"]) == ([first], False)
    assert len(watch.seen("certificate.check_completed")) == 2


async def test_a_host_that_cannot_be_reached_rings_at_the_third_time(watch: Program, authority: Authority):
    with refusing_port() as port:
        made = await add(watch, port)
        assert (made["certificate"]["status"], made["certificate"]["last_error"]) == ("error", "connection refused")
        assert (made["latest_check"]["error_message"], made["latest_check"]["chain_valid"]) == (
            "connection refused",
            None,
        )
        number = made["certificate"]["id"]
        assert (await look(watch, number))["problems"] == []
        soon = await look(watch, number)
        assert soon["problems"] == ["unreachable"]
        assert when(soon["next_check_at"]) - when(soon["last_check_at"]) == timedelta(minutes=20)
    alert = await raised(watch, "unreachable")
    assert alert["message"] == f"The certificate of localhost:{port} cannot be checked: connection refused"
    assert (await watch.client.delete(f"/api/v1/certificates/{number}")).status == 204
    assert (await raised(watch, "unreachable", "resolved"))["resolution"] == "entity_removed"
    assert (await watch.client.get(f"/api/v1/certificates/{number}")).status == 404
    assert [event["monitor_id"] for event in watch.seen("certificate.deleted")] == [number]


async def test_a_slow_host_is_looked_at_in_the_background(watch: Program):
    with unanswering_port() as port:
        began = asyncio.get_running_loop().time()
        made = await add(watch, port, hostname="127.0.0.1")
        assert 4.5 < asyncio.get_running_loop().time() - began < 8
        assert (made["latest_check"], made["certificate"]["status"]) == (None, "unknown")
        number = made["certificate"]["id"]
        found = await until(lambda: get(watch, number), lambda seen: seen["latest_check"] is not None)
    assert found["latest_check"]["error_message"] == "handshake timeout"


async def test_mail_is_looked_at_behind_starttls(watch: Program, authority: Authority):
    async with smtp(authority.good()) as port:
        made = await add(watch, port, hostname="smtp://LOCALHOST./")
    assert (made["certificate"]["protocol"], made["certificate"]["status"]) == ("smtp", "valid")


async def test_a_look_can_be_asked_for_but_not_all_the_time(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.good()) as target:
        made = (await add(watch, target.port))["certificate"]
        target.tls = authority.expired()
        path = f"/api/v1/certificates/{made['id']}/check"
        answer = await watch.client.post(path)
        assert (answer.status, answer.json["certificate"]["status"]) == (200, "expired")
        assert len(answer.json["latest_check"]["chain"]) == 2
        await watch.client.post(path)
        assert error(await watch.client.post(path))[:2] == (429, "rate_limited")


async def test_who_is_due_is_looked_at_by_itself(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.good()) as target:
        made = (await add(watch, target.port))["certificate"]
        target.tls = authority.expired()
        watch_ = watch.tocsin.certificate_watch
        assert await watch_.look_at_due() == 0
        now = watch.tocsin.clock.now()
        await watch.tocsin.db.write(lambda tx: store.spread(tx, [(made["id"], now)]))
        assert await watch_.look_at_due() == 1
    assert (await get(watch, made["id"]))["certificate"]["status"] == "expired"
    assert [event["new_status"] for event in watch.seen("certificate.status_changed")] == ["valid", "expired"]


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "hostname"),
        ({"hostname": " "}, "hostname"),
        ({"hostname": "a b"}, "hostname"),
        ({"hostname": "ftp://a.test"}, "hostname"),
        ({"hostname": "a.test", "domain": "b.test"}, "domain"),
        ({"hostname": "a.test", "port": 0}, "port"),
        ({"hostname": "a.test", "port": -1}, "port"),
        ({"hostname": "a.test", "port": 65536}, "port"),
        ({"hostname": "a.test", "port": "443"}, "port"),
        ({"hostname": "a.test:8443", "port": 443}, "port"),
        ({"hostname": "a.test", "protocol": "ftp"}, "protocol"),
        ({"hostname": "a.test", "check_interval_seconds": 3599}, "check_interval_seconds"),
        ({"hostname": "a.test", "check_interval_seconds": 604801}, "check_interval_seconds"),
        ({"hostname": "a.test", "check_interval_seconds": -5}, "check_interval_seconds"),
        ({"hostname": "a.test", "warning_thresholds": []}, "warning_thresholds"),
        ({"hostname": "a.test", "warning_thresholds": [7, 7]}, "warning_thresholds"),
        ({"hostname": "a.test", "warning_thresholds": [366]}, "warning_thresholds"),
        ({"hostname": "a.test", "warning_thresholds": [-1]}, "warning_thresholds"),
        ({"hostname": "a.test", "warning_thresholds": list(range(11))}, "warning_thresholds"),
        ({"hostname": "a.test", "warn_at_lifetime_percent": 0}, "warn_at_lifetime_percent"),
        ({"hostname": "a.test", "warn_at_lifetime_percent": 101}, "warn_at_lifetime_percent"),
        ({"hostname": "a.test", "surprise": 1}, "surprise"),
    ],
)
async def test_what_cannot_be_watched_is_refused_with_its_field(watch: Program, body: Any, field: str):
    assert error(await watch.client.post("/api/v1/certificates", body)) == (400, "invalid_input", field)
    assert await listed(watch) == []


async def test_a_host_is_watched_once_however_it_is_written(watch: Program):
    with refusing_port() as port:
        await add(watch, port)
        for again in (f"LOCALHOST.:{port}", f"https://localhost:{port}/path"):
            answer = await watch.client.post("/api/v1/certificates", {"domain": again})
            assert error(answer) == (409, "duplicate_monitor", "hostname")
        await add(watch, port, hostname="127.0.0.1")


async def test_this_machine_is_looked_at_only_when_allowed(start: Start):
    async with start() as program:
        answer = await program.client.post("/api/v1/certificates", {"hostname": "localhost"})
        assert error(answer) == (400, "target_forbidden", "hostname")
        assert await listed(program) == []


async def test_a_name_that_does_not_exist_can_be_watched_all_the_same(watch: Program):
    made = await add(watch, 443, hostname="nobody.invalid")
    assert made["latest_check"]["error_message"] == "hostname not found"


async def test_given_thresholds_hold_as_they_are(watch: Program):
    with refusing_port() as port:
        made = (await add(watch, port, warning_thresholds=[3, 21]))["certificate"]
        assert (made["warning_thresholds"], made["warn_at_lifetime_percent"]) == ([21, 3], None)
        more = {"warning_thresholds": [10], "warn_at_lifetime_percent": 50}
        made = (await add(watch, port, hostname="127.0.0.1", **more))["certificate"]
        assert (made["warning_thresholds"], made["warn_at_lifetime_percent"]) == ([10], 50)


async def test_a_change_moves_the_next_look_and_nothing_else(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.expires_in(20, lifetime_days=40)) as target:
        made = (await add(watch, target.port))["certificate"]
        assert made["status"] == "valid"  # a third of its life is 13 days

        slower = (await put(watch, made["id"], {"check_interval_seconds": 86400})).json["certificate"]
        assert when(slower["next_check_at"]) == when(made["last_check_at"]) + timedelta(days=1)
        assert {**slower, "next_check_at": 0, "check_interval_seconds": 0} == {
            **made, "next_check_at": 0, "check_interval_seconds": 0,
        }  # fmt: skip

        wider = (await put(watch, made["id"], {"warning_thresholds": [25]})).json["certificate"]
        assert (wider["warning_thresholds"], wider["warn_at_lifetime_percent"]) == ([25], None)
        await watch.tocsin.certificate_watch.look_at_due()
        assert (await get(watch, made["id"]))["certificate"]["status"] == "expiring"

        kept = (await put(watch, made["id"], {"warning_thresholds": []})).json["certificate"]
        assert kept["warning_thresholds"] == [25]
        assert error(await put(watch, made["id"], {"port": 1})) == (400, "invalid_input", "port")
        assert error(await put(watch, made["id"], {"check_interval_seconds": 1}))[2] == "check_interval_seconds"
    assert len(watch.seen("certificate.updated")) == 3
    entries = (await watch.client.get("/api/v1/audit?entity=certificate:")).json["entries"]
    assert [entry["action"] for entry in entries][-2:] == ["certificate.update", "certificate.create"]


async def test_who_minds_not_who_signed_it_says_so(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.self_signed("nas.test")) as target:
        made = await add(watch, target.port, accept_untrusted=True)
        assert (made["certificate"]["status"], made["latest_check"]["chain_fault"]) == ("valid", "self_signed")
        assert await alerts(watch) == []
        await put(watch, made["certificate"]["id"], {"accept_untrusted": False})
        await watch.tocsin.certificate_watch.look_at_due()
        assert {alert["alert_type"] for alert in await alerts(watch)} == {"chain_invalid", "hostname_mismatch"}


async def test_the_list_is_filtered_sorted_and_paged(watch: Program, authority: Authority):
    async with serve(hang_up(), tls=authority.expires_in(50)) as late, serve(hang_up(), tls=authority.expired()) as old:
        with refusing_port() as port:
            for number in (late.port, old.port, port):
                await add(watch, number)
            ports = sorted([late.port, old.port, port])
            assert [one["port"] for one in await listed(watch)] == ports
            assert [one["port"] for one in await listed(watch, "?sort=days")] == [old.port, late.port, port]
            assert [one["port"] for one in await listed(watch, "?status=expired")] == [old.port]
            assert [one["port"] for one in await listed(watch, "?limit=1&offset=2")] == ports[2:]
            assert await listed(watch, "?source=label") == []
            page = (await watch.client.get("/api/v1/certificates?limit=2")).json
            assert (page["total"], page["has_more"], len(page["certificates"])) == (3, True, 2)
    for query in ("status=bad", "source=x", "sort=x", "limit=0", "limit=501", "offset=-1", "limit=x"):
        assert error(await watch.client.get(f"/api/v1/certificates?{query}"))[:2] == (400, "invalid_param")


@pytest.mark.parametrize("path", ["", "/check", "/checks"])
async def test_what_is_not_there_is_404(watch: Program, path: str):
    method = "POST" if path == "/check" else "GET"
    assert error(await watch.client.request(method, f"/api/v1/certificates/77{path}"))[:2] == (404, "not_found")
    for bad in ("0", "-1", "x", str(2**63)):
        answer = await watch.client.request(method, f"/api/v1/certificates/{bad}{path}")
        assert error(answer)[:2] == (400, "invalid_id"), bad
    assert (await put(watch, 77, {})).status == 404
    assert (await watch.client.delete("/api/v1/certificates/77")).status == 404


# --- time ------------------------------------------------------------------------------------------------------------


async def test_after_a_restart_everything_stands_as_it_did_and_the_overdue_come_one_by_one(
    start: Start, environment: dict[str, str], authority: Authority
):
    async with serve(hang_up(), tls=authority.expired()) as target:
        async with start(**environment) as program:
            made = (await add(program, target.port))["certificate"]
            await program.tocsin.db.write(lambda tx: store.spread(tx, [(made["id"], when("2026-01-01T00:00:00Z"))]))
        async with start(**environment) as program:
            again = (await get(program, made["id"]))["certificate"]
            assert (again["status"], again["problems"]) == ("expired", ["expired"])
            assert when(again["next_check_at"]) > program.tocsin.clock.now() - timedelta(seconds=3)
            await look(program, made["id"])
            assert program.seen("alert.fired") == []
            assert [alert["status"] for alert in await alerts(program)] == ["active"]


async def test_what_still_holds_outlives_retention(watch: Program, authority: Authority):
    leaf = authority.good()
    async with serve(hang_up(), tls=leaf) as target:
        made = (await add(watch, target.port))["certificate"]
        target.tls = authority.renewed(leaf)
        await look(watch, made["id"])
    cutoff = to_ms(watch.tocsin.clock.now() + timedelta(days=1))
    assert await watch.tocsin.db.write(lambda tx: store.sweep(tx, cutoff, 1000)) == 1
    assert await watch.tocsin.db.write(lambda tx: store.sweep(tx, cutoff, 1000)) == 0
    shown = await get(watch, made["id"])
    assert shown["latest_check"]["fingerprint_sha256"] != leaf.fingerprint


async def test_our_own_fault_is_no_verdict(start: Start, environment: dict[str, str], authority: Authority):
    async with serve(hang_up(), tls=authority.good()) as target, start(**environment) as program:
        made = (await add(program, target.port))["certificate"]
        path = program.tocsin.settings.ca_file
        assert path is not None
        path.write_text("gone")
        after = await look(program, made["id"])
        assert (after["status"], after["last_check_at"]) == ("valid", made["last_check_at"])
        assert when(after["next_check_at"]) < when(made["next_check_at"])


async def test_a_bug_of_ours_is_not_tried_again_and_again(start: Start):
    async def broken(*_: Any) -> Inspection:
        raise RuntimeError("a bug")

    async with start(**HERE) as program:
        program.tocsin.certificate_watch._inspect = broken
        made = await add(program, 443, hostname="127.0.0.1")
        assert (made["latest_check"], made["certificate"]["status"]) == (None, "unknown")
        wait = when(made["certificate"]["next_check_at"]) - program.tocsin.clock.now()
        assert timedelta(minutes=4) < wait < timedelta(minutes=6)


async def test_many_are_looked_at_ten_at_a_time(start: Start):
    now_looking: list[int] = []

    async def slowly(*_: Any) -> Inspection:
        now_looking.append(now_looking[-1] + 1 if now_looking else 1)
        await asyncio.sleep(0.05)
        now_looking.append(now_looking[-1] - 1)
        return Inspection(failure=Failure.REFUSED)

    async with start(**HERE) as program:
        program.tocsin.certificate_watch._inspect = slowly
        await asyncio.gather(*(add(program, 443, hostname=f"127.0.0.{number}") for number in range(1, 31)))
    assert max(now_looking) == 10
