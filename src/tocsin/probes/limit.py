"""A time limit that costs little."""

import asyncio
from typing import Any


class Limit:
    """A time limit for a block, as `asyncio.timeout`, at half its price. `at` is when it ends, a time of the loop."""

    __slots__ = ("_handle", "_is_over", "_loop", "_task", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._is_over = False
        self._task: asyncio.Task[Any] | None = None
        self.at = loop.time() + seconds

    def __enter__(self) -> None:
        self._task = asyncio.current_task(self._loop)
        self._handle = self._loop.call_at(self.at, self._end)

    def extend(self, seconds: float) -> None:
        self.at += seconds
        self._handle.cancel()
        self._handle = self._loop.call_at(self.at, self._end)

    def _end(self) -> None:
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: object) -> None:
        self._handle.cancel()
        task, self._task = self._task, None
        if self._is_over and task is not None and task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise TimeoutError from exc
