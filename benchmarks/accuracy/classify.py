"""Classifies every picture below a folder through the server at RESNETD_URL and counts.

The folder holds one folder per class; class indices follow their alphabetical order.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import sys
import time
import urllib.parse

CONNECTIONS = 4
REQUEST_SECOND_LIMIT = 30
# The server may end a connection after a number of requests; a fresh one goes on.
ATTEMPT_LIMIT = 2


class Client:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(
            parts.hostname, parts.port, timeout=REQUEST_SECOND_LIMIT)

    def classify(self, picture: bytes) -> int:
        """The index of the likeliest class."""
        for attempt in range(1, ATTEMPT_LIMIT + 1):
            try:
                self.connection.request("POST", "/classify?top_k=1", body=picture,
                                        headers={"Content-Type": "image/jpeg"})
                response = self.connection.getresponse()
                body = response.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()
                if attempt == ATTEMPT_LIMIT:
                    raise
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {body.decode(errors='replace')}")
        return json.loads(body)["predictions"][0]["class"]


def correct_count(url: str, pictures: list[tuple[int, pathlib.Path]]) -> int:
    client = Client(url)
    return sum(client.classify(path.read_bytes()) == label for label, path in pictures)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--expect", type=int, help="number of right answers expected")
    parser.add_argument("--within", type=int, default=5, help="how far it may be off (default 5)")
    parser.add_argument("--at-least", type=int, help="number of right answers at least")
    options = parser.parse_args()

    classes = sorted(path.name for path in options.folder.iterdir() if path.is_dir())
    pictures = [(label, path) for label, name in enumerate(classes)
                for path in sorted((options.folder / name).glob("*.jpg"))]
    if not pictures:
        print(f"no pictures in {options.folder}", file=sys.stderr)
        return 1
    url = os.environ["RESNETD_URL"]
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [pictures[index::CONNECTIONS] for index in range(CONNECTIONS)]
        correct = sum(pool.map(correct_count, [url] * CONNECTIONS, shares))
    seconds = time.perf_counter() - start
    print(f"{correct} of {len(pictures)} right ({100 * correct / len(pictures):.2f} %), "
          f"{len(pictures) / seconds:.0f} pictures/s over {CONNECTIONS} connections")
    if options.expect is not None and abs(correct - options.expect) > options.within:
        print(f"expected {options.expect} within {options.within}", file=sys.stderr)
        return 1
    if options.at_least is not None and correct < options.at_least:
        print(f"expected at least {options.at_least}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
