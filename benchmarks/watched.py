"""A `resnetd serve` that a benchmark starts and watches through /proc, with its child processes."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import wire

READY_SECOND_LIMIT = 30
DRAIN_SECOND_LIMIT = 40
POLL_SECONDS = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
KEPT_LINE_COUNT = 40


def end_orderly() -> None:
    """Lets a SIGTERM of this program end what it started as well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def free_port() -> int:
    with socket.create_server((wire.HOST, 0)) as server:
        return server.getsockname()[1]


class Watched:
    """A server on two free ports of the loopback; a context manager that ends it by SIGTERM."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None,
                 reads_log: bool = True) -> None:
        self.port, self.admin_port = free_port(), free_port()
        settings = {"RESNETD_PORT": self.port, "RESNETD_ADMIN_PORT": self.admin_port}
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("RESNETD_")}
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=clean | {name: str(value) for name, value in settings.items()}
            | (environment or {}))
        self.pid = self.process.pid
        self.lines: list[str] = []
        self.reads_log = threading.Event()
        if reads_log:
            self.reads_log.set()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        self.reads_log.wait()
        for line in self.process.stderr:
            if not self.reads_log.is_set():
                self.reads_log.wait()
            self.lines.append(line.decode(errors="replace").rstrip())
            del self.lines[:-KEPT_LINE_COUNT]

    def __enter__(self) -> "Watched":
        deadline = time.monotonic() + READY_SECOND_LIMIT
        probe = wire.head("GET", "/readyz")
        while wire.exchange(self.port, probe, READY_SECOND_LIMIT) != 200:
            if not self.lives() or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError("the server did not become ready:\n" + "\n".join(self.lines))
            time.sleep(POLL_SECONDS)
        return self

    def __exit__(self, *_) -> None:
        if self.lives():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DRAIN_SECOND_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        # A log that nobody reads must not keep it from its end.
        self.reads_log.set()
        self.reader.join(POLL_SECONDS)

    def lives(self) -> bool:
        return self.process.poll() is None

    def end(self) -> str:
        """How it ended, for a report."""
        status = self.process.poll()
        if status is None:
            return "lives"
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def children(pid: int) -> list[int]:
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            pass
    return found


def processor_seconds(pid: int) -> float:
    """Of the process, its children, and children that have ended."""
    total = 0.0
    for each in [pid, *children(pid)]:
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15] if each == pid else fields[11:13])) / TICKS
    return total


def resident(pid: int) -> tuple[float, float]:
    """RSS and Pss in MB (10^6 bytes)."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6
    try:
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        return rss, int(re.search(r"\nPss:\s+(\d+)", rollup)[1]) * 1024 / 1e6
    except (OSError, TypeError):
        return rss, rss


def sample(pid: int) -> dict[str, float]:
    """Memory in MB, descriptors, threads, children and processor seconds at this moment."""
    rss, pss = resident(pid)
    family = children(pid)
    family_rss = 0.0
    for child in family:
        try:
            family_rss += resident(child)[0]
        except (OSError, TypeError):
            pass
    return {
        "rss_mb": rss, "pss_mb": pss, "children": len(family), "children_rss_mb": family_rss,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": len(os.listdir(f"/proc/{pid}/task")),
        "processor_seconds": processor_seconds(pid)}


def write_json(path: pathlib.Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
