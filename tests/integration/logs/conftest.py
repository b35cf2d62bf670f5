"""Containers that talk."""

import asyncio
from typing import Any

from support.program import Program, Seen, until


async def known(program: Program, name: str, state: str = "running") -> int:
    """Return the id of a container once it is in *state*."""

    def is_there(found: dict[str, Any]) -> bool:
        return name in found and found[name]["state"] == state

    return int((await until(program.client.containers, is_there))[name]["id"])


async def collect(events: Any, count: int, timeout_s: float = 15) -> list[Seen]:
    """Return the next *count* events of a stream that are not checkpoints."""
    found: list[Seen] = []
    async with asyncio.timeout(timeout_s):
        async for event in events:
            if event.type is not None:
                found.append(event)
            if len(found) == count:
                break
    return found
