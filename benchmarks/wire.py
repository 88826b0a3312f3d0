"""HTTP/1.1 as bytes on sockets of the loopback: whole exchanges, and connections that misbehave."""

import re
import socket
import struct

HOST = "127.0.0.1"
HEAD_END = b"\r\n\r\n"
RECEIVE_BYTE_COUNT = 1 << 16
# What became of a request without an answer.
CLOSED, SILENT, REFUSED = "closed", "silent", "refused"


def head(method: str, path: str, *fields: str, close: bool = True) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields]
    return "\r\n".join([*lines, *(["Connection: close"] if close else []), "", ""]).encode()


def post(body: bytes, media_type: str, *fields: str, close: bool = True) -> bytes:
    return head("POST", "/classify", f"Content-Type: {media_type}",
                f"Content-Length: {len(body)}", *fields, close=close) + body


def connect(port: int, seconds: float, source: str = "") -> socket.socket:
    """A connection, from another address of the loopback where there is a source."""
    peer = socket.socket()
    peer.settimeout(seconds)
    try:
        if source:
            # Ports are chosen by the whole of both addresses then.
            peer.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            peer.bind((source, 0))
        peer.connect((HOST, port))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        peer.close()
        raise
    return peer


def reset(peer: socket.socket) -> None:
    """Closes by RST, as a client does that has died."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Answers:
    """Reads the answers of a connection one after another."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer, self.received = peer, b""

    def fill(self) -> bool:
        more = self.peer.recv(RECEIVE_BYTE_COUNT)
        self.received += more
        return bool(more)

    def next(self, has_body: bool = True) -> int:
        """The next final answer's status; raises ConnectionError where the connection ends."""
        while True:
            while HEAD_END not in self.received:
                if not self.fill():
                    raise ConnectionResetError("ended before an answer")
            first, self.received = self.received.split(HEAD_END, 1)
            status = int(first.split(b" ", 2)[1])
            if status >= 200:
                break
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", first)
        wanted = int(length[1]) if length and has_body else 0
        while len(self.received) < wanted:
            if not self.fill():
                raise ConnectionResetError("ended in the middle of an answer")
        self.received = self.received[wanted:]
        return status


def exchange(port: int, request: bytes, seconds: float, source: str = "") -> int | str:
    """The status of one request on a connection of its own, or what became of it."""
    try:
        peer = connect(port, seconds, source)
    except ConnectionRefusedError:
        return REFUSED
    except TimeoutError:
        return SILENT
    except OSError:
        return CLOSED
    with peer:
        answers = Answers(peer)
        try:
            try:
                peer.sendall(request)
            except ConnectionError:
                pass  # It may have answered before all was sent.
            return answers.next()
        except TimeoutError:
            return SILENT
        except OSError:
            return CLOSED
