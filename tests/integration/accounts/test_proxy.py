"""A reverse proxy that signs people in."""

from typing import Any

from multidict import CIMultiDict

from conftest import Start
from support.program import Answer, Program

PROXY = {
    "TOCSIN_AUTH": "proxy",
    "TOCSIN_TRUSTED_PROXIES": "127.0.0.0/8",
    "TOCSIN_ADMIN_USER": "ada",
}


async def me(program: Program, *names: str, header: str = "Remote-User", **more: str) -> Answer:
    headers: Any = CIMultiDict([(header, name) for name in names])
    headers.update(more)
    return await program.client.get("/api/v1/auth/me", token=None, headers=headers)


async def test_the_named_admin_and_everybody_else(start: Start):
    async with start(**PROXY) as program:
        assert program.setup_code is None
        ada = (await me(program, "ada")).json
        assert (ada["user"]["name"], ada["user"]["role"], ada["via"]) == ("ada", "admin", "proxy")
        assert (await me(program, "grace")).json["user"]["role"] == "viewer"
        assert (await me(program, "Grace")).json["user"]["id"] == (await me(program, "grace")).json["user"]["id"]
        assert (await me(program, "Zoë")).json["user"]["name"] == "Zoë"
        users = (await program.client.get("/api/v1/users", token=None, headers={"Remote-User": "ada"})).json["users"]
        assert [user["name"] for user in users] == ["ada", "grace", "Zoë"]
        assert not any(user["has_password"] for user in users)


async def test_only_one_header_of_a_trusted_proxy_counts(start: Start):
    async with start(**PROXY) as program:
        assert (await me(program)).status == 401
        assert (await me(program, "")).status == 401
        assert (await me(program, "ada", "eve")).status == 401
        assert (await me(program, "ada" * 30)).status == 401
        assert (await me(program, "ada", header="X-Remote-User")).status == 401
    async with start(**{**PROXY, "TOCSIN_TRUSTED_PROXIES": "10.9.9.9"}) as program:
        refused = await me(program, "ada", **{"X-Forwarded-For": "10.9.9.9"})
        assert refused.status == 401


async def test_the_header_counts_for_nothing_where_people_use_passwords(start: Start):
    async with start(TOCSIN_TRUSTED_PROXIES="127.0.0.0/8") as program:
        assert (await me(program, "ada")).status == 401


async def test_passwords_do_not_work_beside_a_proxy_and_tokens_do(start: Start):
    async with start(**PROXY, TOCSIN_PROXY_USER_HEADER="X-Auth-User") as program:
        assert (await me(program, "ada", header="x-auth-user")).status == 200
        answer = await program.client.post("/api/v1/auth/login", {"name": "ada", "password": "x" * 12}, token=None)
        assert (answer.status, answer.code) == (403, "forbidden")
        state = await program.client.get("/api/v1/auth/setup", token=None)
        assert state.json == {"required": False, "sign_in": "proxy"}
        assert (await program.client.get("/api/v1/containers")).status == 200
