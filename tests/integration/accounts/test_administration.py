"""Users, tokens, sessions and the audit, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from integration.accounts.conftest import PASSWORD, Browser, login, session_of, signed_in
from support.program import Answer, Program
from tocsin.accounts import store
from tocsin.accounts.models import RoleName
from tocsin.core.clock import to_ms

NEW = {"name": "grace", "role": "viewer", "password": "another long one"}


def error(answer: Answer) -> tuple[int, str, str | None]:
    found = answer.json["error"]
    return answer.status, found["code"], found.get("field")


def gone(name: str, role: str) -> dict[str, Any]:
    return {"name": {"before": name, "after": None}, "role": {"before": role, "after": None}}


def swap(change: dict[str, Any]) -> dict[str, Any]:
    return {"before": change["after"], "after": change["before"]}


async def audited(ada: Browser, query: str = "") -> list[tuple[str, str, Any]]:
    entries = (await ada("GET", f"/audit{query}")).json["entries"]
    return [(entry["actor"], entry["action"], entry["change"]) for entry in entries]


async def test_the_life_of_a_user(program: Program):
    ada = await signed_in(program)

    made = await ada("POST", "/users", NEW)
    assert made.status == 201
    grace = made.json
    assert (grace["name"], grace["role"], grace["has_password"], grace["sessions"]) == ("grace", "viewer", True, 0)
    assert error(await ada("POST", "/users", {**NEW, "name": "GRACE"})) == (409, "conflict", "name")
    assert error(await ada("POST", "/users", {**NEW, "password": "short"})) == (400, "invalid_input", "password")
    assert error(await ada("POST", "/users", {**NEW, "admin": True})) == (400, "invalid_input", "admin")

    hers = session_of(await login(program, "grace", NEW["password"]))
    changed = (await ada("PUT", f"/users/{grace['id']}", {"role": "editor"})).json
    assert (changed["role"], changed["sessions"], changed["last_seen_at"] is None) == ("editor", 1, False)
    listed = (await ada("GET", "/users")).json
    assert ([user["name"] for user in listed["users"]], listed["total"], listed["has_more"]) == (
        ["ada", "grace"],
        2,
        False,
    )
    me = await program.client.get("/api/v1/auth/me", token=None, headers=hers)
    assert me.json["user"]["role"] == "editor"  # at once, without signing in again

    await ada("PUT", f"/users/{grace['id']}", {"password": "a third long one"})
    assert (await program.client.get("/api/v1/auth/me", token=None, headers=hers)).status == 401
    assert (await login(program, "grace", NEW["password"])).status == 401
    assert (await login(program, "grace", "a third long one")).status == 200

    assert (await ada("DELETE", f"/users/{grace['id']}")).status == 204
    assert (await login(program, "grace", "a third long one")).status == 401
    assert error(await ada("DELETE", f"/users/{grace['id']}")) == (404, "not_found", None)
    assert await audited(ada, f"?entity=user:{grace['id']}") == [
        ("user:ada", "user.delete", gone("grace", "editor")),
        ("user:grace", "login", {}),
        ("user:ada", "user.password", {"password": {"before": "***", "after": "***"}}),
        ("user:ada", "user.update", {"role": {"before": "viewer", "after": "editor"}}),
        ("user:grace", "login", {}),
        ("user:ada", "user.create", {key: swap(change) for key, change in gone("grace", "viewer").items()}),
    ]


async def test_somebody_can_always_administer(program: Program):
    ada = await signed_in(program)
    assert error(await ada("DELETE", "/users/1")) == (409, "last_admin", None)
    assert error(await ada("PUT", "/users/1", {"role": "editor"})) == (409, "last_admin", None)

    await signed_in(program, "grace", RoleName.ADMIN)
    assert (await ada("PUT", "/users/1", {"role": "editor"})).status == 200
    assert (await ada("GET", "/users")).status == 403
    assert (await ada("GET", "/containers")).status == 200


async def test_a_password_change_keeps_this_session_and_ends_the_others(program: Program):
    here, there = await signed_in(program), await signed_in(program)
    wrong = await here("PUT", "/auth/password", {"current_password": "a guess", "new_password": "brand new words"})
    assert error(wrong) == (403, "wrong_password", "current_password")

    done = await here("PUT", "/auth/password", {"current_password": PASSWORD, "new_password": "brand new words"})

    assert done.status == 204
    assert (await here("GET", "/auth/me")).status == 401  # the old cookie, whoever holds it
    assert (await there("GET", "/auth/me")).status == 401
    fresh = Browser(program, session_of(done))
    assert (await fresh("GET", "/auth/me")).status == 200
    assert (await login(program, password="brand new words")).status == 200


async def test_guessing_the_present_password_is_slowed_down(program: Program):
    ada = await signed_in(program, "vera", RoleName.VIEWER)
    body = {"current_password": "a guess", "new_password": "brand new words"}
    statuses = [(await ada("PUT", "/auth/password", body)).status for _ in range(22)]
    assert statuses[:20] == [403] * 20
    assert statuses[-1] == 429


async def test_sessions_are_listed_and_revoked(program: Program):
    here = await signed_in(program, agent="Here/1.0")
    there = await signed_in(program, agent="There/1.0")
    vera = await signed_in(program, "vera", RoleName.VIEWER)

    found = (await here("GET", "/auth/sessions")).json["sessions"]
    assert {(s["user_agent"], s["current"], s["address"]) for s in found} == {
        ("Here/1.0", True, "127.0.0.1"),
        ("There/1.0", False, "127.0.0.1"),
    }
    other = next(session["id"] for session in found if not session["current"])
    assert error(await vera("DELETE", f"/auth/sessions/{other}")) == (404, "not_found", None)  # not hers
    assert (await here("DELETE", f"/auth/sessions/{other}")).status == 204
    assert (await there("GET", "/auth/me")).status == 401

    again = await signed_in(program)
    assert (await here("DELETE", "/auth/sessions")).status == 204
    assert (await again("GET", "/auth/me")).status == 401
    assert (await here("GET", "/auth/me")).status == 200
    assert (await here("DELETE", "/users/2/sessions")).status == 204
    assert (await vera("GET", "/auth/me")).status == 401


async def test_a_long_user_agent_is_cut(program: Program):
    ada = await signed_in(program, agent="x" * 5000)
    assert len((await ada("GET", "/auth/sessions")).json["sessions"][0]["user_agent"]) == 300


async def test_sessions_of_one_user_do_not_pile_up(program: Program, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "MOST_SESSIONS", 3)
    for _ in range(5):
        ada = await signed_in(program)
    assert len((await ada("GET", "/auth/sessions")).json["sessions"]) == 3


async def test_the_life_of_a_token(program: Program):
    ada = await signed_in(program)
    made = await ada("POST", "/tokens", {"name": "ci", "scope": "write", "expires_in_days": 30})
    assert made.status == 201
    secret, token = made.json["secret"], made.json["token"]
    assert secret.startswith("tocsin_")
    assert (token["owner"], token["last_used_at"], token["expired"]) == ("ada", None, False)
    assert error(await ada("POST", "/tokens", {"name": "ci", "scope": "read"})) == (409, "conflict", "name")
    assert error(await ada("POST", "/tokens", {"name": "x", "scope": "root"})) == (400, "invalid_input", "scope")
    assert error(await ada("POST", "/tokens", {"name": "x", "scope": "read", "expires_in_days": 0}))[0] == 400

    assert (await program.client.get("/api/v1/containers", token=secret)).status == 200
    listed = (await ada("GET", "/tokens")).json["tokens"]
    assert (listed[0]["last_used_at"] is None, secret in str(listed)) == (False, False)

    await program.tocsin.db.write(lambda tx: _expire(tx))
    assert (await program.client.get("/api/v1/containers", token=secret)).status == 401
    assert (await ada("GET", "/tokens")).json["tokens"][0]["expired"] is True

    assert (await ada("DELETE", f"/tokens/{token['id']}")).status == 204
    assert (await ada("GET", "/tokens")).json == {"tokens": [], "total": 0, "has_more": False}
    assert [action for _, action, _ in await audited(ada, "?entity=token:")] == ["token.revoke", "token.create"]


def _expire(tx: Any) -> None:
    tx.execute(store.tokens.update().values(expires_at_ms=to_ms(tx.clock.now() - timedelta(seconds=1))))
    tx.touch(store.TOUCHED)


async def test_a_token_never_may_more_than_its_owner(program: Program):
    ada = await signed_in(program)
    grace = await signed_in(program, "grace", RoleName.ADMIN)
    secret = (await grace("POST", "/tokens", {"name": "hers", "scope": "admin"})).json["secret"]
    assert (await program.client.get("/api/v1/users", token=secret)).status == 200
    child = await program.client.post("/api/v1/tokens", {"name": "child", "scope": "admin"}, token=secret)

    await ada("PUT", "/users/2", {"role": "viewer"})
    assert (await program.client.get("/api/v1/users", token=secret)).status == 403
    assert (await program.client.get("/api/v1/users", token=child.json["secret"])).status == 403
    await ada("DELETE", "/users/2")
    assert (await program.client.get("/api/v1/containers", token=secret)).status == 401
    assert (await program.client.get("/api/v1/containers", token=child.json["secret"])).status == 401


async def test_the_audit_is_filtered_and_paged(program: Program):
    ada = await signed_in(program)
    for number in range(3):
        await ada("POST", "/tokens", {"name": f"t{number}", "scope": "read"})

    page = (await ada("GET", "/audit?action=token.create&limit=2")).json
    assert ([entry["change"]["name"]["after"] for entry in page["entries"]], page["total"]) == (["t2", "t1"], 3)
    assert page["has_more"] is True
    assert page["entries"][0]["address"] == "127.0.0.1"
    assert await audited(ada, "?actor=user:nobody") == []
    assert await audited(ada, "?until=2001-01-01T00:00:00Z") == []
    assert await audited(ada, "?entity=tok%25:") == []  # a name, never a pattern
    assert error(await ada("GET", "/audit?since=yesterday")) == (400, "invalid_param", "since")


async def test_only_admins_see_accounts(program: Program):
    for role in (RoleName.VIEWER, RoleName.EDITOR):
        user = await signed_in(program, role.value, role)
        for path in ("/users", "/tokens", "/audit"):
            assert error(await user("GET", path)) == (403, "forbidden", None)
        assert error(await user("POST", "/users", NEW)) == (403, "forbidden", None)
        assert error(await user("POST", "/tokens", {"name": "x", "scope": "read"})) == (403, "forbidden", None)
        assert (await user("GET", "/auth/sessions")).status == 200
