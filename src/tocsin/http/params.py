"""Query parameters: pages, instants, switches. A value that cannot be understood is 400, never ignored."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from litestar.params import PathParameter, QueryParameter

from tocsin.core.errors import InvalidParam

LARGEST_ID = 2**63 - 1
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)")
E = TypeVar("E", bound=StrEnum)

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most, 1 to 500")]
Offset = Annotated[int, QueryParameter(ge=0, le=LARGEST_ID, description="How many to skip")]
PathId = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
PathName = Annotated[str, PathParameter(max_length=100)]
Switch = Annotated[str | None, QueryParameter(description="true, 1, yes or false, 0, no")]
Text = Annotated[str | None, QueryParameter()]
Moment = Annotated[str | None, QueryParameter(description="RFC 3339, or unix seconds")]


def switch(name: str, text: str | None, *, default: bool = False) -> bool:
    """Raises InvalidParam: neither yes nor no."""
    if text is None:
        return default
    word = text.lower()
    if word not in {"true", "1", "yes", "false", "0", "no"}:
        raise InvalidParam(f"{name} must be true or false", field=name)
    return word in {"true", "1", "yes"}


def moment(name: str, text: str | None) -> datetime | None:
    """Return the aware UTC time in *text*.  Raises InvalidParam: neither RFC 3339 nor unix seconds."""
    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError as exc:
        raise InvalidParam(f"{name} {exc}", field=name) from None


def read_moment(text: str) -> datetime:
    """Return the aware UTC time in *text*.  Raises ValueError: what it must be instead."""
    try:
        if re.fullmatch(r"-?\d{1,12}(\.\d{1,9})?", text):
            return datetime.fromtimestamp(float(text), UTC)
        written = text.replace(" ", "+") if "T" in text.upper() else text  # a bare + in a URL arrives as a space
        if _RFC3339.fullmatch(written):
            return datetime.fromisoformat(written.upper()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError("must be a time such as 2026-11-23T11:14:34Z, or unix seconds")


def choice(name: str, text: str | None, kind: type[E]) -> E | None:
    """Raises InvalidParam: *text* is none of the words of *kind*."""
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise InvalidParam(f"{name} must be one of {', '.join(kind)}", field=name) from None
