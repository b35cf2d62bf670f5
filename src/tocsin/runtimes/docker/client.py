"""A client of the Docker Engine API that can only GET: reading is all Tocsin may do to an engine.

Paths carry no version: the engine answers in its own newest one, and every field is read with care.
"""

import asyncio
import ssl
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
    """One engine; `close` when done.

    For `tcp+tls://`, *certificates* is a folder with `ca.pem`, which the engine's certificate must come from, and
    `cert.pem` with `key.pem`, which show the engine who we are. They are read anew after each failure.
    """

    def __init__(self, address: str, certificates: Path | None = None) -> None:
        self.address = address
        self._certificates = certificates
        self._socket = address.removeprefix("unix://") if address.startswith("unix://") else None
        self._base = "http://engine" if self._socket else _http_address(address)
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None

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
                session = await self._open_session()
                response = await session.get(
                    self._base + path, params=params, allow_redirects=False, ssl=self._tls or True
                )
        except TimeoutError:
            raise RuntimeUnavailable(f"The engine did not answer within {CALL_TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            self._tls = None
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

    async def _open_session(self) -> aiohttp.ClientSession:
        if self._base.startswith("https://") and self._tls is None:
            self._tls = await asyncio.to_thread(tls_context, self._certificates)
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
            return self._explain_remote(exc)
        if not Path(self._socket).exists():
            return f"The Docker socket {self._socket} does not exist"
        if isinstance(exc, PermissionError) or isinstance(getattr(exc, "os_error", None), PermissionError):
            return f"Tocsin may not open the Docker socket {self._socket}; add its user to the socket's group"
        return f"No Docker engine answers at the socket {self._socket}"

    def _explain_remote(self, exc: Exception) -> str:
        cause = exc.__cause__ or exc
        if isinstance(exc, aiohttp.ClientConnectorCertificateError) or isinstance(cause, ssl.SSLCertVerificationError):
            why = (
                getattr(getattr(exc, "certificate_error", cause), "verify_message", "")
                or "it is not from this authority"
            )
            return f"The certificate of the engine at {self.address} is not trusted: {why}"
        if isinstance(exc, ssl.SSLError | aiohttp.ClientSSLError) or isinstance(cause, ssl.SSLError):
            return f"The engine at {self.address} refused our certificate, or speaks no TLS"
        if isinstance(exc, FileNotFoundError):
            return f"A certificate is missing: {exc.filename}"
        return f"No Docker engine answers at {self.address}"


def _http_address(address: str) -> str:
    plain = address.replace("tcp+tls://", "https://", 1).replace("tcp://", "http://", 1)
    return plain.rstrip("/")


def tls_context(certificates: Path | None) -> ssl.SSLContext:
    """Return a context that trusts only `ca.pem` of the folder and shows `cert.pem`, as Docker's own client does.

    Raises OSError: a file is missing or is no certificate (SSLError is one).
    """
    folder = certificates or Path()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        if not (folder / name).exists():
            raise FileNotFoundError(2, "missing", str(folder / name))
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
