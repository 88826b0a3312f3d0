"""What an attack is, and what one finds around it while it runs."""

import collections
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator

import wire

ANSWER_SECONDS = 40
BUSY = frozenset({429, 503})
GONE = frozenset({wire.CLOSED})
# A picture that is whole may be answered, found too large, or waited for in vain.
HEAVY = BUSY | {200, 413, 504}
BAD = BUSY | {400, 413, 415}
LATE = "later than its deadline"
SOURCES = [f"127.0.1.{number}" for number in range(1, 251)]


class Target:
    """The server as an attacker sees it: ports, a time to end at, and a tally of answers."""

    def __init__(self, port: int, admin_port: int, token: str, seconds: float) -> None:
        self.port, self.admin_port, self.token = port, admin_port, token
        self.seconds, self.end = seconds, 0.0
        self.statuses: collections.Counter = collections.Counter()
        self.lock = threading.Lock()
        self.held: list[socket.socket] = []

    def begin(self) -> None:
        """Says that everything is ready; time counts from here."""
        print("begun", flush=True)
        self.end = time.monotonic() + self.seconds

    def runs(self) -> bool:
        return time.monotonic() < self.end

    def rest(self, seconds: float) -> None:
        time.sleep(max(0.0, min(seconds, self.end - time.monotonic())))

    def note(self, status: int | str, count: int = 1) -> None:
        with self.lock:
            self.statuses[status] += count

    def crowd(self, count: int, work: Callable[[int], None]) -> None:
        """Has so many threads do it again and again."""
        def turn(number: int) -> None:
            while self.runs():
                work(number)

        threads = [threading.Thread(target=turn, args=(number,), daemon=True)
                   for number in range(count)]
        for thread in threads:
            thread.start()
        # Answers that were asked for in time are waited for.
        for thread in threads:
            thread.join(max(0.0, self.end + ANSWER_SECONDS - time.monotonic()))

    def send(self, request: bytes, port: int | None = None) -> int | str:
        status = wire.exchange(port or self.port, request, ANSWER_SECONDS)
        self.note(status)
        if status == wire.REFUSED:
            time.sleep(0.2)
        return status

    def connect(self, port: int | None = None, source: str = "") -> socket.socket | None:
        try:
            return wire.connect(port or self.port, 3, source)
        except OSError:
            time.sleep(0.05)
            return None

    def hold(self, count: int, first: bytes, port: int | None = None) -> None:
        """Opens so many connections from many addresses, and keeps them."""
        for number in range(count):
            if not self.runs():
                return
            peer = self.connect(port, SOURCES[number % len(SOURCES)])
            if peer:
                peer.settimeout(0)
                self.held.append(peer)
                trickle(peer, first)

    def read_held(self) -> None:
        """Tallies what the connections that are kept were answered."""
        for peer in self.held:
            try:
                start = peer.recv(4096)
                self.note(int(start[9:12]) if start.startswith(b"HTTP/1.1 ") else wire.CLOSED)
            except BlockingIOError:
                self.note("held")
            except (OSError, ValueError):
                self.note(wire.CLOSED)
            peer.close()

    def administrate(self, method: str, path: str, body: bytes = b"", seconds: float = 5) -> None:
        """One administrator among the attackers."""
        request = wire.head(method, path, f"Authorization: Bearer {self.token}",
                            f"Content-Length: {len(body)}") + body
        before = time.monotonic()
        status = wire.exchange(self.admin_port, request, ANSWER_SECONDS)
        late = time.monotonic() - before > seconds
        self.note(f"administrator {LATE if late else status}")


def trickle(peer: socket.socket, content: bytes) -> bool:
    """Sends what fits; false where the connection has ended."""
    try:
        peer.send(content)
        return True
    except BlockingIOError:
        return True
    except OSError:
        return False


ADMITTED = frozenset({"administrator 200"})


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    what: str
    # Statuses that are right for the attack's requests; one of `needed` must be among them.
    allowed: frozenset
    run: Callable[[Target], None]
    needed: frozenset = frozenset()
    options: tuple[str, ...] = ()
    state_size: str = ""
    stalls_log: bool = False
    # For attacks that cannot be tried otherwise than as root.
    needs_root: bool = False
    # Whether it says itself when it begins, once it has made what it sends.
    prepares: bool = False


class Attacks:
    def __init__(self) -> None:
        self.listed: list[Attack] = []

    def add(self, name: str, what: str, allowed: frozenset | set, **settings) -> Callable:
        def decorate(run: Callable[[Target], None]) -> Callable[[Target], None]:
            self.listed.append(Attack(name, what, frozenset(allowed), run, **settings))
            return run
        return decorate

    def post(self, name: str, what: str, allowed: frozenset | set, make: Callable[[], bytes], *,
             media_type: str = "application/octet-stream", at_once: int = 2,
             fields: tuple[str, ...] = (), **settings) -> None:
        """The same body again and again, on so many connections at once."""
        def run(target: Target) -> None:
            request = wire.post(make(), media_type, *fields)
            target.begin()
            target.crowd(at_once, lambda _: target.send(request))
        self.listed.append(Attack(
            name, what, frozenset(allowed), run, needed=frozenset(allowed), prepares=True,
            **settings))

    def __iter__(self) -> Iterator[Attack]:
        return iter(self.listed)
