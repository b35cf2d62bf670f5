"""The listeners of `sse_fanout.py`: `PORT N` opens N event streams in one process and notes when each event arrives.

Prints true once every stream has said hello; at `begin` it forgets what arrived so far, at `report` it prints what
arrived since then: count, p50 and p99 of the latency in ms. An event says `sent=NANOSECONDS` of the same clock.
"""

import json
import re
import select
import socket
import sys
import time

from benchmarks.support import TOKEN, percentile
from tocsin.process import raise_file_limit

PATH = "/api/v1/containers/events"
_SENT = re.compile(rb"sent=(\d+)")


class Listeners:
    """All streams, in one epoll. `latencies` are in ms."""

    def __init__(self, port: int, count: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self._waiting: set[int] = set()
        self.latencies: list[float] = []
        for _ in range(count):
            self._open(port)

    def _open(self, port: int) -> None:
        sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        request = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        sock.sendall(request.encode())
        sock.setblocking(False)
        self._sockets[sock.fileno()] = sock
        self._rest[sock.fileno()] = b""
        self._waiting.add(sock.fileno())
        self._poll.register(sock, select.EPOLLIN)

    def listen(self) -> None:
        """Take in what arrives until asked to report."""
        self._poll.register(sys.stdin, select.EPOLLIN)
        greeted = False
        while True:
            for number, _ in self._poll.poll(0.5):
                if number != sys.stdin.fileno():
                    self._take(number)
                elif sys.stdin.readline() == "begin\n":
                    self.latencies.clear()
                else:
                    return
            if not greeted and not self._waiting:
                greeted = True
                print("true", flush=True)

    def _take(self, number: int) -> None:
        data = self._sockets[number].recv(65536)
        now = time.monotonic_ns()
        if not data:
            raise ConnectionError("a stream was closed")
        data = self._rest[number] + data
        whole, end, rest = data.rpartition(b"\n\n")
        self._rest[number] = rest
        if b": welcome" in whole:
            self._waiting.discard(number)
        self.latencies += [(now - int(sent)) / 1e6 for sent in _SENT.findall(whole + end)]


if __name__ == "__main__":
    raise_file_limit()
    listeners = Listeners(int(sys.argv[1]), int(sys.argv[2]))
    listeners.listen()
    found = listeners.latencies
    print(json.dumps([len(found), percentile(found, 50), percentile(found, 99)]), flush=True)
