"""Which lines are wanted."""

from collections.abc import Callable
from typing import NamedTuple

from tocsin.core.errors import InvalidParam
from tocsin.core.patterns import Pattern, compile_pattern
from tocsin.logs.lines import COLOUR
from tocsin.logs.models import Level, Marked

LONGEST_SEARCH = 500


class LogFilter(NamedTuple):
    """All that is given must hold; colours do not count as text. `search` is in lower case."""

    search: str = ""
    regex: Pattern | None = None
    exclude: Pattern | None = None
    stream: str | None = None
    levels: frozenset[Level] = frozenset()

    @property
    def is_open(self) -> bool:
        """Say whether every line passes."""
        return self == LogFilter()

    def matches(self, line: Marked) -> bool:
        if self.stream is not None and line.stream != self.stream:
            return False
        if self.levels and line.level not in self.levels:
            return False
        if not self.search and self.regex is None and self.exclude is None:
            return True
        text = COLOUR.sub("", line.text) if "\x1b" in line.text else line.text
        if self.search and self.search not in text.lower():
            return False
        if self.regex is not None and not self.regex.search(text):
            return False
        return self.exclude is None or not self.exclude.search(text)


def read_filter(value: Callable[[str], str | None]) -> LogFilter:
    """Return the filter of a query, whose parameters *value* gives by name.  Raises InvalidParam."""
    stream = value("stream") or None
    if stream not in {None, "stdout", "stderr"}:
        raise InvalidParam("stream must be stdout or stderr", field="stream")
    search = value("search") or ""
    if len(search) > LONGEST_SEARCH:
        raise InvalidParam(f"search has at most {LONGEST_SEARCH} characters", field="search")
    return LogFilter(
        search=search.lower(),
        regex=_pattern("regex", value("regex")),
        exclude=_pattern("exclude", value("exclude")),
        stream=stream,
        levels=_levels(value("level")),
    )


def _levels(text: str | None) -> frozenset[Level]:
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    try:
        return frozenset(Level(word) for word in words)
    except ValueError:
        raise InvalidParam(f"level must be among {', '.join(Level)}", field="level") from None


def _pattern(name: str, text: str | None) -> Pattern | None:
    """Return the compiled pattern, None for none.  Raises InvalidParam: RE2 does not understand it."""
    if not text:
        return None
    try:
        return compile_pattern(text)
    except ValueError as exc:
        raise InvalidParam(f"{name}: {exc}", field=name) from None
