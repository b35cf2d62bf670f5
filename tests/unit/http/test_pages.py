"""The pages: paths are keys of a table, so none leads outside of it."""

from pathlib import Path
from typing import Any

import pytest

from tocsin.http.pages import NOT_BUILT, Pages

FILES = {
    "ui/index.html": b"<!doctype html>app",
    "ui/assets/index-abc123.js": b"export {}",
    "ui/assets/index-abc123.js.gz": b"packed",
    "ui/docs/docs.html": b"reference",
    "ui/favicon.svg": b"<svg/>",
    "ui/manifest.webmanifest": b"{}",
    "ui/icons/icon-192.png": b"png",
    "secret.txt": b"not for anybody",
}


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    for name, body in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    return Pages(tmp_path / "ui")


async def get(app: Any, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": method, "path": path, "headers": pairs}, None, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"]


@pytest.mark.parametrize(
    "path", ["/", "/containers", "/containers/7", "/no/such/page", "/index.html", "/c/web.1", "/c/nas/web.1"]
)
async def test_unknown_paths_get_the_app(pages: Pages, path: str):
    status, headers, body = await get(pages, path)
    assert (status, body) == (200, FILES["ui/index.html"])
    assert headers["cache-control"] == "no-cache"
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/assets/../../secret.txt", "/..%2fsecret.txt", "//secret.txt", "/./../secret.txt",
        "/assets/..\\..\\secret.txt", "/secret.txt", "/etc/passwd/..", "/docs/../../secret.txt",
        "/assets/index-abc123.js.gz", "/assets/gone.js", "/assets/", "/robots.txt",
    ],
)  # fmt: skip
async def test_no_path_leads_outside(pages: Pages, path: str):
    status, _, body = await get(pages, path)
    assert body in {b"", FILES["ui/index.html"]} or b"route_not_found" in body
    assert status in {200, 404}
    assert b"not for anybody" not in body


@pytest.mark.parametrize("path", ["/assets/gone.js", "/robots.txt", "/assets/", "/deep/file.map"])
async def test_a_missing_file_is_not_the_app(pages: Pages, path: str):
    assert (await get(pages, path))[0] == 404


async def test_hashed_names_are_kept_for_a_year(pages: Pages):
    status, headers, body = await get(pages, "/assets/index-abc123.js")
    assert (status, body) == (200, b"export {}")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in headers


async def test_the_packed_form_is_for_those_who_take_it(pages: Pages):
    _, headers, body = await get(pages, "/assets/index-abc123.js", accept_encoding="gzip, br")
    assert (headers["content-encoding"], body) == ("gzip", b"packed")
    assert headers["vary"] == "Accept-Encoding"


async def test_what_the_browser_has_is_not_sent_again(pages: Pages):
    _, headers, _ = await get(pages, "/favicon.svg")
    status, _, body = await get(pages, "/favicon.svg", if_none_match=headers["etag"])
    assert (status, body) == (304, b"")
    assert (await get(pages, "/favicon.svg", if_none_match='"other"'))[0] == 200


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/manifest.webmanifest", "application/manifest+json"), ("/icons/icon-192.png", "image/png")],
)
async def test_what_an_installed_app_needs_has_its_type(pages: Pages, path: str, content_type: str):
    status, headers, _ = await get(pages, path)
    assert (status, headers["content-type"], headers["cache-control"]) == (200, content_type, "no-cache")


async def test_head_has_no_body(pages: Pages):
    status, headers, body = await get(pages, "/", "HEAD")
    assert (status, body, headers["content-type"]) == (200, b"", "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/docs", 200), ("/api/docs/", 200), ("/api/docs/docs.html", 200), ("/api/docs/../index.html", 404),
        ("/api/docs/gone.js", 404),
    ],
)  # fmt: skip
async def test_the_reference_has_its_own_folder(pages: Pages, path: str, status: int):
    assert (await get(pages.docs, path))[0] == status


async def test_pages_that_are_not_built_say_so(tmp_path: Path):
    assert await get(Pages(tmp_path / "none"), "/") == (
        200,
        {
            "content-type": "text/html; charset=utf-8",
            "content-length": str(len(NOT_BUILT)),
            "etag": '"none"',
            "cache-control": "no-cache",
            "vary": "Accept-Encoding",
        },
        NOT_BUILT,
    )
