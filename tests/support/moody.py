"""Receivers of webhooks that answer at random, and are idempotent as a real one should be."""

import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOODS = ("ok", "ok", "ok", "error", "busy", "reset", "unread", "hang", "lost answer", "lost answer")
Told = tuple[int, str]
"""The id of an alert and what was said of it."""


class Receiver:
    """What one address took: each key once. `wrong` is what no sender may do."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.moods: Counter[str] = Counter()
        self.repeated = 0
        self.wrong: list[str] = []
        self._taken: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, body: bytes) -> None:
        said = json.loads(body)
        notices = said.get("notices", [said])
        ids = [notice["id"] for notice in notices]
        with self._lock:
            if key in self._taken:
                self.repeated += 1
                if self._taken[key] != ids:
                    self.wrong.append(f"{key} came with {self._taken[key]}, then with {ids}")
                return
            self._taken[key] = ids
            self.told += [(notice["alert"]["id"], notice["event"]) for notice in notices]


class MoodySinks:
    """Listens on loopback; each path is a receiver of its own. `calm` ends the moods."""

    def __init__(self, *paths: str) -> None:
        self.receivers = {path: Receiver() for path in paths}
        self.calm = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sinks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # its name there
                receiver = sinks.receivers[self.path]
                mood = "ok" if sinks.calm else random.choice(MOODS)
                receiver.moods[mood] += 1
                if mood == "unread":
                    self._hang_up()
                    return
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if mood in {"ok", "lost answer"}:
                    receiver.take(self.headers["X-Tocsin-Delivery"], body)
                if mood == "hang":
                    time.sleep(1)
                if mood in {"reset", "lost answer", "hang"}:
                    self._hang_up()
                    return
                self._answer({"ok": 200, "error": 503, "busy": 429}[mood])

            def _answer(self, status: int) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Retry-After", "0")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # the sender was killed meanwhile

            def _hang_up(self) -> None:
                self.close_connection = True
                self.connection.close()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
