"""The time limit of a check behaves as `asyncio.timeout` does, whoever else cancels at the same moment."""

import asyncio

import pytest

from tocsin.probes.limit import Limit


def limit(seconds: float) -> Limit:
    return Limit(asyncio.get_running_loop(), seconds)


async def test_what_takes_too_long_is_ended():
    with pytest.raises(TimeoutError), limit(0.01):
        await asyncio.sleep(5)
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_what_is_quick_is_left_alone_afterwards_too():
    with limit(0.01):
        pass
    await asyncio.sleep(0.03)


async def test_it_can_be_extended():
    found = limit(0.02)
    with found:
        found.extend(1)
        await asyncio.sleep(0.05)


async def test_extended_it_ends_all_the_same():
    async def work() -> None:
        found = limit(0.02)
        with found:
            found.extend(0.01)
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        await work()


async def test_another_error_stays_what_it_is():
    with pytest.raises(KeyError), limit(1):
        raise KeyError


async def test_an_error_in_place_of_the_cancellation_stays_too():
    async def work() -> None:
        with limit(0.01):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                raise KeyError from None

    with pytest.raises(KeyError):
        await work()
    assert asyncio.current_task().cancelling() == 0


async def test_whoever_is_cancelled_from_outside_is_cancelled():
    async def work() -> None:
        with limit(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_from_outside_in_the_very_moment_it_ends():
    async def work() -> None:
        with limit(0.01):
            await asyncio.sleep(5)

    for order in (0, 1):
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time() + 0.01 + (0.0005 if order else -0.0005), task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            assert isinstance(task.exception(), TimeoutError)


@pytest.mark.parametrize(("outer", "inner"), [(0.01, 5), (5, 0.01), (0.01, 0.01)])
async def test_inside_of_another_one(outer: float, inner: float):
    ended: list[str] = []

    async def work() -> None:
        async with asyncio.timeout(outer):
            try:
                with limit(inner):
                    await asyncio.sleep(2)
            except TimeoutError:
                ended.append("inner")
                raise

    with pytest.raises(TimeoutError):
        await work()
    assert ended or outer <= inner
    assert asyncio.current_task().cancelling() == 0
