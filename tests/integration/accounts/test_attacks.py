"""What somebody without an account, or with the wrong page open, tries."""

import asyncio
from typing import Any

import pytest

from conftest import Start
from integration.accounts.conftest import PASSWORD, Browser, login, session_of, signed_in
from support.program import TOKEN, Answer, Program
from tocsin.accounts.models import RoleName

PLANTED = "tocsin_session=planted-by-somebody-else"


async def test_a_planted_session_never_becomes_a_real_one(program: Program):
    await signed_in(program)
    answer = await login(program, headers={"Cookie": PLANTED})

    assert "planted" not in session_of(answer)["Cookie"]
    planted = Browser(program, {"Cookie": PLANTED})
    assert (await planted("GET", "/auth/me")).status == 401


async def test_signing_in_again_ends_the_session_the_browser_had(program: Program):
    ada = await signed_in(program)
    again = await login(program, headers=ada.headers)

    assert (await ada("GET", "/auth/me")).status == 401
    assert (await Browser(program, session_of(again))("GET", "/auth/me")).status == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_changes_nothing(program: Program, foreign: dict[str, str]):
    ada = await signed_in(program)
    evil = Browser(program, {**ada.headers, **foreign})
    new = {"name": "mallory", "role": "admin", "password": "a long password"}

    for method, path, body in (
        ("POST", "/users", new),
        ("PUT", "/users/1", {"role": "viewer"}),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/auth/logout", None),
        ("POST", "/auth/login", {"name": "ada", "password": PASSWORD}),
    ):
        assert (await evil(method, path, body)).status == 403, path
    assert [user["name"] for user in (await ada("GET", "/users")).json["users"]] == ["ada"]


async def test_a_form_of_another_site_is_no_json(program: Program):
    ada = await signed_in(program)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await program.client.post(
            "/api/v1/tokens",
            token=None,
            data=b'{"name":"x","scope":"admin"}',
            headers={**ada.headers, "Content-Type": content_type},
        )
        assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_a_token_in_the_address_opens_nothing(program: Program):
    for query in (f"?token={TOKEN}", f"?access_token={TOKEN}", f"?api_key={TOKEN}"):
        assert (await program.client.get(f"/api/v1/containers{query}", token=None)).status == 401


async def test_a_stranger_learns_nothing_from_the_answer(program: Program):
    """Whatever is there or not: the same status, the same body, the same headers."""
    await signed_in(program)
    paths = (
        "/api/v1/containers",
        "/api/v1/containers/1",
        "/api/v1/users/1",
        "/api/v1/nothing",
        "/api/v1/auth/me",
    )
    answers = [await program.client.get(path, token=token) for path in paths for token in (None, "wrong", "tocsin_x")]

    assert len({shape(answer) for answer in answers}) == 1
    assert answers[0].status == 401
    names = [await login(program, name, "a wrong password") for name in ("ada", "nobody", "x" * 200, "")]
    assert len({shape(answer) for answer in names}) == 1


async def test_an_unknown_name_costs_as_much_as_a_wrong_password(program: Program, monkeypatch: pytest.MonkeyPatch):
    await signed_in(program)
    passwords = program.tocsin.accounts._passwords
    hashes: list[str] = []
    matches = passwords._matches
    monkeypatch.setattr(
        passwords, "_matches", lambda stored, password: hashes.append(stored) or matches(stored, password)
    )

    await login(program, "ada", "a wrong password")
    await login(program, "nobody", "a wrong password")

    costs = [stored.split("$")[3] for stored in hashes]
    assert costs == ["m=19456,t=2,p=1"] * 2


async def test_trying_tokens_is_slowed_down_and_good_ones_go_on(program: Program):
    answers = await asyncio.gather(*(program.client.get("/api/v1/containers", token=f"guess-{n}") for n in range(80)))
    statuses = [answer.status for answer in answers]
    assert statuses.count(401) >= 60
    assert statuses.count(429) >= 15
    assert {answer.code for answer in answers if answer.status == 429} == {"rate_limited"}
    assert (await program.client.get("/api/v1/containers")).status == 200


async def test_guessing_one_name_from_many_addresses_is_slowed_down(start: Start):
    async with start(TOCSIN_TRUSTED_PROXIES="127.0.0.0/8") as behind:
        await signed_in(behind)
        answers = [
            await login(behind, "ada", "a wrong password", headers={"X-Forwarded-For": f"203.0.113.{n}"})
            for n in range(24)
        ]
        assert [answer.status for answer in answers[:19]] == [401] * 19
        assert answers[-1].status == 429


@pytest.mark.parametrize("name", ["ada\r\nSet-Cookie: a=b", "ada\x00", "ada\n", " ada", "a" * 65, ""])
async def test_odd_names_are_refused(program: Program, name: str):
    ada = await signed_in(program)
    answer = await ada("POST", "/users", {"name": name, "role": "viewer", "password": PASSWORD})
    assert answer.status == 400
    assert "Set-Cookie" not in answer.headers


async def test_pages_cannot_be_framed_and_run_no_foreign_script(program: Program):
    for path in ("/", "/login", "/api/v1/health"):
        headers = (await program.client.get(path, token=None)).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    policy = (await program.client.get("/", token=None)).headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    scripts = next(part for part in policy.split(";") if "script-src" in part or "default-src" in part)
    assert "unsafe-inline" not in scripts


async def test_a_removed_user_is_out_at_once(program: Program):
    ada = await signed_in(program)
    vera = await signed_in(program, "vera", RoleName.EDITOR)
    assert (await vera("GET", "/auth/me")).status == 200
    await ada("DELETE", "/users/2")
    assert (await vera("GET", "/auth/me")).status == 401


def shape(answer: Answer) -> tuple[Any, ...]:
    """Return all that can be told from an answer, but for its date and its number."""
    told = {
        name.lower(): value for name, value in answer.headers.items() if name.lower() not in {"date", "x-request-id"}
    }
    error = {**answer.json["error"], "request_id": ""}
    return answer.status, tuple(sorted(told.items())), tuple(error.items())
