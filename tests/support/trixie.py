"""The Docker engine of Debian 13, in a root of its own that `scripts/setup test` makes."""

from pathlib import Path

from support.engine import Engine, Traits

ROOT = Path("/var/cache/tocsin-test/trixie")

# pivot_root, not chroot: `docker exec` enters the mount namespace by its root, which chroot would leave to be ours.
# All mounts end with the daemon.
ENTER = """
root=$1 folder=$2; shift 2
mount --bind "$root" "$root"
for shared in proc sys dev; do mount --rbind /$shared "$root/$shared"; done
for scratch in run mnt var/tmp; do mount -t tmpfs tmpfs "$root/$scratch"; done
mkdir -p "$root$folder" "$root/mnt/old"; mount --bind "$folder" "$root$folder"
cd "$root"; pivot_root . mnt/old; umount -l /mnt/old; umount /mnt
exec "$@"
"""


class Trixie(Engine):
    """One dockerd of Debian 13. It sees its folder under the same path as we do."""

    traits = Traits(
        version="26.1.",
        end_while_it_was_dead=("exited", 255, True),  # it no longer knows how
        compose_names="{project}-{service}-1",
    )
    compose_tool = str(ROOT / "usr/libexec/docker/cli-plugins/docker-compose")

    @classmethod
    def missing(cls) -> str | None:
        if (ROOT / ".ready").exists():
            return None
        return f"there is no Debian 13 in {ROOT}: scripts/setup test makes it with debootstrap, from a mirror"

    def command(self) -> list[str]:
        inside = ["unshare", "--mount", "--propagation", "private", "bash", "-euc", ENTER, "enter", str(ROOT)]
        return [*inside, str(self.folder), *super().command()]
