"""A client of the Docker Engine API that can only GET: reading is all Tocsin may do to an engine.

Paths carry no version: the engine answers in its own newest one, and every field is read with care.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec

from tocsin.runtimes.base import ContainerGone, RuntimeUnavailable

LOCAL_SOCKET = "/var/run/docker.sock"
CALL_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
LARGEST_ANSWER_BYTES = 64 << 20


class RefusedByEngine(RuntimeUnavailable):
    """The engine answered with an error. `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def container_path(runtime_id: str, what: str) -> str:
    """Return the path of a call about one container; whatever the id holds, it stays one segment."""
    return f"/containers/{quote(runtime_id, safe='')}/{what}"


class DockerClient:
    """One engine. Must be made inside the running event loop; `close` when done."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = address.removeprefix("unix://") if address.startswith("unix://") else None
        self._base = "http://engine" if self._socket else address.replace("tcp://", "http://", 1).rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> object:
        """Return the decoded JSON answer of `GET path`.

        Raises RuntimeUnavailable: no connection, no answer in time, an error, too large an answer, or no JSON.
        """
        try:
            async with asyncio.timeout(timeout_s), self.stream(path, params) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > LARGEST_ANSWER_BYTES:
                        raise RuntimeUnavailable("The engine's answer is too large")
        except TimeoutError:
            raise RuntimeUnavailable(f"The engine did not answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as exc:
            raise RuntimeUnavailable("The engine broke off its answer") from exc
        try:
            decoded: object = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise RuntimeUnavailable("The engine's answer is not JSON; is this really a Docker engine?") from exc
        return decoded

    @asynccontextmanager
    async def stream(self, path: str, params: Mapping[str, str] | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open `GET path` and yield the response once its headers are there; reading it is up to the caller.

        Raises RuntimeUnavailable, RefusedByEngine, ContainerGone (404).
        """
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                response = await self._open_session().get(self._base + path, params=params, allow_redirects=False)
        except TimeoutError:
            raise RuntimeUnavailable(f"The engine did not answer within {CALL_TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise RuntimeUnavailable(self._explain(exc)) from exc
        try:
            if response.status != 200:
                await self._refuse(response)
            yield response
        finally:
            response.close()

    async def _refuse(self, response: aiohttp.ClientResponse) -> None:
        try:
            async with asyncio.timeout(2):
                body = await response.content.read(4096)
            message = str(msgspec.json.decode(body, type=dict[str, object]).get("message", ""))
        except (TimeoutError, msgspec.MsgspecError, UnicodeDecodeError, aiohttp.ClientError, OSError):
            message = ""
        if response.status == 404:
            raise ContainerGone(message or "The engine does not know this container")
        raise RefusedByEngine(
            f"The engine answered {response.status}: {message[:300] or response.reason}", response.status
        )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector: aiohttp.BaseConnector = (
                aiohttp.UnixConnector(self._socket, limit=0) if self._socket else aiohttp.TCPConnector(limit=0)
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=256 << 10,
            )
        return self._session

    def _explain(self, exc: Exception) -> str:
        """Return what to tell a person whose engine cannot be reached, with what to do about it."""
        if self._socket is None:
            return f"No Docker engine answers at {self.address}"
        if not Path(self._socket).exists():
            return f"The Docker socket {self._socket} does not exist"
        if isinstance(exc, PermissionError) or isinstance(getattr(exc, "os_error", None), PermissionError):
            return f"Tocsin may not open the Docker socket {self._socket}; add its user to the socket's group"
        return f"No Docker engine answers at the socket {self._socket}"
