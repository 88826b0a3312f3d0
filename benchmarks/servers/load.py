"""Loads an HTTP server with pictures: a fixed number of connections, or Poisson arrivals.

One thread and one epoll for all connections: it shares the processor with the server, so it must
cost little; every result says how much it took.
"""

import collections
import dataclasses
import itertools
import math
import random
import re
import select
import socket
import time

# Nobody is waited for longer than this after the last request was due.
DRAIN_SECOND_LIMIT = 60
HEAD_BYTE_LIMIT = 16_384
READ_BYTE_COUNT = 65_536
# Arrivals meet this many connections at most; what comes then waits here, its time counted.
ARRIVAL_CONNECTION_LIMIT = 128
# Slow servers are watched for longer: fewer arrivals than this say nothing.
ARRIVAL_COUNT = 20


def request(body: bytes) -> memoryview:
    head = ("POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    return memoryview(head.encode() + body)


@dataclasses.dataclass
class Answer:
    """One answer: `seconds` from the moment the request was due, `at` on the monotonic clock."""

    status: int
    seconds: float
    at: float
    decode_milliseconds: float | None


class Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int, epoll: select.epoll) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.epoll = epoll
        self.rest = memoryview(b"")
        self.received = bytearray()
        self.due = 0.0
        epoll.register(self.socket.fileno(), select.EPOLLIN)

    def start(self, content: memoryview, due: float) -> None:
        self.rest, self.due = content, due
        self.received.clear()
        self.send()
        if self.rest:
            self.epoll.modify(self.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def send(self) -> None:
        try:
            while self.rest:
                self.rest = self.rest[self.socket.send(self.rest):]
        except BlockingIOError:
            pass

    def handle(self, events: int) -> Answer | None:
        """Goes on with what is possible; the answer once it is there in full."""
        if events & select.EPOLLOUT:
            self.send()
            if not self.rest:
                self.epoll.modify(self.socket.fileno(), select.EPOLLIN)
        if not events & ~select.EPOLLOUT:
            return None
        received = self.socket.recv(READ_BYTE_COUNT)
        if not received:
            raise ConnectionError("the server closed a connection")
        self.received += received
        return self.answer()

    def answer(self) -> Answer | None:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            if len(self.received) > HEAD_BYTE_LIMIT:
                raise ConnectionError("the head of an answer does not end")
            return None
        head = bytes(self.received[:end]).decode("latin-1")
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        if length is None:
            raise ConnectionError(f"an answer without a length: {head}")
        if len(self.received) < end + 4 + int(length[1]):
            return None
        if self.rest:
            raise ConnectionError(f"an answer before the request was sent: {head}")
        decode = re.search(r"(?i)\r\nserver-timing:.*\bdecode;dur=([\d.]+)", head)
        now = time.monotonic()
        return Answer(int(head[9:12]), now - self.due, now, float(decode[1]) if decode else None)


def closed_loop(port: int, requests: list[memoryview], connections: int, seconds: float) -> dict:
    """Every connection sends its next request when it has the answer to the last.

    Measures from when every connection has had an answer, for only then do queues have their
    length. Raises RuntimeError for any answer but 200. Ends when all answers are there: the next
    measurement must not meet what this one left.
    """
    answers: list[Answer] = []
    with select.epoll() as epoll:
        peers = {peer.socket.fileno(): peer
                 for peer in (Connection(port, epoll) for _ in range(connections))}
        waiting = set(peers)
        fresh = set(peers)
        begin = end = math.inf
        content = itertools.cycle(requests)
        limit = time.monotonic() + seconds + 2 * DRAIN_SECOND_LIMIT
        for peer in peers.values():
            peer.start(next(content), time.monotonic())
        cost = time.process_time()
        start = time.monotonic()
        while waiting:
            if time.monotonic() > limit:
                raise RuntimeError(f"{len(waiting)} requests were not answered")
            for descriptor, events in epoll.poll(1):
                answer = peers[descriptor].handle(events)
                if answer is None:
                    continue
                if answer.status != 200:
                    raise RuntimeError(f"status {answer.status} at {connections} connections")
                if begin <= answer.at < end:
                    answers.append(answer)
                fresh.discard(descriptor)
                if not fresh and begin == math.inf:
                    begin, end = answer.at, answer.at + seconds
                if answer.at < end:
                    peers[descriptor].start(next(content), time.monotonic())
                else:
                    waiting.discard(descriptor)
        cost = (time.process_time() - cost) / (time.monotonic() - start)
        for peer in peers.values():
            peer.socket.close()
    # From an answer to an answer: few slow ones would else be a coarse measure.
    return summary(answers, answers[-1].at - begin if answers else seconds, cost)


def open_loop(
        port: int, requests: list[memoryview], rate: float, warm_up: float, seconds: float,
        seed: int) -> dict:
    """Requests are due at random times, `rate` a second, however slow the answers are.

    Latency counts from the time a request is due, so no request hides that others had to wait.
    """
    randomness = random.Random(seed)
    seconds = max(seconds, ARRIVAL_COUNT / rate)
    start = time.monotonic()
    # Given how many there are, Poisson arrivals are uniform: a round offers what it should.
    arrival_count = max(1, round(rate * (warm_up + seconds)))
    arrivals = collections.deque(sorted(
        start + randomness.uniform(0, warm_up + seconds) for _ in range(arrival_count)))
    answers: list[tuple[float, Answer]] = []
    with select.epoll() as epoll:
        peers: dict[int, Connection] = {}
        idle: list[Connection] = []
        content = itertools.cycle(requests)
        limit = start + warm_up + seconds + DRAIN_SECOND_LIMIT
        cost = time.process_time()
        while len(answers) < arrival_count:
            now = time.monotonic()
            if now > limit:
                raise RuntimeError(f"{arrival_count - len(answers)} requests were not answered")
            while arrivals and arrivals[0] <= now:
                if not idle and len(peers) == ARRIVAL_CONNECTION_LIMIT:
                    break
                if not idle:
                    idle.append(Connection(port, epoll))
                    peers[idle[-1].socket.fileno()] = idle[-1]
                idle.pop().start(next(content), arrivals.popleft())
            waits = arrivals and (idle or len(peers) < ARRIVAL_CONNECTION_LIMIT)
            timeout = max(0.0, arrivals[0] - time.monotonic()) if waits else 1.0
            for descriptor, events in epoll.poll(timeout):
                peer = peers[descriptor]
                if (answer := peer.handle(events)) is not None:
                    answers.append((peer.due, answer))
                    idle.append(peer)
        cost = (time.process_time() - cost) / (time.monotonic() - start)
        for peer in peers.values():
            peer.socket.close()
    counted = [answer for due, answer in answers if due >= start + warm_up]
    return {"arrivals": len(counted) / seconds, **summary(counted, seconds, cost)}


def summary(answers: list[Answer], seconds: float, cost: float) -> dict:
    """Requests/s and milliseconds of the answers 200; `generator` in processors."""
    good = sorted(answer.seconds * 1000 for answer in answers if answer.status == 200)
    if not good:
        raise RuntimeError("no answer within the time of measurement")
    decodes = [answer.decode_milliseconds for answer in answers
               if answer.decode_milliseconds is not None]
    return {
        "rate": len(good) / seconds, "count": len(good), "refused": len(answers) - len(good),
        "p50": percentile(good, 50), "p99": percentile(good, 99), "generator": cost,
        "decode": sum(decodes) / len(decodes) if decodes else None}


def percentile(ordered: list[float], share: float) -> float:
    """By nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
