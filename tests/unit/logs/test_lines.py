"""Levels, and lines that belong together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.logs.lines import Marker, level_of
from tocsin.logs.models import Level
from tocsin.runtimes.base import LogLine

AT = "2026-03-04T09:00:00.1Z"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-03-04 09:00:00,123 ERROR django.request: Internal Server Error", Level.ERROR),
        ("[2026-03-04 09:00:00] [warn] mod_ssl: slow", Level.WARN),
        ("2026/03/04 09:00:00 [error] 31#31: *1 open() failed", Level.ERROR),
        ("2026/03/04 09:00:00 [notice] 1#1: start worker", Level.INFO),
        ('level=info ts=2026-03-04 msg="error in the message only"', Level.INFO),
        ('{"level":"warn","msg":"ERROR is only a word"}', Level.WARN),
        ('{"level":50,"time":1,"msg":"pino"}', Level.ERROR),
        ('{"severity":"CRITICAL","message":"x"}', Level.FATAL),
        ('{"msg":"no level, ERROR"}', None),
        ("E1124 12:00:00.123456       1 reflector.go:138] failed", Level.ERROR),
        ("I1124 12:00:00.123456       1 main.go:1] ok", Level.INFO),
        ("\x1b[31mERROR\x1b[0m red", Level.ERROR),
        ("\x1b[2m2026-03-04T09:00:00Z\x1b[0m [\x1b[32m\x1b[1minfo     \x1b[0m] started", Level.INFO),
        ("DEBUG:root:hello", Level.DEBUG),
        ("error: cannot open", Level.ERROR),
        ("npm warn deprecated", None),
        ("2026-03-04 09:00:00.000 UTC [1] FATAL:  password authentication failed", Level.FATAL),
        ("2026-03-04 09:00:00.000 UTC [1] LOG:  database system is ready", Level.INFO),
        ("1:M 04 Mar 2026 09:00:00.000 # WARNING overcommit", Level.WARN),
        ("java.lang.NullPointerException: x", Level.ERROR),
        ("TypeError: undefined is not a function", Level.ERROR),
        ("panic: runtime error: index out of range", Level.FATAL),
        ("GET /errors/500 200 2ms", None),
        ("an error happened, somewhere in a sentence", None),
        ("terror", None),
        ("", None),
    ],
)
def test_the_level_a_line_claims(text: str, level: Level | None):
    assert level_of(text) is level


def marks(*texts: str, stream: str = "stdout") -> list[tuple[str | None, bool]]:
    marker = Marker()
    marked = [marker.mark(LogLine(AT, stream, text)) for text in texts]  # type: ignore[arg-type]
    return [(line.level.value if line.level else None, line.continues) for line in marked]


def test_a_java_trace_is_one_entry():
    assert marks(
        "12:00 ERROR oops",
        "java.lang.IllegalStateException: no",
        "\tat com.example.Main.main(Main.java:5)",
        "Caused by: java.io.IOException: gone",
        "\tat x.Y.z(Y.java:1)",
        "\t... 12 more",
        "12:01 INFO fine",
    ) == [
        ("error", False),
        ("error", False),
        ("error", True),
        ("error", True),
        ("error", True),
        ("error", True),
        ("info", False),
    ]


def test_a_python_trace_ends_with_the_line_that_names_the_error():
    assert marks(
        "ERROR:root:it broke",
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in <module>',
        "    1 / 0",
        "ZeroDivisionError: division by zero",
        "next line",
    ) == [("error", False), *[("error", True)] * 4, (None, False)]
    assert marks("Traceback (most recent call last):", "  File", "ValueError", "INFO next") == [
        ("error", False),
        ("error", True),
        ("error", True),
        ("info", False),
    ]


def test_a_go_panic_is_one_entry():
    assert marks(
        "panic: boom",
        "",
        "goroutine 1 [running]:",
        "main.main()",
        "\t/src/main.go:5 +0x1d",
        "exit status 2",
        "listening on :80",
    ) == [("fatal", False), *[("fatal", True)] * 5, (None, False)]


def test_indented_json_is_one_entry():
    assert [continues for _, continues in marks("{", '  "a": 1', "}", "next")] == [False, True, True, False]


def test_a_first_line_belongs_to_nothing_and_outputs_do_not_mix():
    marker = Marker()
    assert marker.mark(LogLine(AT, "stdout", "  indented")).continues is False
    assert marker.mark(LogLine(AT, "stderr", "  indented")).continues is False
    assert marker.mark(LogLine(AT, "stdout", "  more")).continues is True


def test_the_rest_of_a_cut_line_is_what_its_beginning_was():
    marker = Marker()
    lines = [
        LogLine(AT, "stdout", "ERROR begins", partial=True),
        LogLine(AT, "stdout", "INFO is not a level here", partial=True),
        LogLine(AT, "stdout", "end"),
        LogLine(AT, "stdout", "next"),
    ]
    assert [(m.level, m.continues) for m in map(marker.mark, lines)] == [(Level.ERROR, False)] * 3 + [(None, False)]


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(max_size=400), st.booleans()), max_size=30))
def test_whatever_comes_is_marked(lines: list[tuple[str, str, bool]]):
    marker = Marker()
    for stream, text, partial in lines:
        line = LogLine(AT, stream, text, partial)  # type: ignore[arg-type]
        marked = marker.mark(line)
        assert (marked.text, marked.stream, marked.partial) == (text, stream, partial)
