"""`tocsin exec`: runs a job and tells its heartbeat when it began, how it ended and what it said last.

Whatever goes wrong with telling, the job runs as it would alone: same output, same signals, same exit status. Only the
standard library is used here, for this starts with every job.  Source: docs/spec/heartbeats.md, tocsin exec.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from types import FrameType
from typing import IO

DEFAULT_URL = "http://127.0.0.1:8080"
TRY_S = 10
RETRY_FOR_S = 60
LONGEST_PAUSE_S = 10.0
MOST_BYTES = 10_000
DRAIN_S = 2
NOT_FOUND, NOT_EXECUTABLE, KILLED = 127, 126, 128
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})
"""What a terminal sends to the job itself as well."""
_TARGET = re.compile(r"[A-Za-z0-9_-]{8,64}(/[a-z0-9_-]{1,100})?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `tocsin exec` and return its exit status: that of the job."""
    asked = _parse(sys.argv[2:] if arguments is None else arguments)
    teller = Teller(asked.url, asked.target, asked.retry_for)
    job = Job(asked.command, keep_output=not asked.no_output)
    return run(job, teller)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tocsin exec",
        usage="tocsin exec [options] UUID -- COMMAND [ARGUMENT...]",
        description="Run a job and tell its heartbeat how it went. The exit status is the job's.",
    )
    parser.add_argument("target", metavar="UUID", help="of the heartbeat; KEY/SLUG and a whole ping URL do as well")
    parser.add_argument(
        "--url",
        default=os.environ.get("TOCSIN_BASE_URL") or DEFAULT_URL,
        help=f"of Tocsin; TOCSIN_BASE_URL, then {DEFAULT_URL} when left out",
    )
    parser.add_argument(
        "--retry-for",
        type=float,
        default=RETRY_FOR_S,
        metavar="SECONDS",
        help=f"how long to go on telling when Tocsin is away ({RETRY_FOR_S})",
    )
    parser.add_argument("--no-output", action="store_true", help="keep the last lines of the job's output to itself")
    edge = list(arguments).index("--") if "--" in arguments else len(arguments)
    asked = parser.parse_args(arguments[:edge])
    asked.command = arguments[edge + 1 :]
    if not asked.command:
        parser.error("there is no command; write it after --")
    base, found, target = asked.target.rpartition("/ping/")
    if found:
        asked.url, asked.target = base, target.strip("/")
    if not _TARGET.fullmatch(asked.target):
        parser.error(f"{asked.target!r} is neither a UUID nor KEY/SLUG nor a ping URL")
    return asked


def run(job: "Job", teller: "Teller") -> int:
    """Tell that it begins, run it, tell how it ended; return its exit status."""
    beginning = threading.Thread(target=teller.begin, daemon=True)
    beginning.start()
    status = job.run()
    teller.ended.set()
    beginning.join(TRY_S + 1)
    teller.end(status, job.tail())
    return status


class Teller:
    """Tells one heartbeat about one run. Nothing it does raises."""

    def __init__(self, base_url: str, target: str, retry_for_s: float) -> None:
        self._url = f"{base_url.rstrip('/')}/ping/{target}"
        self._run_id = str(uuid.uuid4())
        self._retry_for_s = retry_for_s
        self.ended = threading.Event()

    def begin(self) -> None:
        """Tell that the run has begun, as long as it has not ended."""
        self._tell("start", None, self.ended.is_set, self.ended.wait)

    def end(self, status: int, output: bytes) -> None:
        """Tell how the run ended and what it said last."""
        until = time.monotonic() + self._retry_for_s
        if not self._tell(str(status & 255), output, lambda: time.monotonic() > until, time.sleep):
            _say("Tocsin was not told how the job ended")

    def _tell(
        self, word: str, body: bytes | None, is_over: Callable[[], bool], wait: Callable[[float], object]
    ) -> bool:
        """Try until it is taken, refused for good, or over; return whether it was taken."""
        pause = 0.5
        while True:
            try:
                self._send(word, body)
                return True
            except urllib.error.HTTPError as exc:
                if exc.code < 500 and exc.code not in {408, 425, 429}:
                    _say(f"Tocsin refused the ping ({exc.code}): is the UUID the right one?")
                    return False
                reason = f"it answered {exc.code}"
            except Exception as exc:  # broad on purpose: telling must never break the job
                reason = str(getattr(exc, "reason", exc)) or type(exc).__name__
            if is_over():
                _say(f"Tocsin cannot be reached: {reason}")
                return False
            pause = min(pause * 2, LONGEST_PAUSE_S)
            wait(pause)

    def _send(self, word: str, body: bytes | None) -> None:
        url = f"{self._url}/{word}?rid={self._run_id}"
        request = urllib.request.Request(url, data=body or None, headers={"User-Agent": "tocsin-exec"})  # noqa: S310
        if body:
            request.add_header("Content-Type", "text/plain; charset=utf-8")
        with urllib.request.urlopen(request, timeout=TRY_S):  # noqa: S310 -- the URL is the caller's own
            pass


class Job:
    """The command. Its output goes on as it comes; the last of it is kept."""

    def __init__(self, command: Sequence[str], *, keep_output: bool) -> None:
        self._command = list(command)
        self._keep_output = keep_output
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._tail = bytearray()
        self._lock = threading.Lock()

    def tail(self) -> bytes:
        with self._lock:
            return bytes(self._tail)

    def run(self) -> int:
        """Run it and return its exit status; 128 + n when signal n ended it, as a shell says."""
        for number in FORWARDED:
            signal.signal(number, self._forward)
        piped = subprocess.PIPE if self._keep_output else None
        try:
            self._process = subprocess.Popen(self._command, stdout=piped, stderr=piped)  # noqa: S603
        except OSError as exc:
            text = f"{self._command[0]}: {exc.strerror}"
            self._note(text.encode())
            _say(text)
            return NOT_FOUND if isinstance(exc, FileNotFoundError) else NOT_EXECUTABLE
        for early in self._early:
            self._process.send_signal(early)
        readers = [
            threading.Thread(target=self._pass_on, args=pair, daemon=True)
            for pair in ((self._process.stdout, sys.stdout.buffer), (self._process.stderr, sys.stderr.buffer))
            if pair[0] is not None
        ]
        for reader in readers:
            reader.start()
        status = self._process.wait()
        for reader in readers:
            reader.join(DRAIN_S)  # what the job left running may hold its output open for ever
        return status if status >= 0 else KILLED - status

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number in FROM_TERMINAL and os.isatty(0)):
            self._process.send_signal(number)

    def _pass_on(self, source: IO[bytes], sink: IO[bytes]) -> None:
        """Copy what the job says. A reader of ours that has gone away is no reason to stop the job."""
        while part := os.read(source.fileno(), 65_536):
            self._note(part)
            with contextlib.suppress(OSError):
                sink.write(part)
                sink.flush()

    def _note(self, part: bytes) -> None:
        with self._lock:
            self._tail += part
            del self._tail[:-MOST_BYTES]


def _say(text: str) -> None:
    """Tell whoever reads the job's errors; that nobody does is no reason to fail."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"tocsin exec: {text}\n")
