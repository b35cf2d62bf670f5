"""The web app's files, out of memory: compressed at build; hashed names kept for a year; unknown paths get the app."""

import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

from tocsin.http.asgi import Headers, Receive, Scope, Send, header, respond
from tocsin.http.errors import RouteNotFound, refuse

UI = Path(__file__).parent / "ui"
NOT_BUILT = b"<!doctype html><title>Tocsin</title><p>The pages are not built. Run: make setup</p>"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
# Below these the last part is a name that people gave, and such a name may look like that of a file: /c/web.1
_NAMES = ("/c/",)


class File(NamedTuple):
    """One file as it is sent: `packed` is its gzip form, None when that would gain nothing."""

    body: bytes
    packed: bytes | None
    content_type: str
    etag: bytes
    cache_control: bytes


def load(root: Path) -> dict[str, File]:
    """Return every file under *root* by its URL path."""
    files: dict[str, File] = {}
    for path in sorted(root.rglob("*")) if root.is_dir() else []:
        if not path.is_file() or path.suffix == ".gz":
            continue
        body, packed = path.read_bytes(), path.with_name(path.name + ".gz")
        url = "/" + path.relative_to(root).as_posix()
        content_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        hashed = url.startswith("/assets/")
        files[url] = File(
            body,
            packed.read_bytes() if packed.is_file() else None,
            content_type,
            f'"{hashlib.sha256(body).hexdigest()[:20]}"'.encode(),
            b"public, max-age=31536000, immutable" if hashed else b"no-cache",
        )
    return files


def _is_file(path: str) -> bool:
    if path.startswith(_NAMES):
        return False
    return path.startswith("/assets/") or "." in path.rpartition("/")[2]


class Pages:
    """A raw ASGI application. Paths are keys of a table, so none can lead outside of it."""

    def __init__(self, root: Path = UI) -> None:
        self._files = load(root)
        self._index = self._files.get(
            "/index.html", File(NOT_BUILT, None, "text/html; charset=utf-8", b'"none"', b"no-cache")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        file = self._files.get(path)
        if file is None and _is_file(path):
            await refuse(scope, send, RouteNotFound("There is no such file"))
            return
        await self.send(file or self._index, scope, send)

    async def docs(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the reference page and its files under `/api/docs`."""
        name = scope["path"].removeprefix("/api/docs").strip("/") or "docs.html"
        file = self._files.get(f"/docs/{name}")
        if file is None:
            await refuse(scope, send, RouteNotFound("There is no such file"))
            return
        await self.send(file, scope, send)

    async def send(self, file: File, scope: Scope, send: Send) -> None:
        headers: Headers = [(b"etag", file.etag), (b"cache-control", file.cache_control), (b"vary", b"Accept-Encoding")]
        if header(scope, b"if-none-match") == file.etag.decode():
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        body = file.body
        if file.packed is not None and "gzip" in (header(scope, b"accept-encoding") or ""):
            body = file.packed
            headers.append((b"content-encoding", b"gzip"))
        if scope["method"] == "HEAD":
            body = b""
        await respond(send, 200, body, file.content_type, headers)
