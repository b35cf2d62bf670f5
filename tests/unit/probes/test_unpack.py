"""Compressed bodies are unpacked as far as somebody looks, and no further."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.behaviours import _explosive
from tocsin.probes.unpack import unpacked


def packed(body: bytes, coding: str) -> bytes:
    if coding in {"gzip", "x-gzip", "GZIP "}:
        return gzip.compress(body)
    compressor = zlib.compressobj(wbits=-15 if coding == "raw" else 15)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP ", "deflate", "raw"])
@given(body=st.binary(max_size=2000) | st.binary(max_size=3).map(lambda some: some * 3000), limit=st.integers(1, 4000))
def test_what_was_packed_comes_out(coding: str, body: bytes, limit: int):
    name = "deflate" if coding == "raw" else coding
    assert unpacked(packed(body, coding), name, limit) == (body[:limit], len(body) > limit)


@given(body=st.binary(max_size=500), limit=st.integers(1, 600), coding=st.sampled_from([None, "", "identity", "br"]))
def test_what_is_packed_in_no_way_we_know_stays_as_it_is(body: bytes, limit: int, coding: str | None):
    assert unpacked(body, coding, limit) == (body[:limit], len(body) > limit)


@given(body=st.binary(max_size=300), coding=st.sampled_from(["gzip", "deflate", "gzip, gzip"]))
def test_what_is_damaged_harms_nobody(body: bytes, coding: str):
    plain, _ = unpacked(body, coding, 1000)
    assert len(plain) <= 1000


@given(body=st.binary(min_size=1, max_size=2000), cut=st.integers(1, 50))
def test_what_came_of_a_body_that_was_cut_is_unpacked(body: bytes, cut: int):
    plain, _ = unpacked(gzip.compress(body)[:-cut], "gzip", 4000)
    assert body.startswith(plain) or plain.startswith(b"\x1f\x8b")


def test_a_bomb_stays_small():
    bomb = _explosive(200 * 2**20, 1)
    tracemalloc.start()
    try:
        plain, is_more = unpacked(bomb, "gzip", 2**20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(plain), is_more) == (2**20, True)
    assert peak < 4 * 2**20
