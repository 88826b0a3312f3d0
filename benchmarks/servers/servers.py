"""The servers that are compared, each a group of processes on a port of the loopback."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

READY_SECOND_LIMIT = 120
STOP_SECOND_LIMIT = 20
ANSWER_SECOND_LIMIT = 60
# LitServe has no such limit; 64 photographs of some megabytes must find room.
QUEUE_BYTES = "1GiB"
HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Setting:
    """How a LitServe server is set up."""

    workers: int
    threads: int
    batch: int = 1
    draft: bool = True
    fast_queue: bool = False

    def __str__(self) -> str:
        extras = [f"batches up to {self.batch}"] * (self.batch > 1)
        extras += ["ZeroMQ"] * self.fast_queue + ["decodes in full"] * (not self.draft)
        return ", ".join([f"{self.workers} x {self.threads}", *extras])


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resnetd_command(port: int, program: str, model: pathlib.Path, labels: pathlib.Path,
                    precision: list[str]) -> list[str]:
    return [
        program, "serve", "--host", "127.0.0.1", "--port", str(port), "--model", str(model),
        "--labels", str(labels), "--access-log", "off", "--admin", "off", "--queue-bytes",
        QUEUE_BYTES, *precision]


def litserve_command(
        port: int, engine: str, model: pathlib.Path, setting: Setting) -> list[str]:
    return [
        sys.executable, str(HERE / "litserver.py"), str(port), str(model), engine,
        str(setting.workers), str(setting.threads), str(setting.batch),
        *["--draft"] * setting.draft, *["--fast-queue"] * setting.fast_queue]


class Server:
    """Started and made to answer on entry; does nothing unless within `running`."""

    def __init__(self, command, log: pathlib.Path) -> None:
        """`command` gives the arguments for a port."""
        self.port = free_port()
        self.command = command(self.port)
        self.log = log

    def __enter__(self) -> "Server":
        with self.log.open("w") as log:
            # A session of its own, so that its workers can be reached as one group.
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True)
        return self

    def await_answer(self, picture: bytes) -> None:
        """Until a picture is classified: every worker is up by then."""
        deadline = time.monotonic() + READY_SECOND_LIMIT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
                self.classify(picture)
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} did not start:\n{self.log.read_text()[-4000:]}")

    def classify(self, picture: bytes) -> list[dict]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=ANSWER_SECOND_LIMIT)
        with contextlib.closing(connection):
            connection.request(
                "POST", "/classify", body=picture, headers={"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"status {response.status}: {body[:500]!r}")
            return json.loads(body)["predictions"]

    def pause(self) -> None:
        """Takes the processor away: LitServe polls its queues even when nobody asks it."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    @contextlib.contextmanager
    def running(self):
        os.killpg(self.process.pid, signal.SIGCONT)
        try:
            yield self
        finally:
            self.pause()

    def __exit__(self, *_) -> None:
        self.signal_group(signal.SIGTERM)
        self.signal_group(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECOND_LIMIT)
        # What is left of the group: workers of LitServe outlive it when it is told to end.
        self.signal_group(signal.SIGKILL)
        self.process.wait()

    def signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
