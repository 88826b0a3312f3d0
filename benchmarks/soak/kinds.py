"""The connections of a soak, each kind with what may become of it and how often it comes."""

import base64
import dataclasses
import pathlib
import random
import socket
from collections.abc import Callable

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "docs/sample.jpg").read_bytes()
FIXTURES = ROOT / "Tests/ImagingTests/Fixtures"
SMALL = [(FIXTURES / name).read_bytes()
         for name in ("baseline-420.jpg", "grey-8.png", "lossy.webp", "one-pixel.png")]
ANSWER_SECONDS = 30
PIPELINED_COUNT = 8
KEPT_COUNT = 4
# A server that limits connections by address sees these; their ports are not used up either.
SOURCES = [f"127.0.0.{number}" for number in range(2, 18)]
ABORTED = "aborted"


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    weight: int
    run: Callable[[int, random.Random], int | str]
    allowed: frozenset = frozenset({200})


def ask(request: bytes) -> Callable[[int, random.Random], int | str]:
    return lambda port, randomness: wire.exchange(
        port, request, ANSWER_SECONDS, randomness.choice(SOURCES))


def picture(port: int, randomness: random.Random) -> int | str:
    return ask(wire.post(randomness.choice(SMALL), "application/octet-stream"))(port, randomness)


def listed(port: int, randomness: random.Random) -> int | str:
    texts = [base64.b64encode(each).decode() for each in randomness.sample(SMALL, 2)]
    body = '{"images": ["' + '", "'.join(texts) + '"]}'
    return ask(wire.post(body.encode(), "application/json"))(port, randomness)


def several(port: int, randomness: random.Random, requests: bytes, count: int) -> int | str:
    """Several requests on one connection, which is then closed by this side."""
    try:
        with wire.connect(port, ANSWER_SECONDS, randomness.choice(SOURCES)) as peer:
            answers = wire.Answers(peer)
            peer.sendall(requests)
            statuses = {answers.next() for _ in range(count)}
            return statuses.pop() if len(statuses) == 1 else str(sorted(statuses))
    except ConnectionRefusedError:
        return wire.REFUSED
    except TimeoutError:
        return wire.SILENT
    except OSError:
        return wire.CLOSED


def pipelined(port: int, randomness: random.Random) -> int | str:
    return several(port, randomness, wire.head("GET", "/livez", close=False) * PIPELINED_COUNT,
                   PIPELINED_COUNT)


def kept(port: int, randomness: random.Random) -> int | str:
    request = wire.post(randomness.choice(SMALL), "image/png", close=False)
    return several(port, randomness, request * KEPT_COUNT, KEPT_COUNT)


def damaged(port: int, randomness: random.Random) -> int | str:
    body = randomness.choice([SAMPLE, *SMALL[:3]])
    match randomness.randrange(3):
        case 0: body = body[:randomness.randrange(1, len(body) - 1)]
        case 1:
            changed = bytearray(body)
            for _ in range(randomness.randrange(1, 32)):
                changed[randomness.randrange(len(changed))] = randomness.randrange(256)
            body = bytes(changed)
        case 2: body = b"GIF89a" + randomness.randbytes(200)
    return ask(wire.post(body, "image/jpeg"))(port, randomness)


def malformed(port: int, randomness: random.Random) -> int | str:
    request = randomness.choice([
        b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        wire.head("GET", "/", "A: " + "a" * 40_000), wire.head("GET", "/" + "a" * 9_000),
        wire.head("POST", "/classify", "Content-Length: 99999999999")])
    return ask(request)(port, randomness)


def aborted(port: int, randomness: random.Random) -> int | str:
    """RST in the middle of a head, a body or an answer."""
    request = wire.post(randomness.choice([SAMPLE, *SMALL]), "image/jpeg")
    body_start = request.index(wire.HEAD_END) + len(wire.HEAD_END)
    end = randomness.choice([
        randomness.randrange(1, body_start), randomness.randrange(body_start, len(request)),
        len(request)])
    try:
        peer = wire.connect(port, ANSWER_SECONDS, randomness.choice(SOURCES))
        peer.sendall(request[:end])
        if end == len(request) and randomness.random() < 0.5:
            peer.recv(16)
        wire.reset(peer)
    except ConnectionRefusedError:
        return wire.REFUSED
    except OSError:
        return wire.CLOSED
    return ABORTED


def half_closed(port: int, randomness: random.Random) -> int | str:
    """A client that has nothing more to send still gets its answer."""
    try:
        with wire.connect(port, ANSWER_SECONDS, randomness.choice(SOURCES)) as peer:
            peer.sendall(wire.post(SAMPLE, "image/jpeg"))
            peer.shutdown(socket.SHUT_WR)
            return wire.Answers(peer).next()
    except ConnectionRefusedError:
        return wire.REFUSED
    except OSError:
        return wire.CLOSED


REFUSED_PICTURE = frozenset({200, 400, 413, 415})
KINDS = [
    Kind("probe", 44, ask(wire.head("GET", "/livez"))),
    Kind("readiness", 10, ask(wire.head("GET", "/readyz"))),
    Kind("metrics", 2, ask(wire.head("GET", "/metrics"))),
    Kind("picture", 10, picture),
    Kind("sample", 4, ask(wire.post(SAMPLE, "image/jpeg"))),
    Kind("json", 3, listed),
    Kind("pipelined", 4, pipelined),
    Kind("kept", 3, kept),
    Kind("half-closed", 2, half_closed),
    Kind("bad picture", 6, damaged, REFUSED_PICTURE),
    Kind("bad request", 4, malformed, frozenset({400, 413, 414, 431, 505})),
    # The one kind that asks for a 5xx: its deadline has passed before anything could answer.
    Kind("deadline", 1, ask(wire.post(SAMPLE, "image/jpeg", "X-Request-Timeout-Ms: 1")),
         frozenset({200, 504})),
    Kind("aborted", 7, aborted, frozenset({ABORTED})),
]
