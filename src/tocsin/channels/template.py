"""Message templates that people write: `{{entity}} is {{status}}`. Pure.  Source: docs/notifications.md, templates."""

import json
import re
from collections.abc import Callable, Mapping

from tocsin.core.errors import Invalid

PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]*)\s*\}\}")
MEANT_AS_ONE = re.compile(r"\{\{([^{}]*)\}\}")
NAMES = (
    "title",
    "message",
    "entity",
    "severity",
    "status",
    "source",
    "type",
    "group",
    "host",
    "since",
    "lasted",
    "link",
    "delivery",
)


def fill(template: str, values: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
    """Return *template* with each placeholder replaced by its escaped value. What a value holds is not looked at."""
    return PLACEHOLDER.sub(lambda found: escape(values.get(found[1], "")), template)


def json_text(value: str) -> str:
    """Return *value* as it may stand inside a JSON string."""
    return json.dumps(value)[1:-1]


def check(template: str, *, is_json: bool) -> None:
    """Raises Invalid: a placeholder that does not exist, or (*is_json*) something that does not become JSON."""
    for found in MEANT_AS_ONE.finditer(template):
        name = found[1].strip()
        if name not in NAMES:
            raise Invalid(f"template: {{{{{name[:40]}}}}} is not among {', '.join(NAMES)}", field="template")
    if not is_json:
        return
    try:
        json.loads(fill(template, dict.fromkeys(NAMES, "x"), json_text), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Invalid("template must be JSON, with placeholders inside its texts", field="template") from None


def _refuse(word: str) -> None:
    """Python reads NaN and Infinity, JSON does not know them."""
    raise ValueError(word)
