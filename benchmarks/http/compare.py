"""Loads the server at RESNETD_URL and an nginx of its own in turns, with one thread of wrk.

Prints medians and their ratio as a Markdown table; exits with 1 when the bar is missed. The ratio
is taken within a round, so that a slow minute of a shared machine hits both alike.
"""

import argparse
import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

RATIO_BAR = 0.5
READY_SECOND_LIMIT = 10
PATH = "/livez"

# One worker; nothing is logged, as resnetd logs no probe. Connections stay open throughout.
CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  default_type text/plain;
  open_file_cache max=10;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}/root; }}
}}
"""


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def body(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=READY_SECOND_LIMIT) as answer:
        return answer.read()


@contextlib.contextmanager
def nginx(content: bytes):
    """The address of an nginx that serves `content` at PATH until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # Its worker may be another user.
        folder.chmod(0o755)
        (folder / "root").mkdir()
        (folder / "root" / PATH.lstrip("/")).write_bytes(content)
        port = free_port()
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
        process = subprocess.Popen(
            ["nginx", "-c", str(configuration), "-e", str(folder / "error.log")])
        try:
            yield await_ready(process, f"http://127.0.0.1:{port}", content)
        finally:
            process.terminate()
            process.wait(READY_SECOND_LIMIT)


def await_ready(process: subprocess.Popen, url: str, content: bytes) -> str:
    deadline = time.monotonic() + READY_SECOND_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if body(url + PATH) == content:
                return url
        time.sleep(0.02)
    raise RuntimeError("nginx did not start")


def requests_per_second(url: str, options) -> float:
    command = [
        "wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", url + PATH]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=options.seconds + 30)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()

    ours = os.environ["RESNETD_URL"]
    rates: dict[str, list[float]] = {"resnetd": [], "nginx": []}
    with nginx(body(ours + PATH)) as theirs:
        addresses = {"resnetd": ours, "nginx": theirs}
        for turn in range(options.rounds):
            # Whoever runs first after a pause may be at an advantage: the order alternates.
            for name in sorted(addresses, reverse=turn % 2 == 0):
                rates[name].append(requests_per_second(addresses[name], options))
    ratio = statistics.median(a / b for a, b in zip(rates["resnetd"], rates["nginx"]))
    print("| resnetd, requests/s | nginx, requests/s | ratio | bar |")
    print("|---|---|---|---|")
    medians = (statistics.median(rates[name]) for name in ("resnetd", "nginx"))
    print(f"| {' | '.join(f'{rate:,.0f}' for rate in medians)} | {ratio:.2f} | {RATIO_BAR:.2f} |")
    return 0 if ratio >= RATIO_BAR else 1


if __name__ == "__main__":
    sys.exit(main())
