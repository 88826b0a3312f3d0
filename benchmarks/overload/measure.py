"""Offers the server at RESNETD_URL twice the load that it sustains, and holds what it does to bars.

Prints a Markdown table; exits with 1 when a bar is missed. MB are 10^6 bytes.
"""

import argparse
import asyncio
import collections
import itertools
import multiprocessing
import os
import pathlib
import random
import re
import socket
import statistics
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "docs/sample.jpg").read_bytes()
ADDRESS = urllib.parse.urlsplit(os.environ["RESNETD_URL"])

GOODPUT_BAR = 0.9
PROBE_BAR_SECONDS = 0.02
# An accepted request waits for a full queue, each of which takes the mean time between answers;
# the rest is for answers that come in batches, and for a machine that is not always as fast.
WAIT_FACTOR_BAR = 1.25
WAIT_MARGIN_SECONDS = 0.25
# Pages that an allocator keeps, not a leak.
FLAT_BAR_MB = 5.0
PROBE_INTERVAL_SECONDS = 0.02
CONNECTION_LIMIT = 2000
UNSENT = "unsent"
ANSWER_SECOND_LIMIT = 60

REQUEST = (
    "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    f"Content-Length: {len(SAMPLE)}\r\n\r\n").encode() + SAMPLE


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Connection(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self) -> None:
        self.received = b""
        self.answer: asyncio.Future | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not separator or len(body) < int(length[1]):
            return
        self.received = b""
        has_retry_after = b"retry-after:" in head.lower()
        self.answer.set_result((int(head.split(b" ", 2)[1]), has_retry_after))

    def connection_lost(self, _: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("the server closed the connection"))

    async def classify(self) -> tuple[int, bool]:
        """The answer's status, and whether it says when to come back."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(REQUEST)
        return await asyncio.wait_for(self.answer, ANSWER_SECOND_LIMIT)


async def connect() -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, ADDRESS.hostname, ADDRESS.port)
    return connection


async def closed_loop(connection_count: int, seconds: float) -> float:
    """Answers per second when so many clients wait for theirs; the first second aside."""
    start = time.perf_counter() + 1
    end = start + seconds
    count = 0

    async def work() -> None:
        nonlocal count
        connection = await connect()
        while time.perf_counter() < end:
            status, _ = await connection.classify()
            if status != 200:
                raise RuntimeError(f"status {status} below the limit")
            count += start <= time.perf_counter() < end
        connection.transport.close()

    await asyncio.gather(*(work() for _ in range(connection_count)))
    return count / seconds


class Overload:
    """Requests at random times, whatever becomes of those before; times count from then."""

    def __init__(self, rate: float, seconds: float) -> None:
        self.rate = rate
        self.seconds = seconds
        self.idle: list[Connection] = []
        self.connection_count = 0
        self.statuses: collections.Counter = collections.Counter()
        self.accepted: list[float] = []
        self.good_in_time = 0
        self.lateness: list[float] = []
        self.refused_without_time = 0

    async def run(self) -> None:
        randomness = random.Random(7)
        tasks = set()
        due = start = time.perf_counter()
        self.end = start + self.seconds
        while due < self.end:
            due += randomness.expovariate(self.rate)
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            self.lateness.append(max(0.0, time.perf_counter() - due))
            task = asyncio.create_task(self.ask(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def ask(self, due: float) -> None:
        if self.idle:
            connection = self.idle.pop()
        elif self.connection_count < CONNECTION_LIMIT:
            self.connection_count += 1
            connection = await connect()
        else:
            self.statuses[UNSENT] += 1
            return
        try:
            status, has_retry_after = await connection.classify()
        except (ConnectionError, TimeoutError) as failure:
            self.statuses[type(failure).__name__] += 1
            return
        now = time.perf_counter()
        self.statuses[status] += 1
        self.refused_without_time += status == 429 and not has_retry_after
        if status == 200:
            self.accepted.append(now - due)
            self.good_in_time += now <= self.end
        self.idle.append(connection)


def probe(seconds: float, results: multiprocessing.Queue) -> None:
    """Asks /livez again and again on a connection of its own, and in a process of its own."""
    times = []
    end = time.perf_counter() + seconds
    with socket.create_connection((ADDRESS.hostname, ADDRESS.port), ANSWER_SECOND_LIMIT) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.perf_counter() < end:
            start = time.perf_counter()
            peer.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = peer.recv(4096)
            times.append(time.perf_counter() - start)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"/livez answered {answer[:40]!r}")
            time.sleep(PROBE_INTERVAL_SECONDS)
    results.put(times)


def resident_mb() -> float:
    status = pathlib.Path(f"/proc/{os.environ['RESNETD_PID']}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of overload, in all")
    parser.add_argument("--rounds", type=int, default=4, help="each with a peak before and after")
    parser.add_argument("--peak-seconds", type=float, default=4, help="for finding a peak")
    parser.add_argument("--connections", type=int, default=32, help="while finding a peak")
    parser.add_argument("--factor", type=float, default=2, help="offered load by the peak")
    parser.add_argument("--queue-limit", type=int, required=True, help="as the server has it")
    arguments = parser.parse_args()
    seconds = arguments.seconds / arguments.rounds

    def peak() -> float:
        return asyncio.run(closed_loop(arguments.connections, arguments.peak_seconds))

    peaks = [peak()]
    rounds: list[Overload] = []
    probes: list[float] = []
    resident: list[float] = []
    for _ in range(arguments.rounds):
        results: multiprocessing.Queue = multiprocessing.Queue()
        prober = multiprocessing.Process(target=probe, args=(seconds, results))
        prober.start()
        overload = Overload(arguments.factor * peaks[-1], seconds)
        asyncio.run(overload.run())
        rounds.append(overload)
        probes += results.get()
        prober.join()
        resident.append(resident_mb())
        peaks.append(peak())

    statuses = sum((overload.statuses for overload in rounds), collections.Counter())
    accepted = [time for overload in rounds for time in overload.accepted]
    lateness = [time for overload in rounds for time in overload.lateness]
    goodputs = [overload.good_in_time / seconds for overload in rounds]
    ratio = statistics.median(
        goodput / statistics.mean(around)
        for goodput, around in zip(goodputs, itertools.pairwise(peaks)))
    # The slowest round, for the machine is shared.
    wait_bar = WAIT_FACTOR_BAR * arguments.queue_limit / min(goodputs) + WAIT_MARGIN_SECONDS
    unsent = statuses.pop(UNSENT, 0)
    others = sum(count for status, count in statuses.items() if status not in (200, 429))
    without_time = sum(overload.refused_without_time for overload in rounds)
    missed = False
    rows = []

    def report(what: str, value: str, bar: str = "", holds: bool = True) -> None:
        nonlocal missed
        missed |= not holds
        rows.append(f"| {what} | {value} | {bar}{'' if holds else ' (missed)'} |")

    def listed(values: list[float]) -> str:
        return ", ".join(f"{value:.1f}" for value in values)

    report("peaks, answers/s", listed(peaks))
    report("offered between them, requests/s",
           listed([len(overload.lateness) / seconds for overload in rounds]))
    report("goodput, answers/s", listed(goodputs))
    report("goodput by the peaks around it, median", f"{ratio:.2f}", f"{GOODPUT_BAR:.2f}",
           ratio >= GOODPUT_BAR)
    report("accepted, median", f"{percentile(accepted, 0.5):.2f} s")
    p99 = percentile(accepted, 0.99)
    report("accepted, 99 %", f"{p99:.2f} s", f"{wait_bar:.2f} s", p99 <= wait_bar)
    report("answered 200, 429", f"{statuses[200]}, {statuses[429]}")
    report("answered otherwise or not at all", str(others), "0", others == 0)
    report("429 without Retry-After", str(without_time), "0", without_time == 0)
    probe_p99 = percentile(probes, 0.99)
    report("/livez meanwhile, median and 99 %",
           f"{percentile(probes, 0.5) * 1000:.1f} ms, {probe_p99 * 1000:.1f} ms",
           f"{PROBE_BAR_SECONDS * 1000:.0f} ms", probe_p99 <= PROBE_BAR_SECONDS)
    added = resident[-1] - resident[0]
    report("resident memory added after the first round", f"{added:.1f} MB",
           f"{FLAT_BAR_MB:.0f} MB", added <= FLAT_BAR_MB)
    report("the load's own lateness, 99 %", f"{percentile(lateness, 0.99) * 1000:.1f} ms")
    report(f"requests that found {CONNECTION_LIMIT} connections waiting", str(unsent))
    print("| what | measured | bar |\n|---|---|---|\n" + "\n".join(rows))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
