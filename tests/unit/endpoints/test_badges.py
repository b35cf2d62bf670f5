"""What badges say."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tocsin.endpoints import views
from tocsin.endpoints.badges import GREEN, GREY, KINDS, draw
from tocsin.endpoints.models import Config, Endpoint, EndpointSource, EndpointType, Standing
from tocsin.endpoints.objects import EndpointUptime

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
NEVER = EndpointUptime(hour=None, day=None, week=None, month=None, quarter=None)
SHOP = Endpoint(
    id=7,
    source=EndpointSource.STANDALONE,
    endpoint_type=EndpointType.HTTP,
    target="http://web/",
    name="shop",
    label_key="key",
    external_id="key",
    badge_key="badge",
    config=Config(),
    first_seen_at=T0,
    last_seen_at=T0,
)


@pytest.mark.parametrize(
    ("took", "value", "colour"),
    [(None, "no data", GREY), (0, "< 1 ms", GREEN), (1, "1 ms", GREEN), (240, "240 ms", GREEN)],
)
def test_no_answer_took_no_time_at_all(took, value, colour):
    shown = replace(views.view(SHOP, Standing(), None), last_response_time_ms=took)
    badge = KINDS["response.svg"](shown, NEVER)
    assert (badge.value, badge.colour) == (value, colour)


def test_what_a_badge_says_is_text_and_no_markup():
    shown = replace(views.view(SHOP, Standing(), None), name="<b>", last_response_time_ms=0)
    assert b"&lt; 1 ms</text>" in draw(KINDS["response.svg"](shown, NEVER))
    assert b"<b>" not in draw(KINDS["status.svg"](shown, NEVER))
