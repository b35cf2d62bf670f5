"""What every measurement needs: processes to measure, what they cost, and a verdict."""

import ctypes
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tocsin.core.logs import configure

TOKEN = "a-token-for-the-benchmarks-only"
SCRATCH = Path("/var/tmp")
"""On the disk: /tmp may be memory, where an fsync costs nothing."""
ROOT = Path(__file__).parent.parent
READY_WITHIN_S = 30.0


class Skipped(Exception):
    """What this measurement needs is not on this machine; the message says what."""


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """One number. Without a *goal* it is there for the reader; with *at_least* more is better."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    detail: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        reached = self.value >= self.goal if self.at_least else self.value <= self.goal
        return "ok" if reached else "over"

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"goal {'≥' if self.at_least else '≤'} {self.goal:g} {self.unit}"
        line = f"{self.what:<50} {_short(self.value):>8} {self.unit:<10} {goal:<20} {self.verdict:<5} {self.detail}"
        return line.rstrip()


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


Measure = Callable[[bool], Sequence[Figure]]
"""A measurement; the argument asks for a quick and coarse one."""


def run(measure: Measure) -> None:
    """Run one measurement as a program: print its figures, exit with 1 when a goal is missed."""
    configure("warning", "console")
    try:
        figures = measure("--quick" in sys.argv)
    except Skipped as exc:
        print(f"skipped: {exc}")
        sys.exit(0)
    for figure in figures:
        print(figure)
    sys.exit(any(figure.verdict == "over" for figure in figures))


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median of subject / limit, each pair measured side by side."""
    return statistics.median(subject / limit for subject, limit in pairs)


# --- what a process costs --------------------------------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of *pid* with all its threads, ended ones too, to the nanosecond.

    /proc/PID/stat tells the same in steps of 10 ms, too coarse for one request.
    """
    clock = ctypes.c_int()
    problem = _libc.clock_getcpuclockid(pid, ctypes.byref(clock))
    if problem:
        raise ProcessLookupError(problem, os.strerror(problem), str(pid))
    return time.clock_gettime(clock.value)


def rss_mb(pid: int) -> float:
    """Return the resident memory in MB (10⁶ bytes), as /proc tells it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kilobytes) * 1024 / 1e6


# --- processes -------------------------------------------------------------------------------------------------------


@contextmanager
def scratch_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-", dir=SCRATCH))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without settings of the person who measures."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DOCKER_"))}
    return {**kept, **more}


class Program:
    """A subprocess that is ended with the block."""

    def __init__(self, command: Sequence[str], log: Path | None = None, **environment: str) -> None:
        self._output = subprocess.DEVNULL if log is None else log.open("ab")
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Return the next line the program prints, which is JSON."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended with {self._process.wait(10)}")
        return json.loads(line)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        """Close its input, for those that end with it, and ask it to stop."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        for stream in (self._process.stdout, self._output):
            if stream is not None and not isinstance(stream, int):
                stream.close()


def bare(*arguments: str) -> Program:
    """Start one of the bare servers; the first line it prints is its port."""
    return Program([sys.executable, "-m", "benchmarks.bare", *arguments])


class Server(Program):
    """`tocsin serve` with *data_dir* on a free port."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.port = free_port()
        self.log = data_dir.parent / f"{data_dir.name}.log"
        settings = {
            "TOCSIN_ADDR": f"127.0.0.1:{self.port}",
            "TOCSIN_DATA_DIR": str(data_dir),
            "TOCSIN_API_TOKEN": TOKEN,
            "TOCSIN_RUNTIME": "none",
        }
        super().__init__([sys.executable, "-m", "tocsin", "serve"], self.log, **{**settings, **environment})

    def wait_until_ready(self, path: str = "/api/v1/health") -> None:
        wait_for_answer(self.port, path, self.ended, self.log)

    def read(self, path: str) -> str:
        return request(self.port, "GET", path).decode()

    def get(self, path: str) -> Any:
        return json.loads(self.read(path))


def wait_for_answer(port: int, path: str, ended: Callable[[], bool], log: Path | None = None) -> None:
    """Ask every 3 ms until *path* answers 200."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            request(port, "GET", path)
            return
        except OSError:
            if ended() or time.monotonic() > deadline:
                raise RuntimeError(f"no answer on port {port}:\n{log.read_text() if log else ''}") from None
            time.sleep(0.003)


def request(port: int, method: str, path: str) -> bytes:
    """Ask once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        return ask(connection, method, path)
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, method: str, path: str) -> bytes:
    """Return the body of a successful answer.  Raises OSError: it was not one."""
    connection.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
    response = connection.getresponse()
    body = response.read()
    if response.status >= 300:
        raise OSError(f"{method} {path}: {response.status} {body[:200]!r}")
    return body
