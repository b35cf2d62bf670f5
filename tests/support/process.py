"""The program as its users run it: a process of its own that can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from support.namespaces import Host
from support.postgres import free_port

TOKEN = "a-token-for-the-tests-only"


class Process:
    """`tocsin serve` on a free port. `log` is everything it said so far. `program` is what Python runs.

    With a *host* it runs in that namespace, and is reached at its address.
    """

    program: tuple[str, ...] = ("-m", "tocsin")

    def __init__(
        self, data_dir: Path, port: int | None = None, *, host: Host | None = None, **environment: str
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self._inside = () if host is None else host.inside
        address = f"{'127.0.0.1' if host is None else host.address}:{self.port}"
        self.base = f"http://{address}"
        self._log = data_dir.parent / f"{data_dir.name}.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")},
            "TOCSIN_ADDR": address,
            "TOCSIN_DATA_DIR": str(data_dir),
            "TOCSIN_API_TOKEN": TOKEN,
            "TOCSIN_RUNTIME": "none",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> "Process":
        with self._log.open("ab") as log:
            command = [*self._inside, sys.executable, *self.program, "serve"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self, timeout_s: float = 20) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            assert self._process is not None
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.log}"
            try:
                self.get("/api/v1/health")
                return
            except OSError:
                assert time.monotonic() < deadline, f"it did not answer:\n{self.log}"
                time.sleep(0.03)

    def kill(self) -> None:
        """As a power cut would: no goodbye."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> float:
        """Ask it to stop; return how many seconds that took."""
        started = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - started

    def wait(self, timeout_s: float = 20) -> int:
        """Wait until it ends by itself and return its exit status."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def get(self, path: str) -> Any:
        return self._ask(urllib.request.Request(self.base + path))

    def post(self, path: str, body: Any) -> Any:
        data = json.dumps(body).encode()
        return self._ask(urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}))

    def delete(self, path: str) -> None:
        self._ask(urllib.request.Request(self.base + path, method="DELETE"))

    def _ask(self, request: urllib.request.Request) -> Any:
        request.add_header("Authorization", f"Bearer {TOKEN}")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read() or "null")

    def containers(self) -> dict[str, Any]:
        groups = self.get("/api/v1/containers")["groups"]
        return {container["name"]: container for group in groups for container in group["containers"]}

    def _end(self, how: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)
