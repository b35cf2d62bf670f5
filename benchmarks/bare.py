"""The limits: servers with nothing but asyncio.Protocol, httptools and uvloop, doing the same work for the wire.

`python -m benchmarks.bare answer FILE` sends the bytes in FILE, head and body, to every request; `encode FILE` takes
its body for a container list and encodes that anew each time.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httptools
import msgspec
import uvloop

from tocsin.containers.models import ContainerList


class Answering(asyncio.Protocol):
    """Parses requests and answers each with what *answer* returns."""

    def __init__(self, answer: Callable[[], bytes]) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(self._answer())


def recorded(file: Path) -> Callable[[], bytes]:
    answer = file.read_bytes()
    return lambda: answer


def encoded(file: Path) -> Callable[[], bytes]:
    head, _, body = file.read_bytes().partition(b"\r\n\r\n")
    found = msgspec.json.decode(body, type=ContainerList)
    encoder = msgspec.json.Encoder()
    return lambda: head + b"\r\n\r\n" + encoder.encode(found)


async def serve(make_protocol: Callable[[], asyncio.Protocol]) -> None:
    """Serve on a free port, print it, go on until killed."""
    server = await asyncio.get_running_loop().create_server(make_protocol, "127.0.0.1", 0, backlog=2048)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    way, path = sys.argv[1:]
    to_answer = {"answer": recorded, "encode": encoded}[way](Path(path))
    uvloop.run(serve(lambda: Answering(to_answer)))
