"""Compressed bodies, unpacked no further than somebody looks: a bomb stays small."""

import zlib

_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpacked(body: bytes, coding: str | None, limit: int) -> tuple[bytes, bool]:
    """Return up to *limit* bytes of what *body* holds, given its Content-Encoding, and whether there is more.

    A body that is damaged, or packed in a way we do not know, is returned as it is.
    """
    window_of = _WINDOW.get((coding or "").strip().lower())
    if window_of is None:
        return body[:limit], len(body) > limit
    for window in (window_of, -zlib.MAX_WBITS):  # "deflate" is sent without its frame as often as with it
        unpacker = zlib.decompressobj(window)
        try:
            plain = unpacker.decompress(body, limit)
        except zlib.error:
            continue
        return plain, bool(unpacker.unconsumed_tail) or _goes_on(unpacker)
    return body[:limit], len(body) > limit


def _goes_on(unpacker: "zlib._Decompress") -> bool:
    """Say whether more comes out though all has gone in: what is repeated may be cut in the middle."""
    try:
        return not unpacker.eof and bool(unpacker.decompress(b"", 1))
    except zlib.error:
        return False
