"""What is done to the admin endpoint, while an administrator must still get through."""

import pathlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import jpeg
import model_files
import wire
from attack import ADMITTED, BUSY, GONE, Attacks, Target

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks/swap"))
import variant  # noqa: E402

attacks = Attacks()
EMBEDDED = ROOT / "Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
REFUSED = frozenset({401, 403, 429, 503})
UNPROVED = frozenset({400, 409, 413, 422, 429, 503, 507})
STATE = ("--state-dir", "STATE", "--admin-token-file", "TOKEN")
OPEN = {"options": STATE, "needed": ADMITTED}


def upload(target: Target, content: bytes, length: int | None = None, query: str = "") -> bytes:
    return wire.head(
        "PUT", "/admin/model" + query, f"Authorization: Bearer {target.token}",
        f"Content-Length: {len(content) if length is None else length}") + content


def exchange_model(target: Target) -> None:
    """Makes another model live, so that there is one to go back to."""
    with tempfile.TemporaryDirectory() as folder:
        moved = pathlib.Path(folder) / "moved"
        variant.write(EMBEDDED, moved)
        wire.exchange(target.admin_port, upload(target, moved.read_bytes()), 30)


@attacks.add("admin connections", "64 that show no token and say nothing",
             ADMITTED | GONE | {401, 403, 408, "held"}, **OPEN)
def connections(target: Target) -> None:
    target.hold(32, b"", target.admin_port)
    target.hold(32, b"GET /admin/model HTTP/1.1\r\nHost: localhost\r\n", target.admin_port)
    while target.runs():
        target.administrate("GET", "/admin/model")
        target.rest(0.5)
    target.read_held()


@attacks.add("guessed tokens", "as many guesses as can be made, on 6 connections",
             ADMITTED | REFUSED | GONE, **OPEN)
def guesses(target: Target) -> None:
    def guess(number: int) -> None:
        if number == 0:
            target.administrate("GET", "/admin/model")
            target.rest(0.5)
        else:
            target.send(wire.head("GET", "/admin/model", f"Authorization: Bearer {number}"),
                        target.admin_port)
    target.crowd(7, guess)


@attacks.add("rollback during a proof", "a candidate whose golden picture is a million markers",
             ADMITTED | UNPROVED | GONE | {200, wire.SILENT}, **OPEN)
def proof(target: Target) -> None:
    exchange_model(target)
    content = model_files.with_golden(
        EMBEDDED.read_bytes(), jpeg.empty_segments(4_000_000))

    def propose() -> None:
        target.send(upload(target, content), target.admin_port)
    thread = threading.Thread(target=propose, daemon=True)
    thread.start()
    target.rest(1)
    target.administrate("GET", "/admin/model")
    target.administrate("POST", "/admin/rollback")
    target.rest(60)


@attacks.add("a full disk", "chunked uploads until nothing more fits, then a rollback",
             ADMITTED | UNPROVED | GONE, state_size="76m", needs_root=True, **OPEN)
def full_disk(target: Target) -> None:
    exchange_model(target)
    piece = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
    head = wire.head("PUT", "/admin/model", f"Authorization: Bearer {target.token}",
                     "Transfer-Encoding: chunked")
    peer = target.connect(target.admin_port)
    try:
        peer.sendall(head + piece * 24)
    except OSError:
        pass
    # Whatever it holds of the disk it holds still.
    target.administrate("POST", "/admin/rollback")
    target.administrate("GET", "/admin/versions")
    peer.close()
    target.rest(1)


@attacks.add("a stalled reader of the log", "nobody reads standard error; everybody makes lines",
             ADMITTED | BUSY | {200}, stalls_log=True, **OPEN)
def stalled_log(target: Target) -> None:
    exchange_model(target)
    request = wire.head("GET", "/livez", "X-Request-Id: " + "a" * 100)

    def ask(number: int) -> None:
        if number == 0:
            target.rest(0.5)
            # Each leaves lines of its own.
            target.administrate("POST", "/admin/rollback")
        else:
            target.send(request)
    target.crowd(4, ask)


@attacks.add("an upload that never ends", "8 of 2 GiB by a byte at a time",
             ADMITTED | UNPROVED | GONE | {408, 409, "held"}, **OPEN)
def endless(target: Target) -> None:
    exchange_model(target)
    start = upload(target, b"", 2 << 30)
    target.hold(8, start, target.admin_port)
    for turn in range(1_000_000):
        if not target.runs():
            break
        for peer in target.held:
            try:
                peer.send(b"x")
            except OSError:
                pass
        if turn % 20 == 0:
            target.administrate("POST", "/admin/rollback")
        target.rest(0.05)
    target.read_held()


@attacks.add("an upload of 1 GiB", "zeros, as fast as they are taken",
             ADMITTED | UNPROVED | GONE, **OPEN)
def large(target: Target) -> None:
    start, piece = upload(target, b"", 1 << 30), bytes(1 << 20)

    def send(number: int) -> None:
        if number == 0:
            target.rest(0.5)
            target.administrate("GET", "/admin/versions")
            return
        peer = target.connect(target.admin_port)
        if not peer:
            return
        with peer:
            try:
                peer.settimeout(10)
                peer.sendall(start)
                while target.runs():
                    peer.sendall(piece)
            except OSError:
                pass
            target.note(wire.CLOSED)
            time.sleep(0.1)
    target.crowd(2, send)


def bomb(name: str, make: Callable[[], bytes]) -> None:
    @attacks.add(f"model file: {name}", "uploaded again and again, with the right token",
                 ADMITTED | UNPROVED | GONE, prepares=True, **OPEN)
    def run(target: Target) -> None:
        request = upload(target, make())
        target.begin()

        def send(number: int) -> None:
            if number == 0:
                target.rest(0.5)
                target.administrate("GET", "/admin/model")
            else:
                target.send(request, target.admin_port)
        target.crowd(2, send)


for each, maker in model_files.HOSTILE.items():
    bomb(each, maker)
