"""The Docker engine of Debian 13, in a root of its own that `scripts/setup test` makes."""

import os
import subprocess
from pathlib import Path

from support.engine import Engine, Traits

ROOT = Path("/var/cache/tocsin-test/trixie")

# the root must be a mount of its own, or runc cannot make it read-only for a container; all of it ends with the daemon
ENTER = """
root=$1 folder=$2; shift 2
mount --bind "$root" "$root"
for shared in proc sys dev; do mount --rbind /$shared "$root/$shared"; done
mount -t tmpfs tmpfs "$root/run"; mount -t tmpfs tmpfs "$root/var/tmp"
mkdir -p "$root$folder"; mount --bind "$folder" "$root$folder"
exec chroot "$root" "$@"
"""


class Trixie(Engine):
    """One dockerd of Debian 13. It sees its folder under the same path as we do."""

    traits = Traits(version="26.1")

    @classmethod
    def missing(cls) -> str | None:
        if (ROOT / ".ready").exists():
            return None
        return f"there is no Debian 13 in {ROOT}: scripts/setup test makes it with debootstrap, from a mirror"

    def command(self) -> list[str]:
        inside = ["unshare", "--mount", "--propagation", "private", "bash", "-euc", ENTER, "enter", str(ROOT)]
        return [*inside, str(self.folder), *super().command()]
