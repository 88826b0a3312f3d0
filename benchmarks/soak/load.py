"""Processes that load the server: connections of all kinds, slow ones, administrators, a prober."""

import collections
import itertools
import json
import multiprocessing
import pathlib
import queue
import random
import threading
import time

import wire
from kinds import ANSWER_SECONDS, KINDS, SOURCES

REPORT_SECONDS = 0.5
PROBE_SECONDS = 0.05
SLOW_COUNT = 48
SLOW_LIFE_SECONDS = (2, 12)
SLOW_STEP_SECONDS = 0.25
SWAP_PAUSE_SECONDS = 1.0
STEPS = ("activate", "canary", "end canary", "rollback", "garbage", "cut off", "dry run")


class Reporter:
    """Counts of one process, sent on twice a second."""

    def __init__(self, results: multiprocessing.Queue) -> None:
        self.results, self.lock = results, threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.counts: collections.Counter = collections.Counter()
        self.failures: collections.Counter = collections.Counter()
        self.times: dict[str, list[float]] = collections.defaultdict(list)
        self.due = time.monotonic() + REPORT_SECONDS

    def note(self, kind: str, outcome: int | str, allowed: frozenset, seconds: float) -> None:
        with self.lock:
            self.counts[kind] += 1
            self.times[kind].append(seconds)
            if outcome not in allowed:
                self.failures[f"{kind}: {outcome}"] += 1
            if time.monotonic() >= self.due:
                self.send()

    def send(self) -> None:
        self.results.put((self.counts, self.failures, dict(self.times)))
        self.reset()


def connections(port: int, share: int, seconds: float, thread_count: int, seed: int,
                results: multiprocessing.Queue) -> None:
    """So many connections, spread evenly over the time, or as many as can be made in it."""
    reporter = Reporter(results)
    turns = itertools.count()
    start = time.monotonic()
    end = start + seconds

    def work(number: int) -> None:
        randomness = random.Random(seed * 1000 + number)
        weights = [kind.weight for kind in KINDS]
        while (turn := next(turns)) < share:
            due = start + seconds * turn / share
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            before = time.monotonic()
            if before > end:
                return
            kind = randomness.choices(KINDS, weights)[0]
            outcome = kind.run(port, randomness)
            reporter.note(kind.name, outcome, kind.allowed, time.monotonic() - before)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(thread_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reporter.send()


def slow(port: int, seconds: float, results: multiprocessing.Queue) -> None:
    """Connections that send nothing, or a byte of a head or body now and then, and go away."""
    reporter, randomness = Reporter(results), random.Random(5)
    end = time.monotonic() + seconds
    held: list[list] = []
    requests = [b"", wire.head("GET", "/livez"), wire.post(b"x" * 4000, "image/png")]
    while time.monotonic() < end:
        while len(held) < SLOW_COUNT:
            try:
                peer = wire.connect(port, ANSWER_SECONDS, randomness.choice(SOURCES))
            except OSError as failure:
                refused = isinstance(failure, ConnectionRefusedError)
                reporter.note("slow", wire.REFUSED if refused else wire.CLOSED, frozenset(), 0)
                break
            life = randomness.uniform(*SLOW_LIFE_SECONDS)
            held.append([peer, time.monotonic() + life, iter(randomness.choice(requests))])
        for entry in list(held):
            peer, until, rest = entry
            try:
                if (byte := next(rest, None)) is not None:
                    peer.send(bytes([byte]))
            except OSError:
                until = 0
            if time.monotonic() > until:
                held.remove(entry)
                wire.reset(peer) if randomness.random() < 0.5 else peer.close()
                reporter.note("slow", "held", frozenset({"held"}), 0)
        time.sleep(SLOW_STEP_SECONDS)
    for peer, _, _ in held:
        peer.close()
    reporter.send()


def probes(port: int, seconds: float, results: multiprocessing.Queue) -> None:
    reporter = Reporter(results)
    end, request = time.monotonic() + seconds, wire.head("GET", "/livez")
    while (before := time.monotonic()) < end:
        outcome = wire.exchange(port, request, ANSWER_SECONDS)
        reporter.note("livez", outcome, frozenset({200}), time.monotonic() - before)
        time.sleep(PROBE_SECONDS)
    reporter.send()


def administration(port: int, token: str, versions: list[str], model: pathlib.Path,
                   seconds: float, results: multiprocessing.Queue) -> None:
    """Swaps, canaries, rollbacks and uploads that fail, one after another."""
    reporter = Reporter(results)
    bearer, content = f"Authorization: Bearer {token}", model.read_bytes()
    end = time.monotonic() + seconds

    def ask(method: str, path: str, body: bytes = b"") -> int | str:
        whole = wire.head(method, path, bearer, f"Content-Length: {len(body)}") + body
        return wire.exchange(port, whole, ANSWER_SECONDS)

    for turn, step in enumerate(itertools.cycle(STEPS)):
        if time.monotonic() > end:
            break
        before, allowed = time.monotonic(), {200}
        other = versions[(turn // len(STEPS) + 1) % 2]
        match step:
            case "activate":
                # The former turn may have left it live.
                outcome = ask("POST", f"/admin/versions/{other}/activate")
                allowed |= {409}
            case "canary":
                former = versions[(turn // len(STEPS)) % 2]
                outcome = ask("PUT", "/admin/canary", json.dumps(
                    {"version": former, "percent": 20, "max_disagreement": None}).encode())
            case "end canary": outcome = ask("DELETE", "/admin/canary")
            case "rollback": outcome = ask("POST", "/admin/rollback")
            case "garbage":
                outcome = ask("PUT", "/admin/model", content[:9000] + b"\0" * 5000)
                allowed = {400, 422}
            case "cut off":
                peer = wire.connect(port, ANSWER_SECONDS)
                peer.sendall(wire.head("PUT", "/admin/model", bearer,
                                       f"Content-Length: {len(content)}") + content[:90_000])
                wire.reset(peer)
                outcome = 200
            case "dry run": outcome = ask("PUT", "/admin/model?dry_run=true", content)
        reporter.note(f"admin: {step}", outcome, frozenset(allowed), time.monotonic() - before)
        time.sleep(SWAP_PAUSE_SECONDS)
    reporter.send()


class Collected:
    """What the processes reported since it was asked last, and in all."""

    def __init__(self, results: multiprocessing.Queue) -> None:
        self.results = results
        self.counts: collections.Counter = collections.Counter()
        self.failures: collections.Counter = collections.Counter()

    def take(self) -> tuple[collections.Counter, dict[str, list[float]]]:
        counts: collections.Counter = collections.Counter()
        times: dict[str, list[float]] = collections.defaultdict(list)
        while True:
            try:
                some, failures, more = self.results.get_nowait()
            except queue.Empty:
                self.counts += counts
                return counts, times
            counts += some
            self.failures += failures
            for kind, values in more.items():
                times[kind] += values
