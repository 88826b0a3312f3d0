"""Starts a program as a container engine would, on this machine: what a manifest sets is in force.

In namespaces of its own (mounts, network, processes) the program is process 1 of a tree of files
that is read-only but for the volumes, without capabilities, under the control group's limits. Where
the system does not let us have them, volumes are folders, ports are free ones and the memory limit
is the program's own option; `confined()` tells which of both it is.
"""

import contextlib
import dataclasses
import fcntl
import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

USER = 65532
PROGRAM = "/usr/local/bin/resnetd"
PATH = "/usr/local/bin:/usr/bin:/bin"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
CPU_PERIOD = 100_000


@dataclasses.dataclass
class Setup:
    """What an engine makes of a manifest."""

    name: str
    variables: dict[str, str]
    # Bytes of every volume that may be written to, by its path.
    volumes: dict[str, int]
    # Files that others provide, by the path where the program finds them.
    files: dict[str, pathlib.Path]
    memory: int
    cores: int
    processes: int | None
    grace_seconds: float
    # path, port and times of `startup`, `liveness` and `readiness`; none of what is no server.
    probes: dict[str, dict]
    arguments: tuple[str, ...] = ("serve",)


@functools.cache
def confined() -> bool:
    """Whether namespaces, mounts and another user are to be had."""
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "t", "/mnt"],
        capture_output=True).returncode == 0


def raise_loopback() -> None:
    """A new network namespace's loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(one, 0x8913, request))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(one, 0x8914, struct.pack("16sH14x", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


class ControlGroups:
    """A group of this run's own for memory, processor time and processes, where there are such."""

    def __init__(self, setup: Setup) -> None:
        self.folders: list[pathlib.Path] = []
        self.limited: set[str] = set()
        name = f"resnetd-{setup.name}-{os.getpid()}"
        limits = {"memory": {"memory.limit_in_bytes": setup.memory, "memory.max": setup.memory},
                  "cpu": {"cpu.cfs_period_us": CPU_PERIOD,
                          "cpu.cfs_quota_us": setup.cores * CPU_PERIOD,
                          "cpu.max": f"{setup.cores * CPU_PERIOD} {CPU_PERIOD}"},
                  "pids": {"pids.max": setup.processes or "max"}}
        for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            for controller in controllers.split(",") if controllers else limits:
                top = CGROUPS / controller if controllers else CGROUPS
                if controller in limits:
                    self.limit(top / group.strip("/") / name, controller, limits[controller])

    def limit(self, folder: pathlib.Path, controller: str, values: dict) -> None:
        # Where version 2 is mounted elsewhere or not at all, this would be a folder like any other.
        if not (folder.parent / "cgroup.procs").exists():
            return
        try:
            folder.mkdir(exist_ok=True)
        except OSError:
            return
        if folder not in self.folders:
            self.folders.append(folder)
        for file, value in values.items():
            with contextlib.suppress(OSError):
                # Nothing is created: a controller that is not there has no such file.
                descriptor = os.open(folder / file, os.O_WRONLY)
                with os.fdopen(descriptor, "w") as output:
                    output.write(str(value))
                self.limited.add(controller)

    def enter(self) -> None:
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


