"""Starting and stopping the process: the socket, the lock, the database, then the program, until a signal."""

import asyncio
import contextlib
import fcntl
import gc
import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import structlog

from tocsin.app import Tocsin
from tocsin.core.clock import SystemClock
from tocsin.core.vault import VaultError
from tocsin.db.engine import open_engine
from tocsin.db.migrate import SchemaProblem, damaged, migrate
from tocsin.db.tx import Read
from tocsin.http.server import Server, listen
from tocsin.keys import check_key
from tocsin.parts import database_url, open_vault
from tocsin.settings import Settings

log = structlog.get_logger(__name__)

ANNOUNCE_AFTER_S = 1.0  # what the first moments log comes before the link, not after it


class StartProblem(Exception):
    """Tocsin cannot start; the message is one sentence for a person."""


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.  Raises StartProblem."""
    import uvloop

    raise_file_limit()
    host, port = settings.addr
    try:
        sock = listen(host, port)
    except OSError as exc:
        raise StartProblem(f"TOCSIN_ADDR='{host}:{port}' cannot be used: {exc.strerror or exc}") from exc
    with sock, locked(settings.data_dir):
        prepare_database(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, sock))


async def _serve(settings: Settings, sock: socket.socket) -> None:
    tocsin = Tocsin(settings, SystemClock())
    async with tocsin.running() as code:

        async def before_stop() -> None:
            log.info("stopping")
            tocsin.end_streams()

        server = Server(tocsin.asgi, sock, before_stop)
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1000)
        loop = asyncio.get_running_loop()
        await server.run_until_stopped(lambda: loop.call_later(ANNOUNCE_AFTER_S, announce, settings, code))
    log.info("stopped")


def announce(settings: Settings, code: str | None) -> None:
    """Say where to go; the last thing the log shows at a first start is the link to the set-up page."""
    host, port = settings.addr
    log.info("listening", address=f"{host}:{port}")
    url = f"{settings.public_url}/setup?code={code}" if code else settings.public_url
    text = "Set Tocsin up here (the link works once)" if code else "Tocsin is ready"
    print(f"\n  {text}:\n\n    {url}\n", file=sys.stderr, flush=True)  # noqa: T201 -- for the person at the terminal


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data folder: two programs on one database would each believe to be alone.

    Raises StartProblem: it is in use, or cannot be written.
    """
    path = data_dir / "tocsin.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file: IO[str] = path.open("a", encoding="ascii")
    except OSError as exc:
        raise StartProblem(f"The data folder {data_dir} cannot be written: {exc.strerror}") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartProblem(f"Another Tocsin uses the data folder {data_dir}; stop it first") from None
        yield


def prepare_database(settings: Settings, *, needs_key: bool = True) -> None:
    """Check and migrate the database.  Raises StartProblem: it cannot be reached, written or understood.

    With *needs_key* also: the key does not open what is stored.
    """
    url = database_url(settings)
    where = "TOCSIN_DATABASE_URL" if settings.database_url else str(settings.data_dir / "tocsin.db")
    engine = open_engine(url)
    try:
        os.umask(0o077)
        migrate(engine, settings.data_dir / "backups", SystemClock().now())
        vault = open_vault(settings)
        vault.unlock()
        if needs_key:
            with engine.connect() as connection:
                check_key(Read(connection), vault)
    except (SchemaProblem, VaultError) as exc:
        raise StartProblem(str(exc)) from exc
    except Exception as exc:  # broad on purpose: whatever a driver raises, the person gets one sentence
        reason = str(getattr(exc, "orig", exc)).strip().splitlines()[0]
        if "malformed" in reason or "not a database" in reason:
            raise StartProblem(damaged(settings.data_dir / "tocsin.db", reason)) from exc
        raise StartProblem(f"The database ({where}) cannot be used: {reason}") from exc
    finally:
        engine.dispose()


def raise_file_limit() -> None:
    """Use as many file handles as the system lets us: each listener and each probe takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 20), hard))
