"""Measures start-to-ready, idle connections and a large model's memory, each against its bar.

Prints a Markdown table; exits with 1 when a bar is missed. MB are 10^6 bytes.
"""

import argparse
import contextlib
import http.client
import pathlib
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import resnet50

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "docs/sample.jpg").read_bytes()

START_COUNT = 10
READY_SECONDS_BAR = 0.3
IDLE_CONNECTION_COUNT = 5000
IDLE_BAR_MB = 100.0
REQUEST_COUNT = 1000
CONNECTION_COUNT = 4
WEIGHTS_FACTOR_BAR = 1.5
WEIGHTS_MARGIN_MB = 60.0
# What the second half of the requests may add: pages that an allocator keeps, not a leak.
FLAT_BAR_MB = 5.0
SECOND_LIMIT = 30


class Server:
    """`resnetd serve` on a free port of the loopback, stopped by SIGTERM at the end."""

    def __init__(self, program: str, *options: str) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [program, "serve", "--host", "127.0.0.1", "--port", "0", "--admin", "off", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: list[str] = []
        self.port = self.await_port()
        # Whoever does not read the log stops the server once the pipe is full.
        threading.Thread(target=self.discard, daemon=True).start()

    def await_port(self) -> int:
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise RuntimeError("the server ended: " + "".join(self.lines))

    def discard(self) -> None:
        for _ in self.process.stdout:
            pass

    def await_ready(self) -> float:
        """Seconds from the start of the process to the first 200 of /readyz."""
        while time.perf_counter() - self.started < SECOND_LIMIT:
            with contextlib.closing(self.connect()) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return time.perf_counter() - self.started
            time.sleep(0.002)
        raise RuntimeError("not ready in time")

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECOND_LIMIT)

    def resident_mb(self, field: str = "VmRSS") -> float:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024 / 1e6

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SECOND_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def png(width: int, height: int, randomness: random.Random) -> bytes:
    """A picture of coarse random stripes."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    rows = bytearray()
    for _ in range(height // 8):
        colours = [randomness.randbytes(3) * 8 for _ in range(width // 8)]
        rows += (b"\0" + b"".join(colours)) * 8
    header = struct.pack(">IIBBBBB", width // 8 * 8, height // 8 * 8, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b""))


def multipart(pictures: list[bytes]) -> tuple[bytes, str]:
    boundary = "0f1e2d3c4b5a"
    parts = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{index}"\r\n\r\n'
        .encode() + picture + b"\r\n" for index, picture in enumerate(pictures))
    return parts + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def mixed_requests() -> list[tuple[bytes, str, set[int]]]:
    """Bodies, their types and the statuses they may get: small and large, several, and broken."""
    randomness = random.Random(3)
    large = png(2000, 1504, randomness)
    several = multipart([SAMPLE, png(640, 480, randomness), b"no picture", SAMPLE])
    return [
        (SAMPLE, "image/jpeg", {200}),
        (png(504, 376, randomness), "image/png", {200}),
        (large, "image/png", {200}),
        (*several, {200}),
        (SAMPLE[: len(SAMPLE) // 2], "image/jpeg", {400}),
        (b"no picture at all", "image/jpeg", {415}),
    ]


def start_times(program: str) -> list[float]:
    times = []
    for _ in range(START_COUNT):
        with Server(program) as server:
            times.append(server.await_ready())
    return times


def idle_connection_mb(program: str) -> float:
    """What `IDLE_CONNECTION_COUNT` keep-alive connections add to the resident memory."""
    with Server(program, "--connection-limit", str(IDLE_CONNECTION_COUNT + 100)) as server:
        server.await_ready()
        before = server.resident_mb()
        with contextlib.ExitStack() as open_sockets:
            for _ in range(IDLE_CONNECTION_COUNT):
                peer = socket.create_connection(("127.0.0.1", server.port), SECOND_LIMIT)
                open_sockets.enter_context(peer)
                peer.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if not peer.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise RuntimeError("a connection was not served")
            return server.resident_mb() - before


def send(server: Server, requests: list[tuple[bytes, str, set[int]]]) -> None:
    connection = server.connect()
    for body, kind, statuses in requests:
        connection.request("POST", "/classify", body=body, headers={"Content-Type": kind})
        response = connection.getresponse()
        response.read()
        if response.status not in statuses:
            raise RuntimeError(f"status {response.status} instead of {statuses}")


def send_all(server: Server, count: int) -> None:
    kinds = mixed_requests()
    requests = [kinds[index % len(kinds)] for index in range(count)]
    failures: list[BaseException] = []

    def work(share: list) -> None:
        try:
            send(server, share)
        except BaseException as failure:  # noqa: BLE001 - told to the caller below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(requests[index::CONNECTION_COUNT],))
               for index in range(CONNECTION_COUNT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def large_model_mb(program: str) -> tuple[float, float, float]:
    """Weights, resident memory after half of the requests and after all of them."""
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "resnet50.safetensors"
        labels = pathlib.Path(folder) / "labels.txt"
        weights = resnet50.write(model) / 1e6
        labels.write_text("".join(f"class {index}\n" for index in range(resnet50.CLASS_COUNT)))
        with Server(program, "--model", str(model), "--labels", str(labels)) as server:
            server.await_ready()
            send_all(server, REQUEST_COUNT // 2)
            half = server.resident_mb()
            send_all(server, REQUEST_COUNT - REQUEST_COUNT // 2)
            return weights, half, server.resident_mb()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    program = parser.parse_args().program

    rows = []
    missed = False

    def report(what: str, value: float, bar: float, unit: str, digits: int = 1) -> None:
        nonlocal missed
        missed |= value > bar
        rows.append(f"| {what} | {value:.{digits}f} {unit} | {bar:.{digits}f} {unit} |")

    times = start_times(program)
    report(f"start to ready, embedded model, median of {START_COUNT}",
           statistics.median(times), READY_SECONDS_BAR, "s", 3)
    report(f"{IDLE_CONNECTION_COUNT} idle keep-alive connections",
           idle_connection_mb(program), IDLE_BAR_MB, "MB")
    weights, half, end = large_model_mb(program)
    report(f"ResNet-50 ({weights:.1f} MB of weights), resident after {REQUEST_COUNT} requests",
           end, WEIGHTS_FACTOR_BAR * weights + WEIGHTS_MARGIN_MB, "MB")
    report("of these, added by the second half", end - half, FLAT_BAR_MB, "MB")
    print("| what | measured | bar |\n|---|---|---|\n" + "\n".join(rows))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
