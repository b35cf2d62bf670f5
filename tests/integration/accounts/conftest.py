"""People who sign in."""

from http.cookies import SimpleCookie
from typing import Any

from support.program import Answer, Program
from tocsin.accounts.models import RoleName
from tocsin.db.tx import Actor

TEST = Actor("test")
PASSWORD = "correct horse battery"


def session_of(answer: Answer) -> dict[str, str]:
    """Return the headers of a browser that got this answer."""
    cookie: Any = SimpleCookie(answer.headers["set-cookie"])["tocsin_session"]
    return {"Cookie": f"tocsin_session={cookie.value}"}


async def login(program: Program, name: str = "ada", password: str = PASSWORD, **options: Any) -> Answer:
    body = {"name": name, "password": password}
    return await program.client.post("/api/v1/auth/login", body, token=None, **options)


class Browser:
    """Somebody who is signed in."""

    def __init__(self, program: Program, headers: dict[str, str]) -> None:
        self._program = program
        self.headers = headers

    async def __call__(self, method: str, path: str, body: Any = None) -> Answer:
        client = self._program.client
        return await client.request(method, f"/api/v1{path}", json_body=body, token=None, headers=self.headers)


async def signed_in(program: Program, name: str = "ada", role: RoleName = RoleName.ADMIN, agent: str = "") -> Browser:
    """Return a browser of a user who is made when there is none of this name."""
    known = {user.name for user, _, _ in (await program.tocsin.accounts.list_users(500, 0))[0]}
    if name not in known:
        await program.tocsin.accounts.add_user(name, role, PASSWORD, TEST)
    answer = await login(program, name, headers={"User-Agent": agent})
    assert answer.status == 200, answer.body
    return Browser(program, session_of(answer))
