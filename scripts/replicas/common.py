"""What tests of several servers behind nginx share: processes, waiting, nginx."""

import argparse
import contextlib
import http.client
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
REPLICA_COUNT = 3
START_SECOND_LIMIT = 30

NGINX_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_max_body_size 32m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream replicas {{
{servers}
    keepalive 32;
    keepalive_requests 1000000;
  }}
  server {{
    listen {host}:{port};
    location / {{
      proxy_pass {scheme}://replicas;
{trust}
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream {next};
    }}
  }}
}}
"""


class Missed(Exception):
    """Something that must hold does not."""


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


def ask(
    port: int, method: str, path: str, body: bytes | None = None,
    trust: ssl.SSLContext | None = None,
) -> tuple[int, bytes]:
    """The status and body of an answer; over TLS where it is said whom to trust."""
    if trust:
        connection = http.client.HTTPSConnection(
            HOST, port, timeout=START_SECOND_LIMIT, context=trust)
    else:
        connection = http.client.HTTPConnection(HOST, port, timeout=START_SECOND_LIMIT)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def await_that(what: str, seconds: float, condition) -> float:
    """Seconds until the condition held; OSErrors are taken as not yet."""
    start = time.monotonic()
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if condition():
                return time.monotonic() - start
        if time.monotonic() - start > seconds:
            raise Missed(f"not within {seconds} s: {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def process(command: list, log: pathlib.Path, **options):
    """A program that runs until the block ends; its log is shown where something was missed."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, **options)
    try:
        yield running
    except BaseException:
        print(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-40:]), file=sys.stderr)
        raise
    finally:
        if running.poll() is None:
            running.terminate()
            try:
                running.wait(START_SECOND_LIMIT)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def write_nginx(
    folder: pathlib.Path, port: int, servers: list[int], authority: pathlib.Path | None,
    asks_others: bool,
) -> None:
    lines = "\n".join(f"    server {HOST}:{server} max_fails=0;" for server in servers)
    trust = ""
    if authority:
        trust = (f"      proxy_ssl_trusted_certificate {authority};\n      proxy_ssl_verify on;\n"
                 "      proxy_ssl_name localhost;\n      proxy_ssl_server_name on;")
    (folder / "nginx.conf").write_text(NGINX_CONFIGURATION.format(
        folder=folder, host=HOST, port=port, servers=lines, trust=trust,
        scheme="https" if authority else "http",
        next="error http_503 non_idempotent" if asks_others else "off"))


@contextlib.contextmanager
def nginx(
    program: str, folder: pathlib.Path, servers: list[int],
    authority: pathlib.Path | None = None, asks_others: bool = False,
):
    """The port of an nginx in front of the servers on these ports.

    With an authority it asks them over TLS, and they must show a certificate of it. It asks another
    one where a connection fails or a server is not ready, if that is wanted; else nothing hides
    what a server does not answer.
    """
    folder.mkdir()
    port = free_port()
    write_nginx(folder, port, servers, authority, asks_others)
    options = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        options = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    command = [program, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    with process(command, folder.with_suffix(".log"), **options):
        await_that("nginx", START_SECOND_LIMIT, lambda: ask(port, "GET", "/livez")[0] == 200)
        yield port


def main(name: str, check, counted: str, count: int) -> int:
    """Runs a check in a folder of its own; returns the exit code.

    `counted` is its option beside the number of connections, with a default.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("nginx")
    parser.add_argument(f"--{counted}", type=int, default=count)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        # nginx may be another user.
        folder.chmod(0o755)
        try:
            check(arguments, folder)
        except Missed as missed:
            print(f"{name}: {missed}", file=sys.stderr)
            return 1
    return 0
