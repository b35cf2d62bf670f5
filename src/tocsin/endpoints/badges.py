"""Badges: small pictures for READMEs and wikis, readable by anybody who knows the key: `/badges/KEY/status.svg`."""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from tocsin.core.clock import Clock
from tocsin.core.errors import NotFound
from tocsin.endpoints.models import EndpointStatus
from tocsin.endpoints.objects import EndpointUptime, EndpointView
from tocsin.endpoints.queries import EndpointQueries
from tocsin.http.asgi import Receive, Scope, Send, respond
from tocsin.http.errors import refuse

FRESH_S, MOST_KEPT = 30.0, 2000
GREEN, AMBER, RED, GREY = "#2f7d4f", "#9a6700", "#b3261e", "#5f6368"
COLOURS = {
    EndpointStatus.UP: GREEN,
    EndpointStatus.DEGRADED: AMBER,
    EndpointStatus.DOWN: RED,
    EndpointStatus.UNKNOWN: GREY,
}
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {value}">
<title>{label}: {value}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left_middle}" y="14">{label}</text><text x="{right_middle}" y="14">{value}</text></g>
</svg>
"""


class Badge(NamedTuple):
    label: str
    value: str
    colour: str


def _status(endpoint: EndpointView, _uptime: EndpointUptime) -> Badge:
    word = "paused" if endpoint.paused else endpoint.status.value
    return Badge(_name(endpoint), word, GREY if endpoint.paused else COLOURS[endpoint.status])


def _uptime(endpoint: EndpointView, uptime: EndpointUptime) -> Badge:
    percent = uptime.month
    if percent is None:
        return Badge("uptime 30d", "no data", GREY)
    colour = GREEN if percent >= 99 else AMBER if percent >= 95 else RED
    return Badge("uptime 30d", f"{percent:g} %", colour)


def _response(endpoint: EndpointView, _up: EndpointUptime) -> Badge:
    took = endpoint.last_response_time_ms
    if took is None:
        return Badge("response", "no data", GREY)
    return Badge("response", f"{took} ms" if took else "< 1 ms", GREEN)


KINDS: dict[str, Callable[[EndpointView, EndpointUptime], Badge]] = {
    "status.svg": _status,
    "uptime.svg": _uptime,
    "response.svg": _response,
}


class Badges:
    """A raw ASGI application below `/badges/`. What it drew is good for half a minute."""

    def __init__(self, queries: EndpointQueries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock
        self._drawn: dict[str, tuple[float, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        try:
            body = await self._draw(path)
        except NotFound as exc:
            await refuse(scope, send, exc)
            return
        headers = [(b"cache-control", b"public, max-age=60")]
        await respond(send, 200, body if scope["method"] == "GET" else b"", "image/svg+xml; charset=utf-8", headers)

    async def _draw(self, path: str) -> bytes:
        at, body = self._drawn.get(path, (float("-inf"), b""))
        if self._clock.monotonic() - at > FRESH_S:
            key, _, kind = path.removeprefix("/badges/").partition("/")
            make = KINDS.get(kind)
            if make is None:
                raise NotFound("There is no such badge")
            body = draw(make(*await self._queries.by_badge(key)))
            if len(self._drawn) >= MOST_KEPT:
                self._drawn.clear()
            self._drawn[path] = (self._clock.monotonic(), body)
        return body


def draw(badge: Badge) -> bytes:
    """Return the picture."""
    left, right = _width(badge.label), _width(badge.value)
    return SVG.format(
        label=escape(badge.label),
        value=escape(badge.value),
        colour=badge.colour,
        left=left,
        right=right,
        width=left + right,
        left_middle=left / 2,
        right_middle=left + right / 2,
    ).encode()


def _width(text: str) -> int:
    return 12 + round(6.6 * len(text))


def _name(endpoint: EndpointView) -> str:
    name = endpoint.name or endpoint.container_name or endpoint.endpoint_type.value
    return name if len(name) <= 40 else name[:39] + "…"