class Container:
    """One container: its volumes last as long as it, and the program may be started again."""

    def __init__(self, setup: Setup, program: pathlib.Path, folder: pathlib.Path) -> None:
        self.setup = setup
        self.log = folder / "log"
        self.root = folder / "root"
        self.groups = ControlGroups(setup) if confined() else None
        self.variables = {"PATH": PATH, "HOME": "/"} | setup.variables
        self.program = program
        self.process: subprocess.Popen | None = None
        if not self.limits("memory"):
            self.variables["RESNETD_MEMORY_LIMIT"] = str(setup.memory)
        self.root.mkdir()
        if confined():
            self.build_root()
        else:
            self.imitate_root()

    def limits(self, controller: str) -> bool:
        """Whether a control group of its own limits it."""
        return self.groups is not None and controller in self.groups.limited

    def build_root(self) -> None:
        mount("-t", "tmpfs", "-o", "mode=0755", "root", self.root)
        libraries = subprocess.run(["ldd", self.program], capture_output=True, text=True).stdout
        tops = {"dev", "etc", "sys", "usr"} | set(re.findall(r"=> /([^/]+)/", libraries))
        for entry in pathlib.Path("/").iterdir():
            target = self.root / entry.name
            if entry.is_symlink():
                target.symlink_to(os.readlink(entry))
            elif entry.name in tops or entry.name.startswith(("bin", "sbin", "lib")):
                target.mkdir()
                mount("--rbind", entry, target)
        (self.root / "proc").mkdir()
        for path, size in self.setup.volumes.items():
            target = self.inside(path)
            target.mkdir(parents=True)
            # As the kubelet makes them with an fsGroup.
            mount("-t", "tmpfs", "-o", f"size={size},mode=2777,gid={USER}", "volume", target)
        for path, source in self.setup.files.items():
            self.bind_file(path, source)
        (self.root / "program").touch()
        mount("--bind", self.program, self.root / "program")
        mount("-o", "remount,ro", self.root)

    def bind_file(self, path: str, source: pathlib.Path) -> None:
        target = self.inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        mount("--bind", source, target)
        mount("-o", "remount,bind,ro", target)

    def imitate_root(self) -> None:
        for path in self.setup.volumes:
            self.inside(path).mkdir(parents=True)
        for path, source in self.setup.files.items():
            self.inside(path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, self.inside(path))
        for name, value in self.variables.items():
            if name.startswith("RESNETD_") and value.startswith("/"):
                self.variables[name] = str(self.inside(value))
        if not self.setup.probes:
            return
        ports = {}
        for probe in self.setup.probes.values():
            probe["port"] = ports.setdefault(probe["port"], free_port())
        self.variables["RESNETD_PORT"] = str(self.clients_port)
        self.variables["RESNETD_METRICS_PORT"] = str(free_port())

    def inside(self, path: str) -> pathlib.Path:
        """Where a path of the container is for us."""
        return self.root / path.lstrip("/")

    @property
    def clients_port(self) -> int:
        return self.setup.probes["readiness"]["port"]

    @property
    def metrics_port(self) -> int:
        return int(self.variables["RESNETD_METRICS_PORT"])

    def command(self, arguments: list[str]) -> list:
        if not confined():
            return [self.program, *arguments]
        return ["/usr/sbin/chroot", self.root, "setpriv", f"--reuid={USER}", f"--regid={USER}",
                "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
                *arguments]

    def start(self) -> None:
        arguments = list(self.setup.arguments)
        command = self.command(["/program", *arguments] if confined() else arguments)
        if confined():
            command = ["unshare", "--pid", "--fork", f"--mount-proc={self.root}/proc", *command]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=self.variables, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, preexec_fn=self.groups.enter if self.groups else None)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """A command beside the program, as `kubectl exec` runs it."""
        words = list(arguments)
        if words[0] == "resnetd":
            words = (["/program"] if confined() else []) + words[1:]
        elif not confined():
            return subprocess.run(words, capture_output=True, text=True)
        return subprocess.run(
            self.command(words), env=self.variables, capture_output=True, text=True)

    def terminate(self) -> None:
        process = self.process.pid
        if confined():
            children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text()
            process = int(children.split()[0])
        os.kill(process, signal.SIGTERM)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            # Process 1's end is that of its namespace; unshare's alone would leave it running.
            with contextlib.suppress(OSError, IndexError):
                children = pathlib.Path(
                    f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
                os.kill(int(children.split()[0]), signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        if self.groups:
            time.sleep(0.05)
            self.groups.remove()


@contextlib.contextmanager
def container(setup: Setup, program: pathlib.Path):
    folder = pathlib.Path(tempfile.mkdtemp())
    one = Container(setup, program, folder)
    try:
        yield one
    except BaseException:
        lines = [text for text in one.log.read_text().splitlines() if '"request"' not in text]
        print(f"--- log of {setup.name}\n" + "\n".join(lines[-30:]))
        raise
    finally:
        one.close()
        if confined():
            subprocess.run(["umount", "--recursive", "--lazy", one.root], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
