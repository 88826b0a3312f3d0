"""Clients that ask for the sample's classes and check every answer against what its model says."""

import collections
import http.client
import json
import pathlib
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "docs/sample.jpg").read_bytes()
# Batches of other sizes may round otherwise in the last bits.
PROBABILITY_TOLERANCE = 1e-3


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None):
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


class Answer:
    """What a server said of the sample."""

    def __init__(self, text: bytes) -> None:
        parsed = json.loads(text)
        self.version = parsed["model"]["version"]
        self.predictions = [
            (entry["class"], entry["probability"]) for entry in parsed["predictions"]]

    def agrees(self, other: "Answer") -> bool:
        return [number for number, _ in self.predictions[:1]] == [
            number for number, _ in other.predictions[:1]] and all(
            abs(mine - theirs) <= PROBABILITY_TOLERANCE for (_, mine), (_, theirs)
            in zip(self.predictions, other.predictions, strict=True))


class Load:
    """Clients that each wait for their answer before they ask again, on connections that stay."""

    def __init__(
            self, host: str, port: int, second_limit: float, connection_count: int,
            references: dict[str, Answer]) -> None:
        self.host, self.port, self.second_limit = host, port, second_limit
        self.references = references
        self.times: list[float] = []
        self.failures: collections.Counter = collections.Counter()
        self.versions: collections.Counter = collections.Counter()
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(connection_count)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ends.set()
        for thread in self.threads:
            thread.join()

    def work(self) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.second_limit)
        while not self.ends.is_set():
            start = time.perf_counter()
            try:
                status, text = ask(connection, "POST", "/classify", SAMPLE)
            except (OSError, http.client.HTTPException) as failure:
                self.failures[type(failure).__name__] += 1
                connection.close()
                continue
            self.times.append(time.perf_counter() - start)
            if status != 200:
                self.failures[str(status)] += 1
                continue
            answer = Answer(text)
            self.versions[answer.version] += 1
            expected = self.references.get(answer.version)
            if expected is None or not answer.agrees(expected):
                self.failures["inconsistent"] += 1
        connection.close()
