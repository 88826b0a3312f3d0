"""Memory control groups of version 1 or 2, and a server inside one as in the shipped container."""

import os
import pathlib
import re
import shutil
import time

ROOTS = {1: pathlib.Path("/sys/fs/cgroup/memory"), 2: pathlib.Path("/sys/fs/cgroup")}
USER = 65_532
REMOVE_SECOND_LIMIT = 5
# Enters the group, then a mount namespace whose root is read-only, then gives every right up.
# $1 the group's list of processes or nothing, $2 the state folder, $3 its size as a file system of
# its own or nothing.
ENTER = r"""
[ -z "$1" ] || echo $$ > "$1"
state=$2 size=$3; shift 3
if [ "$(id -u)" -ne 0 ]; then exec "$@"; fi
exec unshare --mount -- sh -ec '
  state=$1 size=$2; shift 2
  mount --bind "$state" "$state"
  mount -o remount,bind,ro /
  if [ -n "$size" ]; then mount -t tmpfs -o "size=$size,mode=0777" none "$state"; fi
  exec setpriv --reuid USER --regid USER --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all -- "$@"' sh "$state" "$size" "$@"
""".replace("USER", str(USER))


def is_root() -> bool:
    return os.getuid() == 0


def version() -> int | None:
    """Which version's memory controller a group can be made of here."""
    if not is_root():
        return None
    if (ROOTS[1] / "memory.limit_in_bytes").exists():
        return 1
    try:
        controllers = (ROOTS[2] / "cgroup.controllers").read_text().split()
        subtree = ROOTS[2] / "cgroup.subtree_control"
        if "memory" in controllers and "memory" not in subtree.read_text().split():
            subtree.write_text("+memory")
        return 2 if "memory" in controllers else None
    except OSError:
        return None


class Group:
    """A control group with a limit of memory and no swap; None of it where none can be made."""

    def __init__(self, limit_mb: int) -> None:
        self.limit_mb, self.version, self.path = limit_mb, version(), None
        if self.version is None:
            return
        self.path = ROOTS[self.version] / f"resnetd-abuse-{os.getpid()}"
        self.path.mkdir()
        limit = str(limit_mb << 20)
        if self.version == 1:
            self.write("memory.limit_in_bytes", limit)
            self.write("memory.memsw.limit_in_bytes", limit)
        else:
            self.write("memory.max", limit)
            self.write("memory.swap.max", "0")

    def write(self, name: str, value: str) -> None:
        """A limit of swap may not exist, for there may be no swap."""
        try:
            (self.path / name).write_text(value)
        except OSError:
            if "swap" not in name and "memsw" not in name:
                raise

    @property
    def processes(self) -> str:
        return str(self.path / "cgroup.procs") if self.path else ""

    def field(self, file: str, name: str) -> int:
        return int(re.search(rf"(?m)^{name} (\d+)", (self.path / file).read_text())[1])

    def oom_kills(self) -> int:
        if not self.path:
            return 0
        return self.field("memory.oom_control" if self.version == 1 else "memory.events",
                          "oom_kill")

    def held_mb(self) -> float | None:
        """Memory that no file could give back, in MB."""
        if not self.path:
            return None
        names = ("rss", "mapped_file") if self.version == 1 else ("anon", "shmem")
        return sum(self.field("memory.stat", name) for name in names) / 1e6

    def remove(self) -> None:
        deadline = time.monotonic() + REMOVE_SECOND_LIMIT
        while self.path:
            try:
                self.path.rmdir()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def command(group: Group, program: pathlib.Path, state: pathlib.Path, state_size: str,
            options: list[str]) -> list[str]:
    return ["sh", "-ec", ENTER, "sh", group.processes, str(state), state_size,
            str(program), "serve", *options]


def prepare(folder: pathlib.Path, program: pathlib.Path) -> pathlib.Path:
    """A copy of the program that every user can run."""
    folder.chmod(0o755)
    copy = folder / "resnetd"
    shutil.copy2(program, copy)
    copy.chmod(0o755)
    return copy


def give(path: pathlib.Path) -> None:
    """To the user that the server runs as."""
    if is_root():
        os.chown(path, USER, USER)
