"""Podman, spoken to as if it were Docker."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from support.engine import Engine, Traits

# crun refuses the cgroups of some sandboxes, and without systemd nothing but cgroupfs works
CONTAINERS = """[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
tmp_dir="{folder}/tmp"
[containers]
log_driver="k8s-file"
default_ulimits=["nofile=4096:4096","nproc=4096:4096"]
[network]
network_backend="netavark"
network_config_dir="{folder}/net"
"""
STORAGE = """[storage]
driver="overlay"
graphroot="{folder}/graph"
runroot="{folder}/run"
"""


class Podman(Engine):
    """One `podman system service` under its folder."""

    traits = Traits(
        version="4.3.",
        image_prefix="docker.io/library/",
        checks_health=False,
        tells_of_memory=False,
        tells_of_stops=False,
        stamps_nanoseconds=False,
        tails_whole_lines=False,
        end_while_it_was_dead=(
            "exited",
            137,
            False,
        ),  # its containers live without it, and write their events themselves
    )

    @classmethod
    def missing(cls) -> str | None:
        absent = [tool for tool in ("podman", "runc") if shutil.which(tool) is None]
        return f"there is no {' and no '.join(absent)} (packages podman, runc, netavark)" if absent else None

    def prepare(self) -> None:
        (self.folder / "containers.conf").write_text(CONTAINERS.format(folder=self.folder))
        (self.folder / "storage.conf").write_text(STORAGE.format(folder=self.folder))

    def command(self) -> list[str]:
        return ["podman", "system", "service", "--time=0", self.url]

    def environment(self) -> Mapping[str, str]:
        return {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }

    def check_health(self, name: str) -> None:
        self.podman("healthcheck", "run", name, check=False)

    def podman(self, *arguments: str, check: bool = True) -> str:
        """Run Podman's own client: for what Docker's cannot ask for."""
        done = subprocess.run(
            ["podman", *arguments],
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, **self.environment()},
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode().strip()
