"""One log line is one JSON object, whoever wrote it."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tocsin.core.logs import configure
from tocsin.core.secrets import Secret


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The logging of the other tests comes back afterwards."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


Captured = pytest.CaptureFixture[str]


def lines(captured: Captured) -> list[Any]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_a_line_has_its_fields(capsys: Captured):
    configure("info", "json")
    structlog.get_logger("x").warning("engine lost", engine="nas", seconds=1.5)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "engine lost", "level": "warning", "engine": "nas", "seconds": 1.5}


def test_the_request_is_in_the_line(capsys: Captured):
    configure("info", "json")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("x").info("inside")
    structlog.get_logger("x").info("outside")
    assert [line.get("request_id") for line in lines(capsys)] == ["r1", None]


@pytest.mark.parametrize(("level", "told"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_decides_what_is_told(capsys: Captured, level: str, told: int):
    configure(level, "json")
    logger = structlog.get_logger("x")
    for word in ("debug", "info", "warning", "error"):
        getattr(logger, word)("line")
    assert len(lines(capsys)) == told


def test_an_exception_is_one_line(capsys: Captured):
    configure("info", "json")
    try:
        raise ValueError("a bug\nin two lines")
    except ValueError:
        structlog.get_logger("x").exception("job died")
    (line,) = lines(capsys)
    assert "ValueError: a bug" in line["exception"]
    assert line["level"] == "error"


def test_what_libraries_log_joins_in(capsys: Captured):
    configure("info", "json")
    logging.getLogger("aiohttp.client").warning("slow %s", "peer")
    logging.getLogger("aiohttp.client").info("chatter")
    (line,) = lines(capsys)
    assert (line["event"], line["logger"], line["level"]) == ("slow peer", "aiohttp.client", "warning")


def test_a_secret_in_a_field_is_not_shown(capsys: Captured):
    configure("info", "json")
    structlog.get_logger("x").info("token", token=Secret("hunter2"))
    assert "hunter2" not in capsys.readouterr().err
