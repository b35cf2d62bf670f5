"""Docker's log frames, however they are cut, and lines that can do no harm."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.runtimes.base import LogLine, LogsUnavailable
from tocsin.runtimes.docker.logs import LONGEST_LINE_BYTES, Demultiplexer, clean

STAMP = b"2026-03-04T09:15:00.123456789Z "
AT = STAMP.decode().strip()


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def read(*chunks: bytes, tty: bool = False) -> list[LogLine]:
    demultiplexer = Demultiplexer(tty=tty)
    lines = [line for chunk in chunks for line in demultiplexer.feed(chunk)]
    return lines + list(demultiplexer.end())


TALK = frame(1, STAMP + b"out\n") + frame(2, STAMP + b"err\n") + frame(1, STAMP + b"\n") + frame(1, STAMP + b"end")
HEARD = [
    LogLine(AT, "stdout", "out"),
    LogLine(AT, "stderr", "err"),
    LogLine(AT, "stdout", ""),
    LogLine(AT, "stdout", "end"),
]


def test_streams_are_told_apart_and_blank_lines_stay():
    assert read(TALK) == HEARD


@given(st.lists(st.integers(0, len(TALK)), max_size=8))
def test_lines_do_not_depend_on_where_the_bytes_are_cut(cuts: list[int]):
    edges = [0, *sorted(cuts), len(TALK)]
    assert read(*(TALK[a:b] for a, b in pairwise(edges))) == HEARD


def test_a_terminal_is_raw():
    lines = read(STAMP + b"one\r\n" + STAMP + b"two", tty=True)
    assert [(line.text, line.stream) for line in lines] == [("one", "stdout"), ("two", "stdout")]


def test_a_line_without_a_timestamp_keeps_its_text():
    assert [line.text for line in read(frame(1, b"no stamp\n"))] == ["no stamp"]


@pytest.mark.parametrize("together", [True, False])
def test_a_huge_line_is_split_and_says_so(together: bool):
    body = STAMP + b"x" * 200_000 + b"\n"
    frames = [frame(1, body)] if together else [frame(1, body[n : n + 16_384]) for n in range(0, len(body), 16_384)]
    lines = read(*frames)
    assert "".join(line.text for line in lines) == "x" * 200_000
    assert [line.partial for line in lines] == [True] * (len(lines) - 1) + [False]
    assert all(len(line.text) <= LONGEST_LINE_BYTES + 64 for line in lines)
    assert {line.at for line in lines} == {AT}


@pytest.mark.parametrize("junk", [b"not a frame at all", b"\x07\0\0\0\0\0\0\x01x", b"\x01\0\0\0\xff\xff\xff\xffx"])
def test_what_is_no_frame_is_refused(junk: bytes):
    with pytest.raises(LogsUnavailable):
        read(junk)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        ("ünï 中 🙂".encode(), "ünï 中 🙂"),
        (b"tab\there", "tab\there"),
        (b"\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        (b"\x1b[38:2::255:0:0mtrue colour", "\x1b[38:2::255:0:0mtrue colour"),
        (b"\x1b[2J\x1b[Hcleared", "cleared"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://evil\x1b\\link", "link"),
        (b"\x1bcreset", "�creset"),
        (b"nul\0bell\x07back\x08", "nul�bell�back�"),
        (b"carriage\rreturn", "carriage�return"),
        (b"\xff\xfe", "��"),
        ("c1 \x9b31m".encode(), "c1 �31m"),
    ],
)
def test_only_tabs_and_colours_remain_special(raw: bytes, text: str):
    assert clean(raw) == text


@given(st.binary(max_size=300))
def test_no_bytes_make_a_dangerous_line(raw: bytes):
    text = clean(raw)
    without_colours = text.replace("\x1b[", "")
    assert not any(ord(c) < 32 and c != "\t" for c in without_colours)
    assert not any(0x7F <= ord(c) <= 0x9F for c in text)
