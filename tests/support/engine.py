"""A container engine of our own: private socket, data root and bridge, images built without a network."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DOCKER = "/usr/bin/docker"
BUSYBOX = Path("/bin/busybox")

# runc cannot lower the out-of-memory score without CAP_SYS_RESOURCE, and the engine asks for that in some sandboxes
CLAMPED_RUNC = """#!/bin/bash
bundle=; previous=
for argument in "$@"; do [ "$previous" = --bundle ] && bundle=$argument; previous=$argument; done
[ -n "$bundle" ] && sed -i -E 's/"oomScoreAdj":-[0-9]+/"oomScoreAdj":0/' "$bundle/config.json"
exec runc "$@"
"""
WEB = """FROM busybox:1.0
RUN mkdir -p /www && echo ok >/www/index.html
HEALTHCHECK --interval=1s --timeout=1s --retries=2 --start-period=1s CMD wget -q -O- http://127.0.0.1:8080/ || exit 1
CMD ["httpd","-f","-p","8080","-h","/www"]
"""


@dataclass(frozen=True)
class Traits:
    """What tests may expect of an engine; the defaults are Docker 20.10's. docs/engines.md tells users the same."""

    version: str = "20.10."
    image_prefix: str = ""  # it writes the whole name of an image
    checks_health: bool = True  # by itself, without systemd
    tells_of_memory: bool = True  # that a process was killed because it ran out
    tells_of_stops: bool = True  # that somebody asked for the end of a process which was then killed
    stamps_nanoseconds: bool = True  # on the lines of its logs
    tails_whole_lines: bool = True  # also when a line was written in pieces
    end_while_it_was_dead: tuple[str, int, bool] = ("completed", 137, True)  # state, exit code, whether it is inferred
    compose_names: str = "{project}_{service}_1"


class Engine:
    """One dockerd of this machine under *folder*. `docker(...)` runs the client against it and returns its output.

    Other engines derive from it: they say how they are started, and where they differ.
    """

    traits = Traits()
    compose_tool = "docker-compose"

    def __init__(self, folder: Path, *, bridge: str = "tocsin0", network: str = "172.31.97") -> None:
        self.folder = folder
        self.bridge = bridge
        self.network = network
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Return what this machine lacks for such an engine, None if it can be had."""
        return None if shutil.which("dockerd") else "there is no dockerd (package docker.io)"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        for stale in (self.socket, self.folder / "docker.pid"):
            stale.unlink(missing_ok=True)
        output = self.folder / "engine.log"
        with output.open("ab") as log:
            environment = {**os.environ, **self.environment()}
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, start_new_session=True, env=environment, cwd=self.folder
            )
        deadline = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"{type(self).__name__} did not start:\n" + output.read_text()[-3000:])
            time.sleep(0.05)

    def prepare(self) -> None:
        """Write what the daemon reads, and make its bridge."""
        runc = self.folder / "runc-clamped"
        runc.write_text(CLAMPED_RUNC)
        runc.chmod(0o755)
        (self.folder / "daemon.json").write_text(json.dumps(self.config(runc)))
        self._make_bridge()

    def config(self, runc: Path) -> dict[str, object]:
        return {
            "hosts": [self.url],
            "data-root": str(self.folder / "data"),
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "docker.pid"),
            "deprecated-key-path": str(self.folder / "key.json"),
            "storage-driver": "overlay2",
            "bridge": self.bridge,
            "shutdown-timeout": 5,
            "runtimes": {"clamped": {"path": str(runc)}},
            "default-runtime": "clamped",
        }

    def command(self) -> list[str]:
        return ["dockerd", "--config-file", str(self.folder / "daemon.json")]

    def environment(self) -> Mapping[str, str]:
        return {}

    def answers(self) -> bool:
        try:
            done = subprocess.run([DOCKER, "-H", self.url, "version"], capture_output=True, check=False, timeout=5)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def stop(self, *, how: int = signal.SIGTERM) -> None:
        """End the daemon; SIGKILL leaves its containers to their own devices."""
        if self._process is None:
            return
        if how == signal.SIGTERM:
            self.remove_all()
        self._process.send_signal(how)
        self._process.wait(30)
        if how != signal.SIGTERM:  # its containerd would go on and be in the way of the next one
            kill_all(f"containerd --config {self.folder}/")
            (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)
        self._process = None

    def destroy(self) -> None:
        self.stop()
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)
        kill_all(f"{self.folder}/")
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def docker(self, *arguments: str, stdin: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [DOCKER, "-H", self.url, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def run(self, name: str, *arguments: str, image: str = "busybox:1.0", command: tuple[str, ...] = ()) -> str:
        """Start a container in the background and return its id."""
        whole = ("run", "-d", "--name", name, "--network", "none", *arguments, image, *command)
        try:
            return self.docker(*whole)
        except RuntimeError as failure:
            if "unable to start container process: waiting for init" not in str(failure):
                raise
        self.docker("rm", "-f", name)  # on a machine that is out of breath runc sometimes loses its own child
        return self.docker(*whole)

    def check_health(self, name: str) -> None:
        """Do a health check now if the engine leaves that to others."""

    def compose(self, folder: Path, project: str) -> None:
        """Bring up `docker-compose.yml` of *folder*, with the compose that belongs to this engine."""
        command = [self.compose_tool, "-p", project, "-f", str(folder / "docker-compose.yml"), "up", "-d"]
        environment = {**os.environ, "DOCKER_HOST": self.url}
        done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=90)
        if done.returncode != 0:
            raise RuntimeError(f"docker-compose: {done.stderr.decode()}")

    def remove_all(self) -> None:
        ids = self.docker("ps", "-aq", check=False).split()
        if ids:
            self.docker("rm", "-f", *ids, check=False)

    def build_images(self) -> None:
        """Make `busybox:1.0` and `web:1.0` (with a health check) from the busybox of this machine."""
        if "web:1.0" in self.docker("images", "--format", "{{.Repository}}:{{.Tag}}"):
            return
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name in ("bin", "etc", "tmp", "www", "proc", "sys", "dev"):
                (root / name).mkdir()
            shutil.copy(BUSYBOX, root / "bin/busybox")
            for applet in subprocess.run([BUSYBOX, "--list"], capture_output=True, check=True).stdout.decode().split():
                if not (root / "bin" / applet).exists():
                    (root / "bin" / applet).symlink_to("busybox")
            (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
            archive = subprocess.run(["tar", "-C", folder, "-c", "."], capture_output=True, check=True).stdout
        changes = ("--change", 'CMD ["/bin/sh"]', "--change", "ENV PATH=/bin")
        self.docker("import", *changes, "-", "busybox:1.0", stdin=archive)
        self.docker("build", "-q", "-t", "web:1.0", "-", stdin=WEB.encode())

    def _make_bridge(self) -> None:
        if subprocess.run(["ip", "link", "show", self.bridge], capture_output=True, check=False).returncode == 0:
            return
        for command in (
            f"ip link add {self.bridge} type bridge",
            f"ip addr add {self.network}.1/24 dev {self.bridge}",
            f"ip link set {self.bridge} up",
        ):
            subprocess.run(command.split(), check=True, capture_output=True)


def kill_all(mark: str) -> None:
    """Kill every process that has *mark*, a path of our own, on its command line."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:  # it ended meanwhile
            continue
