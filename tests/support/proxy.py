"""A proxy between Tocsin and an engine: it writes down what is asked, and can be cut, slow or lying."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path


class EngineProxy:
    """Listens on its own socket. `asked` holds (method, path) of every request; the rest is set by the test."""

    def __init__(self, path: Path, engine: Path) -> None:
        self.path = path
        self._engine = engine
        self.asked: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []
        self.answer: bytes | None = None  # sent instead of asking the engine
        self.silent = False  # requests are taken and never answered
        self.allowed: re.Pattern[str] | None = None  # other paths, and other methods than GET, are answered with 403
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 2)
        self.path.unlink(missing_ok=True)

    def cut(self) -> None:
        """Break every connection there is."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self.asked.append((method, path))
        if self.silent:
            await asyncio.sleep(3600)
        if self.allowed is not None and (method != "GET" or not self.allowed.fullmatch(path.partition("?")[0])):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.refused.append((method, path))
            await writer.drain()
            return False
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
            return False
        engine_reader, engine_writer = await asyncio.open_unix_connection(self._engine)
        self._writers.add(engine_writer)
        try:
            engine_writer.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            while data := await engine_reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            self._writers.discard(engine_writer)
            engine_writer.close()
        return False
