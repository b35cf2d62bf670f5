"""Lists that browsers may keep and ask about again: ETag by version, never shared between people."""

import secrets
from typing import Any

from litestar import Request, Response

_BOOT = secrets.token_hex(4)
"""Versions start again with the process; the tag must not."""


def cached(request: Request[Any, Any, Any], body: bytes, version: str) -> Response[bytes]:
    """Return *body* (JSON) with its tag, or 304 if the client has this *version* of this very address."""
    etag = f'"{_BOOT}-{version}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type="application/json")
    return Response(body, headers=headers, media_type="application/json")
