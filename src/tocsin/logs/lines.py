"""What a log line means: its level, and whether it belongs to the line above. Pure; runs for every line that passes.

Source: docs/spec/logs.md.
"""

import re

from tocsin.logs.models import Level, Marked
from tocsin.runtimes.base import LogLine

LOOKED_AT = 240
"""Levels stand near the start of a line."""
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")

_WORDS = {
    Level.FATAL: ("fatal", "critical", "crit", "panic", "emerg", "emergency", "alert"),
    Level.ERROR: ("error", "err", "severe"),
    Level.WARN: ("warning", "warn", "wrn"),
    Level.INFO: ("info", "inf", "information", "notice", "log"),
    Level.DEBUG: ("debug", "dbg", "fine", "verbose"),
    Level.TRACE: ("trace", "trc", "finest", "finer"),
}
_LEVEL = {word: level for level, words in _WORDS.items() for word in words}
_ANY = "|".join(sorted(_LEVEL, key=len, reverse=True))

_NAMED = re.compile(rf"""["']?\b(?:level|lvl|severity|loglevel|log\.level)["']?\s*[=:]\s*["']?({_ANY}|\d\d)\b""", re.I)
"""`level=warn` and `"level":"warn"`; numbers as pino writes them, 10 to 60."""
_SET_OFF = re.compile(rf"[\[<(|]\s*({_ANY})\s*[\]>)|]|^({_ANY}):|\s({_ANY}):\s", re.I)
"""`[error]`, `<warn>`, `|INFO|`; `error:` at the start of the line or of a word."""
_SHOUTED = re.compile(rf"\b({_ANY.upper()})\b")
_GLOG = re.compile(r"([FEWID])\d{4} \d\d:\d\d:\d\d")
"""`E1124 12:00:00.000000` of Go's glog and Kubernetes."""
_GLOG_LEVEL = {"F": Level.FATAL, "E": Level.ERROR, "W": Level.WARN, "I": Level.INFO, "D": Level.DEBUG}
_PINO = {"10": Level.TRACE, "20": Level.DEBUG, "30": Level.INFO, "40": Level.WARN, "50": Level.ERROR, "60": Level.FATAL}
_THROWN = re.compile(
    r"(?:Uncaught |Unhandled )?(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception)\b(?::|$)|panic: |fatal error: "
)

_CONTINUES = re.compile(r"[ \t]+\S|Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames)|[}\])],?;?$")
_PYTHON, _GO = "Traceback (most recent call last):", re.compile(r"goroutine \d+ \[")
_GO_FRAME = re.compile(r"[\w./*()\-]+\(.*\)$|created by |exit status \d+$|goroutine \d+ \[")


def level_of(text: str) -> Level | None:
    """Return the level that a line claims for itself, None when it claims none."""
    head = COLOUR.sub("", text[:LOOKED_AT])
    if (glog := _GLOG.match(head)) is not None:
        return _GLOG_LEVEL[glog[1]]
    if (named := _NAMED.search(head)) is not None:
        word = named[1].lower()
        return _PINO.get(word) or _LEVEL.get(word)
    if head.startswith("{"):
        return None  # a JSON line without a level; words in its message are not one
    for pattern in (_SET_OFF, _SHOUTED):
        if (match := pattern.search(head)) is not None:
            return _LEVEL[next(word for word in match.groups() if word).lower()]
    thrown = _THROWN.match(head)
    if thrown is None:
        return None
    return Level.FATAL if thrown[0][0] in "pf" else Level.ERROR


class Marker:
    """Follows one container's lines, each of its outputs by itself: a line belongs only to one of the same output."""

    def __init__(self) -> None:
        self._outputs = {"stdout": _Output(), "stderr": _Output()}

    def mark(self, line: LogLine, number: int = 0) -> Marked:
        """Return *line*, which is the *number*-th with its timestamp, with what it means."""
        level, continues = self._outputs[line.stream].take(line)
        return Marked(line.at, number, line.stream, line.text, line.partial, level, continues)


class _Output:
    def __init__(self) -> None:
        self._level: Level | None = None
        self._begun = False
        self._inside = ""  # a Python or Go trace, whose lines are not all indented
        self._partial = False
        self._continued = False

    def take(self, line: LogLine) -> tuple[Level | None, bool]:
        if self._partial:  # the rest of a line that was cut
            self._partial = line.partial
            return self._level, self._continued
        self._partial = line.partial
        self._continued = self._begun and self._belongs(COLOUR.sub("", line.text[:LOOKED_AT]))
        if not self._continued:
            self._begun = bool(line.text)
            self._level = level_of(line.text)
            self._inside = _inside(line.text)
            if self._inside:
                self._level = self._level or Level.ERROR
        return self._level, self._continued

    def _belongs(self, head: str) -> bool:
        if _CONTINUES.match(head):
            return True
        if head.startswith(_PYTHON) and self._level in {Level.ERROR, Level.FATAL, Level.WARN}:
            self._inside = "python"
            return True
        if self._inside == "python":
            self._inside = ""  # the line that names the exception ends the trace
            return bool(head)
        if self._inside == "go":
            return not head or _GO_FRAME.match(head) is not None
        if self._level is Level.FATAL and _GO.match(head):
            self._inside = "go"
            return True
        return False


def _inside(text: str) -> str:
    if text.startswith(_PYTHON):
        return "python"
    return "go" if text.startswith(("panic: ", "fatal error: ")) or _GO.match(text) else ""
