"""Bodies that are expensive to hold, to wait for or to read."""

import json
import time

import jpeg
import wire
from attack import ANSWER_SECONDS, BAD, BUSY, GONE, HEAVY, LATE, Attacks, Target

attacks = Attacks()
MIB = 1 << 20
BODY_LIMIT = 32 * MIB
JSON = "application/json"
FORM = "multipart/form-data; boundary="
REFUSED = BUSY | {400, 413}

# MARK: JSON

attacks.post("JSON of numbers", '33 MB of {"a":[1,1,…]}', REFUSED,
             lambda: b'{"a":[' + b"1," * 16_500_000 + b"1]}", media_type=JSON)
attacks.post("JSON of empty strings", '32 MiB of {"images":["","",…]}', REFUSED,
             lambda: b'{"images":[' + b'"",' * ((BODY_LIMIT - 20) // 3) + b'""]}',
             media_type=JSON)
attacks.post("JSON nesting", "16 million brackets", REFUSED,
             lambda: b'{"images":' + b"[" * 16_000_000, media_type=JSON)
attacks.post("JSON objects", "two million objects within each other", REFUSED,
             lambda: b'{"a":' * 2_000_000 + b"1" + b"}" * 2_000_000, media_type=JSON)
attacks.post("JSON escapes", "a string of five million escaped characters", BUSY | BAD,
             lambda: b'{"image":"' + b"\\u0041" * 5_000_000 + b'"}', media_type=JSON)
attacks.post("JSON keys", "a million members of other names", REFUSED, lambda: json.dumps(
    {f"key {number}": number for number in range(1_000_000)}).encode(), media_type=JSON)
attacks.post("base64 garbage", "32 MB of characters that base64 has not", BUSY | BAD,
             lambda: b'{"image":"' + b"!*" * 16_000_000 + b'"}', media_type=JSON)
attacks.post("base64 zeros", "32 MB of base64 that is not a picture", BUSY | BAD,
             lambda: b'{"image":"' + b"AAAA" * 8_000_000 + b'"}', media_type=JSON)

# MARK: Forms


def part(content: bytes, boundary: str, name: str = "image") -> bytes:
    return (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n').encode() \
        + content + b"\r\n"


def parts(count: int) -> bytes:
    return part(b"x", "b") * count + b"--b--\r\n"


def nearly() -> bytes:
    """A boundary of 70 characters, whose first 69 come again and again at the start of a line."""
    boundary = "a" * 70
    near = b"\r\n--" + b"a" * 69
    return part(near * (30 * MIB // len(near)), boundary) + f"--{boundary}--\r\n".encode()


attacks.post("10,000 parts", "a form of many small parts", REFUSED, lambda: parts(10_000),
             media_type=FORM + "b", at_once=4)
attacks.post("nearly the boundary", "30 MiB of all but its last character", REFUSED | {200, 415},
             nearly, media_type=FORM + "a" * 70)
attacks.post("lines of a form", "30 MiB of empty lines before the first boundary", REFUSED,
             lambda: b"\r\n" * (15 * MIB), media_type=FORM + "b")
attacks.post("a part's header", "a header of 30 MiB", REFUSED,
             lambda: b"--b\r\nContent-Disposition: " + b"x" * (30 * MIB) + b"\r\n\r\n--b--",
             media_type=FORM + "b")
attacks.post("64 heavy parts", "a form of 64 progressive pictures", HEAVY,
             lambda: b"".join(part(jpeg.progressive(3000, 1, 9), "b") for _ in range(64))
             + b"--b--\r\n", media_type=FORM + "b")

# MARK: Bodies that take their time


@attacks.add("held bodies", "14 connections that each hold 31 MB of an unfinished body",
             BUSY | GONE | {408, 413, 504, "held"})
def held(target: Target) -> None:
    start = wire.head("POST", "/classify", f"Content-Length: {BODY_LIMIT}")
    content = memoryview(bytes(31_000_000))
    peers = [[peer, 0] for _ in range(14) if (peer := target.connect())]
    for entry in peers:
        entry[0].settimeout(0)
        target.held.append(entry[0])
        entry[0].send(start)
    while target.runs():
        for entry in peers:
            try:
                entry[1] += entry[0].send(content[entry[1]:entry[1] + MIB])
            except OSError:
                pass
        time.sleep(0.002)
    target.read_held()


def slow_body(target: Target, step: bytes, pause: float, deadline: float) -> None:
    """A body in small steps, until an answer comes."""
    peer = target.connect()
    if not peer:
        return
    start = time.monotonic()
    with peer:
        peer.settimeout(pause)
        peer.sendall(wire.head("POST", "/classify", f"Content-Length: {MIB}"))
        while time.monotonic() < min(target.end, start + ANSWER_SECONDS):
            try:
                first = peer.recv(4096)
                late = time.monotonic() - start > deadline + 0.5
                target.note(LATE if late else int(first[9:12]) if first else wire.CLOSED)
                return
            except TimeoutError:
                pass
            except OSError:
                break
            try:
                peer.sendall(step)
            except OSError:
                # The answer may still be there to be read.
                continue
        target.note(LATE if time.monotonic() - start > deadline + 0.5 else "held")


@attacks.add("a body at 1 KB/s", "16 of them, with a --request-timeout of 2 s",
             BUSY | {408, 504, "held"}, needed=frozenset({408, 504}),
             options=("--request-timeout", "2s"))
def slowly(target: Target) -> None:
    target.crowd(16, lambda _: slow_body(target, bytes(102), 0.1, 2))


@attacks.add("Expect without a body", "500 clients that wait for 100 and send nothing",
             BUSY | GONE | {100, 408, 413, "held"})
def expecting(target: Target) -> None:
    target.hold(500, wire.head(
        "POST", "/classify", f"Content-Length: {BODY_LIMIT}", "Expect: 100-continue"))
    target.rest(60)
    target.read_held()


@attacks.add("one-byte chunks", "four streams of chunks of one byte",
             GONE | BUSY | {400, 408, 413, 504, 415, "held"})
def tiny_chunks(target: Target) -> None:
    start = wire.head("POST", "/classify", "Transfer-Encoding: chunked")
    chunks = b"1\r\nx\r\n" * 10_000

    def stream(_: int) -> None:
        peer = target.connect()
        if not peer:
            return
        with peer:
            try:
                peer.sendall(start)
                while target.runs():
                    peer.sendall(chunks)
                target.note("held")
            except OSError:
                target.note(wire.CLOSED)
    target.crowd(4, stream)


@attacks.add("chunk extensions", "chunks whose extension is a megabyte", GONE | {400, 413, 431},
             needed=GONE | {400, 413, 431})
def extensions(target: Target) -> None:
    request = wire.head("POST", "/classify", "Transfer-Encoding: chunked") \
        + b"1;a=" + b"x" * MIB + b"\r\nx\r\n0\r\n\r\n"
    target.crowd(4, lambda _: target.send(request))


@attacks.add("trailers", "100,000 trailer lines after an empty body", GONE | {400, 413, 431},
             needed=GONE | {400, 413, 431})
def trailers(target: Target) -> None:
    request = wire.head("POST", "/classify", "Transfer-Encoding: chunked") \
        + b"0\r\n" + b"A: b\r\n" * 100_000 + b"\r\n"
    target.crowd(4, lambda _: target.send(request))


attacks.post("a body that is compressed", "gzip of 1 GiB of zeros, named as such", BUSY | {415},
             lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(MIB), fields=("Content-Encoding: gzip",))
