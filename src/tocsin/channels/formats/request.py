"""An HTTP request that is ready to be sent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

_encoder = msgspec.json.Encoder()


class Request(NamedTuple):
    url: str
    headers: Mapping[str, str]
    body: bytes


def as_json(url: str, headers: Mapping[str, str], value: Any) -> Request:
    return Request(url, {"Content-Type": "application/json", **headers}, _encoder.encode(value))
