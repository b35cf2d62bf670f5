"""Targets for tests that have no event loop of their own, such as those with a browser: they run beside them.

with beside() as targets:
    target = targets.serve(answer(b"fine"))         # `target.script` and `target.tls` may be changed at any time
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from threading import Thread

from support.targets import Script, Target, Tls, serve


class Targets:
    """Servers that run until the end; what went wrong in a script is raised then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stack: AsyncExitStack) -> None:
        self._loop = loop
        self._stack = stack

    def serve(self, script: Script, *, tls: Tls | None = None) -> Target:
        """Serve on a free port of this machine."""
        entered = self._stack.enter_async_context(serve(script, tls=tls))
        return asyncio.run_coroutine_threadsafe(entered, self._loop).result(10)

    def run_soon(self, work: Callable[[], None]) -> None:
        """Run *work* in the loop of the servers."""
        self._loop.call_soon_threadsafe(work)


@contextmanager
def beside() -> Iterator[Targets]:
    """A loop in a thread of its own, for targets: this thread's may be taken."""
    begun: Future[tuple[Targets, asyncio.Event]] = Future()
    faults: list[BaseException] = []

    async def work() -> None:
        over = asyncio.Event()
        async with AsyncExitStack() as stack:
            begun.set_result((Targets(asyncio.get_running_loop(), stack), over))
            await over.wait()

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as fault:
            faults.append(fault)

    thread = Thread(target=run, name="targets", daemon=True)
    thread.start()
    targets, over = begun.result(10)
    try:
        yield targets
    finally:
        targets.run_soon(over.set)
        thread.join(30)
    if faults:
        raise faults[0]
