"""Patterns that people write, on RE2: in linear time, whatever the pattern and the text."""

from typing import Protocol

LONGEST = 500
_MEMORY_BYTES = 1 << 20


class Pattern(Protocol):
    """A compiled pattern, as Python's own `re` has them."""

    def search(self, text: str) -> object: ...
    def sub(self, replacement: str, text: str) -> str: ...


def compile_pattern(text: str) -> Pattern:
    """Return *text* compiled.  Raises ValueError: one sentence that says why it is not a pattern."""
    if len(text) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters")
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    try:
        compiled: Pattern = re2.compile(text, options=options)
    except re2.error as exc:
        reason = exc.args[0].decode() if exc.args and isinstance(exc.args[0], bytes) else str(exc)
        raise ValueError(f"RE2 does not understand this pattern: {reason}") from None
    return compiled
