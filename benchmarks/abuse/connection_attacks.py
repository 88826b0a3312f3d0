"""Connections and heads: many, slow, endless, malformed."""

import os
import random
import socket
import time

import jpeg
import wire
from attack import BUSY, GONE, Attacks, Target, trickle

attacks = Attacks()
HELD = frozenset({"held"})
CONNECTION_LIMIT = 10_000
STEP_SECONDS = 1.0

# MARK: Many


@attacks.add("pipelined metrics", "1,800 GET /metrics in one packet on 10 connections",
             GONE | BUSY | {200, 404, wire.SILENT}, needed=frozenset({200, 404}))
def pipelined(target: Target) -> None:
    request = wire.head("GET", "/metrics", close=False) * 1_800

    def converse(_: int) -> None:
        peer = target.connect()
        if not peer:
            return
        with peer:
            answers = wire.Answers(peer)
            try:
                peer.settimeout(10)
                peer.sendall(request)
                for _ in range(1_800):
                    if not target.runs():
                        return
                    target.note(answers.next())
            except TimeoutError:
                target.note(wire.SILENT)
            except OSError:
                target.note(wire.CLOSED)
    target.crowd(10, converse)


@attacks.add("a full table", "more idle connections than there may be", HELD | GONE | {408})
def idle(target: Target) -> None:
    target.hold(CONNECTION_LIMIT + 500, b"")
    target.rest(60)
    target.read_held()


@attacks.add("a full table of heads", "more unfinished heads than there may be connections",
             HELD | GONE | BUSY | {408})
def table_of_heads(target: Target) -> None:
    target.hold(CONNECTION_LIMIT + 500, b"GET /livez HTTP/1.1\r\nHost: a\r\n")
    target.rest(60)
    target.read_held()


@attacks.add("5,000 slow heads", "each with one more line a second", HELD | GONE | {408, 431})
def slow_heads(target: Target) -> None:
    target.hold(5_000, b"GET /livez HTTP/1.1\r\nHost: a\r\n")
    while target.runs():
        for peer in target.held:
            trickle(peer, b"A: " + b"b" * 200 + b"\r\n")
        target.rest(STEP_SECONDS)
    target.read_held()


@attacks.add("connection churn", "connections that come and go without a word", {"gone"})
def churn(target: Target) -> None:
    def come_and_go(number: int) -> None:
        peer = target.connect()
        if peer:
            wire.reset(peer) if number % 2 else peer.close()
            target.note("gone")
    target.crowd(8, come_and_go)


@attacks.add("half-closed requests", "clients that say that they have nothing more to send",
             BUSY | {200}, needed=frozenset({200}))
def half_closed(target: Target) -> None:
    def ask(_: int) -> None:
        peer = target.connect()
        if not peer:
            return
        with peer:
            try:
                peer.sendall(wire.head("GET", "/livez"))
                peer.shutdown(socket.SHUT_WR)
                target.note(wire.Answers(peer).next())
            except OSError:
                target.note(wire.CLOSED)
    target.crowd(8, ask)


# MARK: Answers


@attacks.add("answers never read", "200 connections that ask for 1,000 answers and read none",
             HELD | GONE | {200, 404})
def unread(target: Target) -> None:
    request = wire.head("GET", "/metrics", close=False) * 500 \
        + wire.head("GET", "/", close=False) * 500
    target.hold(200, b"")
    rest = {peer: memoryview(request) for peer in target.held}
    while target.runs():
        for peer, left in rest.items():
            try:
                if left:
                    rest[peer] = left[peer.send(left):]
            except OSError:
                pass
        target.rest(0.02)
    target.read_held()


@attacks.add("answers read slowly", "500 connections that take a byte a second of 100 answers",
             HELD | GONE)
def read_slowly(target: Target) -> None:
    target.hold(500, wire.head("GET", "/", close=False) * 100)
    gone = set()
    while target.runs():
        for peer in target.held:
            try:
                if peer not in gone and not peer.recv(1):
                    gone.add(peer)
            except BlockingIOError:
                pass
            except OSError:
                gone.add(peer)
        target.rest(STEP_SECONDS)
    for peer in target.held:
        target.note(wire.CLOSED if peer in gone else "held")
        peer.close()


@attacks.add("aborted answers", "clients that have died before their answer", {"aborted"})
def aborted(target: Target) -> None:
    requests = [wire.post(jpeg.photograph(), "image/jpeg"), wire.head("GET", "/metrics")]

    def abort(number: int) -> None:
        peer = target.connect()
        if peer:
            try:
                peer.sendall(requests[number % 2])
                if random.random() < 0.3:
                    peer.recv(1)
            except OSError:
                pass
            wire.reset(peer)
            target.note("aborted")
    target.crowd(8, abort)


@attacks.add("aborted heavy work", "clients that leave once their picture is being decoded",
             {"aborted"})
def aborted_work(target: Target) -> None:
    request = wire.post(jpeg.progressive(6320, 1, 100), "image/jpeg")

    def abort(_: int) -> None:
        peer = target.connect()
        if peer:
            try:
                peer.sendall(request)
            except OSError:
                pass
            time.sleep(0.05)
            wire.reset(peer)
            target.note("aborted")
    target.crowd(6, abort)


# MARK: Heads


def flood(name: str, what: str, allowed: frozenset | set, request: bytes, at_once: int = 6) -> None:
    attacks.add(name, what, allowed, needed=frozenset(allowed))(
        lambda target: target.crowd(at_once, lambda _: target.send(request)))


flood("many headers", "99 lines that fill all of what a head may have", BUSY | {200},
      wire.head("GET", "/livez", *[f"A{number}: " + "b" * 300 for number in range(95)]))
flood("too many headers", "10,000 lines", {431} | GONE,
      wire.head("GET", "/livez", *["A: b"] * 10_000))
flood("a header without an end", "one line of 4 MB", {431} | GONE,
      wire.head("GET", "/livez", "A: " + "b" * 4_000_000))
flood("folded headers", "lines that go on in the next one", {400},
      b"GET /livez HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n")
flood("a long target", "a request line of 100 KB", {414} | GONE,
      wire.head("GET", "/" + "a" * 100_000))
flood("a long query", "2,000 parameters of one name", {400, 414} | GONE, wire.post(
    jpeg.flat(64, 64), "image/jpeg").replace(b"/classify", b"/classify?" + b"top_k=1&" * 1_000))
flood("two lengths", "Content-Length and Transfer-Encoding at once", {400}, wire.head(
    "POST", "/classify", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n")
flood("another protocol", "the preface of HTTP/2", {400, 505},
      b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
flood("random bytes", "64 KB that are not HTTP", {400, 414, 431, 505} | GONE,
      os.urandom(65_536).replace(b"\n", b"x") + b"\r\n\r\n")
flood("a body to nowhere", "32 MiB sent to a path that takes none",
      BUSY | GONE | {400, 404, 405, 413}, wire.head(
          "POST", "/livez", f"Content-Length: {32 << 20}") + bytes(1 << 20), at_once=4)


@attacks.add("HTTP/1.0 keep-alive", "old clients that stay", GONE | BUSY | {200, 505},
             needed=frozenset({200, 505}))
def old_clients(target: Target) -> None:
    request = b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

    def converse(_: int) -> None:
        peer = target.connect()
        if not peer:
            return
        with peer:
            answers = wire.Answers(peer)
            try:
                while target.runs():
                    peer.sendall(request)
                    target.note(answers.next())
            except OSError:
                target.note(wire.CLOSED)
    target.crowd(6, converse)
