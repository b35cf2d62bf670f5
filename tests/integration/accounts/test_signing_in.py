"""The first admin, sessions, tokens and roles, over HTTP."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from integration.accounts.conftest import PASSWORD, TEST, login, session_of
from support.program import Answer, Program
from tocsin.accounts import store
from tocsin.accounts.models import NewToken, RoleName, TokenScope


async def set_up(program: Program, **changes: str) -> Answer:
    body = {"code": program.setup_code or "", "name": "ada", "password": PASSWORD, **changes}
    return await program.client.post("/api/v1/auth/setup", body, token=None)


async def test_the_first_admin_is_made_with_the_code_of_the_log(program: Program):
    state = await program.client.get("/api/v1/auth/setup", token=None)
    assert state.json == {"required": True, "sign_in": "password"}

    assert (await set_up(program, code="AAAA-BBBB-CCCC")).code == "forbidden"
    short = await set_up(program, password="short")
    assert (short.code, short.json["error"]["field"]) == ("invalid_input", "password")

    done = await set_up(program, code=(program.setup_code or "").lower())
    assert done.status == 201
    assert done.json["user"] == {"id": 1, "name": "ada", "role": "admin"}
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Secure" not in cookie
    me = await program.client.get("/api/v1/auth/me", token=None, headers=session_of(done))
    assert me.json == {"user": {"id": 1, "name": "ada", "role": "admin"}, "via": "session"}

    state = await program.client.get("/api/v1/auth/setup", token=None)
    assert state.json == {"required": False, "sign_in": "password"}
    again = await set_up(program, name="eve")
    assert (again.status, again.code) == (409, "conflict")


async def test_two_set_ups_at_once_make_one_admin(program: Program):
    answers = await asyncio.gather(set_up(program), set_up(program, name="eve"))
    assert sorted(answer.status for answer in answers) == [201, 409]


async def test_signing_in_and_out(program: Program):
    await set_up(program)
    wrong = await login(program, password="wrong password")
    unknown = await login(program, name="nobody")
    assert (wrong.status, wrong.json["error"]["message"]) == (unknown.status, unknown.json["error"]["message"])

    signed_in = await login(program, name="ADA")
    headers = session_of(signed_in)
    assert (await program.client.get("/api/v1/containers", token=None, headers=headers)).status == 200

    assert (await program.client.post("/api/v1/auth/logout", token=None, headers=headers)).status == 204
    assert (await program.client.get("/api/v1/containers", token=None, headers=headers)).status == 401


async def test_guessing_is_slowed_down(program: Program):
    await set_up(program)
    answers = [await login(program, password="wrong password") for _ in range(12)]
    assert [answer.status for answer in answers[:5]] == [401] * 5
    assert (answers[-1].status, answers[-1].code) == (429, "rate_limited")
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_a_changed_password_ends_open_sessions(program: Program):
    headers = session_of(await set_up(program))
    await program.tocsin.accounts.reset_password("ada", "another long password", TEST)
    assert (await program.client.get("/api/v1/auth/me", token=None, headers=headers)).status == 401


async def test_a_session_ends_after_a_week_of_silence(program: Program):
    headers = session_of(await set_up(program))
    week_ms = 7 * 24 * 3600 * 1000

    def age(tx: Any) -> None:
        tx.execute(store.sessions.update().values(last_seen_at_ms=store.sessions.c.last_seen_at_ms - week_ms - 1000))
        tx.touch(store.TOUCHED)

    await program.tocsin.db.write(age)
    assert (await program.client.get("/api/v1/auth/me", token=None, headers=headers)).status == 401


@pytest.mark.parametrize(
    ("scope", "can_read", "can_write"),
    [(TokenScope.READ, 200, 403), (TokenScope.WRITE, 200, 404), (TokenScope.ADMIN, 200, 404)],
)
async def test_a_token_may_do_what_its_scope_says(program: Program, scope: TokenScope, can_read: int, can_write: int):
    _, token = await program.tocsin.accounts.create_token(NewToken("ci", scope), None, TEST)
    assert (await program.client.get("/api/v1/containers", token=token)).status == can_read
    assert (await program.client.delete("/api/v1/containers/1", token=token)).status == can_write
    for path in ("/api/v1/users", "/api/v1/tokens", "/api/v1/audit"):
        admin_only = (await program.client.get(path, token=token)).status
        assert admin_only == (200 if scope is TokenScope.ADMIN else 403)


async def test_a_viewer_reads_and_does_not_write(program: Program):
    await program.tocsin.accounts.add_user("vera", RoleName.VIEWER, PASSWORD, TEST)
    headers = session_of(await login(program, "vera"))
    assert (await program.client.get("/api/v1/containers", token=None, headers=headers)).status == 200
    refused = await program.client.delete("/api/v1/containers/1", token=None, headers=headers)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert (await program.client.post("/api/v1/auth/logout", token=None, headers=headers)).status == 204


async def test_a_revoked_token_stops_at_once_and_its_stream_ends(program: Program, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tocsin.http.live.LOOK_UP_S", 0.1)
    monkeypatch.setattr("tocsin.http.live.SWEEP_EVERY_S", 0.1)
    _, token = await program.tocsin.accounts.create_token(NewToken("ci", TokenScope.READ), None, TEST)
    async with program.client.stream("/api/v1/containers/events", token=token) as events:
        await program.tocsin.db.write(lambda tx: store.delete_token(tx, 1))
        assert (await program.client.get("/api/v1/containers", token=token)).status == 401
        assert [event async for event in events] == []


async def test_nothing_secret_is_stored(program: Program, tmp_path: Path):
    _, token = await program.tocsin.accounts.create_token(NewToken("ci", TokenScope.READ), None, TEST)
    session = session_of(await set_up(program))["Cookie"].partition("=")[2]
    await program.tocsin.db.write(lambda tx: None)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("tocsin.db*"))
    for secret in (PASSWORD, token, session):
        assert secret.encode() not in stored
    for path in (tmp_path / "data").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_an_admin_from_the_settings_needs_no_code(start: Start):
    async with start(TOCSIN_ADMIN_USER="root", TOCSIN_ADMIN_PASSWORD=PASSWORD) as program:
        assert program.setup_code is None
        assert (await login(program, "root")).status == 200


async def test_without_authentication_everybody_is_admin_and_nobody_is_asked(start: Start):
    async with start(TOCSIN_AUTH="none") as program:
        me = (await program.client.get("/api/v1/auth/me", token=None)).json
        assert (me["user"]["role"], me["via"]) == ("admin", "none")
        state = await program.client.get("/api/v1/auth/setup", token=None)
        assert state.json == {"required": False, "sign_in": "none"}


async def test_a_cookie_is_secure_where_people_come_by_https(start: Start):
    async with start(TOCSIN_BASE_URL="https://tocsin.example") as program:
        done = await set_up(program)
        assert "secure" in done.headers["set-cookie"].lower()
