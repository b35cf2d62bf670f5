"""Signatures of what Tocsin sends: HMAC-SHA256 over the exact bytes.  Source: docs/webhooks.md; RFC 2104."""

import hashlib
import hmac

HEADER = "X-Tocsin-Signature"


def sign(body: bytes, *secrets: str) -> str:
    """Return the value of the signature header, such as `sha256=9f…`; of several secrets, separated by commas."""
    found = (hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join(f"sha256={digest}" for digest in found)
