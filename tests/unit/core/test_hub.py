"""The hub: one encoding for all, a bound for each, and a number for what a filter leaves out."""

import asyncio

from tocsin.core.events import Event, Frame, encode, name_of, volatile
from tocsin.core.hub import Block, Filter, Hub, encode_frames


class Rang(Event, frozen=True, kw_only=True, tag="bell.rang"):
    bell: str


def frame(number: int | None, event_type: str = "bell.rang") -> Frame:
    return Frame(number, event_type, b"{}")


def test_an_event_says_its_type_inside():
    rang = Rang(bell="a", timestamp="2026-01-01T00:00:00.000Z")
    assert name_of(rang) == name_of(Rang) == "bell.rang"
    assert encode(rang) == b'{"type":"bell.rang","timestamp":"2026-01-01T00:00:00.000Z","bell":"a"}'
    assert volatile(rang).id is None


def test_filters():
    assert Filter().accepts("anything")
    wanted = Filter(["bell.*", "door.opened"])
    assert wanted.accepts("bell.rang")
    assert wanted.accepts("door.opened")
    assert not wanted.accepts("door.closed")
    assert not wanted.accepts("belle.rang")


def test_what_is_left_out_leaves_its_number_once():
    frames = [frame(1), frame(2, "x"), frame(3, "x"), frame(4), frame(5, "x")]
    text = encode_frames(frames, Filter(["bell.*"])).decode()
    assert text == "id: 1\nevent: bell.rang\ndata: {}\n\nid: 4\nevent: bell.rang\ndata: {}\n\nid: 5\n\n"
    assert encode_frames([frame(None, "x")], Filter(["bell.*"])) == b""
    assert encode_frames([frame(None)], Filter()) == b"event: bell.rang\ndata: {}\n\n"


def test_a_block_is_encoded_once_for_each_filter():
    block = Block([frame(1)])
    assert block.encoded(Filter()) is block.encoded(Filter())
    assert block.encoded(Filter(["x", "y"])) is block.encoded(Filter(["y", "x"]))


async def test_listeners_get_whole_commits_in_order():
    hub = Hub()
    listener = hub.subscribe(Filter())
    hub.publish([frame(1), frame(2)])
    hub.publish([frame(3)])
    blocks = await listener.next()
    assert [(block.first_id, block.last_id) for block in blocks] == [(1, 2), (3, 3)]


async def test_a_listener_that_lags_is_closed_and_the_others_go_on():
    hub = Hub()
    slow, quick = hub.subscribe(Filter(), limit_bytes=100), hub.subscribe(Filter())
    for number in range(10):
        hub.publish([frame(number)])
    assert (slow.overflowed, slow.closed, await slow.next()) == (True, True, [])
    assert len(await quick.next()) == 10
    assert len(hub) == 1


async def test_a_waiting_listener_is_woken_and_released():
    hub = Hub()
    listener = hub.subscribe(Filter())
    waiting = asyncio.create_task(listener.next())
    await asyncio.sleep(0)
    hub.publish([frame(1)])
    assert len(await waiting) == 1
    waiting = asyncio.create_task(listener.next())
    await asyncio.sleep(0)
    hub.close()
    assert await waiting == []
    assert hub.subscribe(Filter()).closed


def test_taps_see_everything():
    hub, heard = Hub(), []
    hub.tap(heard.extend)
    hub.publish([frame(1), frame(None)])
    hub.publish([])
    assert [f.id for f in heard] == [1, None]
