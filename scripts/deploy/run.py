"""Starts the program as each manifest of deploy/ would have it, asks and ends it.

usage: run.py PROGRAM PROMETHEUS [CASE]

Without a case all of them run side by side, each in namespaces of its own where that is possible.
"""

import http.client
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import setups
import watching
from container import Container, Setup, confined, container, free_port, raise_loopback
from manual import ROOT, default, seconds

MODEL = ROOT / "Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
SAMPLE = (ROOT / "docs/sample.jpg").read_bytes()
CASES = (
    "base", "one-node", "fleet", "gitops", "kserve", "compose", "batch", "tls", "compose-tls")
BATCH_IMAGE_COUNT = 20
CLIENT_COUNT = 4
REQUEST_PAUSE = 0.05
# A machine that runs other things meanwhile is no reason to fail.
PATIENCE = 60
LINE_SECONDS = 30


class Missed(Exception):
    """Something that must hold does not."""


def is_encrypted(one: Container) -> bool:
    return "RESNETD_TLS_CERT" in one.setup.variables


def ask(port: int, path: str, body: bytes | None = None, timeout: float = PATIENCE, *,
        encrypted: bool):
    """Status and body of one answer on a connection of its own.

    A handshake that the server cuts is a refusal, for no request was sent yet."""
    if encrypted:
        # As the kubelet, which does not look at certificates.
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=timeout, context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST" if body else "GET", path, body, {"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def probe(one: Container, kind: str) -> int:
    """The status that a probe gets; 0 without an answer in its time."""
    what = one.setup.probes[kind]
    try:
        return ask(what["port"], what["path"], timeout=what["timeoutSeconds"],
                   encrypted=is_encrypted(one))[0]
    except OSError:
        return 0


def start(one: Container) -> float:
    """Seconds until the startup probe succeeds."""
    one.start()
    begin = time.monotonic()
    what = one.setup.probes["startup"]
    while time.monotonic() - begin < what["failureThreshold"] * what["periodSeconds"]:
        if one.process.poll() is not None:
            raise Missed(f"ended with {one.process.returncode} before it was ready")
        if probe(one, "startup") == 200:
            return time.monotonic() - begin
        time.sleep(0.1)
    raise Missed("the startup probe never succeeds")


def line(one: Container, message: str) -> dict:
    """The last line of the log with this message, which may come after what it tells of."""
    deadline = time.monotonic() + LINE_SECONDS
    while True:
        lines = one.log.read_text().splitlines()
        found = [text for text in lines if f'"message":"{message}"' in text]
        if found:
            return json.loads(found[-1])
        if time.monotonic() > deadline:
            raise Missed(f"no line {message} in the log")
        time.sleep(0.1)


def live(one: Container) -> dict:
    """The live model as the admin endpoint tells it to `kubectl exec`."""
    result = one.run("resnetd", "model", "status", "--json")
    if result.returncode != 0:
        raise Missed(f"resnetd model status: {result.stderr}")
    return json.loads(result.stdout)


def look(one: Container) -> None:
    """All that must hold of a server that has started."""
    for kind in ("liveness", "readiness"):
        if (status := probe(one, kind)) != 200:
            raise Missed(f"the {kind} probe gets {status}")
    encrypted = is_encrypted(one)
    if (status := ask(one.clients_port, "/classify", SAMPLE, encrypted=encrypted)[0]) != 200:
        raise Missed(f"/classify is answered {status}")
    if (status := ask(one.metrics_port, "/metrics", encrypted=encrypted)[0]) != 200:
        raise Missed(f"/metrics is answered {status}")
    if (status := ask(one.clients_port, "/metrics", encrypted=encrypted)[0]) != 404:
        raise Missed(f"/metrics on the clients' port is answered {status}")
    if (limit := line(one, "memory")["limit"]) != one.setup.memory:
        raise Missed(f"the program takes {limit} bytes for its limit, not {one.setup.memory}")
    workers = line(one, "ready")["workers"]
    if one.limits("cpu") and workers > one.setup.cores:
        raise Missed(f"{workers} workers on {one.setup.cores} cores")
    if (status := one.run("resnetd", "healthcheck").returncode) != 0:
        raise Missed(f"resnetd healthcheck ends with {status}")
    live(one)
    if confined():
        for folder in ("/", "/etc", "/usr/local/bin"):
            if one.run("touch", f"{folder}/written").returncode == 0:
                raise Missed(f"the program's user can write to {folder}")


class Clients:
    """Clients that ask one request after the other, each on a new connection."""

    def __init__(self, one: Container) -> None:
        self.port, self.encrypted = one.clients_port, is_encrypted(one)
        self.answers: list[int] = []
        self.faults: list[str] = []
        self.refused_at: list[float] = []
        self.threads = [threading.Thread(target=self.work) for _ in range(CLIENT_COUNT)]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        while True:
            try:
                self.answers.append(
                    ask(self.port, "/classify", SAMPLE, encrypted=self.encrypted)[0])
            except ConnectionRefusedError:
                self.refused_at.append(time.monotonic())
                return
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
                return
            time.sleep(REQUEST_PAUSE)


def drain(one: Container) -> str:
    """Ends a server under load: nobody may be refused who could not know, and nothing be lost."""
    delay = seconds(one.variables.get("RESNETD_DRAIN_DELAY", default("drain-delay")))
    clients = Clients(one)
    time.sleep(0.5)
    begin = time.monotonic()
    one.terminate()
    what = one.setup.probes["readiness"]
    noticed = begin + what["periodSeconds"] * what["failureThreshold"]
    if delay:
        time.sleep(0.2)
        if (status := probe(one, "readiness")) != 503:
            raise Missed(f"the readiness probe gets {status} after SIGTERM")
    status = one.process.wait(one.setup.grace_seconds)
    took = time.monotonic() - begin
    for thread in clients.threads:
        thread.join()
    if status != 0:
        raise Missed(f"ended with {status}")
    if clients.faults or set(clients.answers) != {200}:
        raise Missed(f"answers {set(clients.answers)}, faults {clients.faults}")
    # Nothing stands in front of a compose file's server.
    if not one.setup.name.startswith("compose") and min(clients.refused_at) < noticed:
        raise Missed("refused before a balancer could notice")
    count = len(clients.answers)
    return f"drained in {took:.1f} s of {one.setup.grace_seconds:.0f}, {count} answers"


class Store(http.server.BaseHTTPRequestHandler):
    """A bucket with one model; scripts/check-follow has one that checks signatures."""

    digest = ""
    unsigned = 0

    def do_GET(self) -> None:
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256"):
            Store.unsigned += 1
        answers = {
            "/models/resnetd/production/current.json": json.dumps(
                {"version": Store.digest, "file": "one.safetensors"}).encode(),
            "/models/resnetd/production/one.safetensors": MODEL.read_bytes()}
        body = answers.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_) -> None:
        pass


class Images(http.server.BaseHTTPRequestHandler):
    """The Job's bucket, `images`; scripts/check-batch has one that checks signatures."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes] = {}

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not query:
            return self.send(Images.objects.get(path.removeprefix("/images/")))
        prefix = urllib.parse.parse_qs(query)["prefix"][0]
        contents = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(body)}</Size></Contents>"
            for key, body in sorted(Images.objects.items()) if key.startswith(prefix))
        self.send(f"<ListBucketResult>{contents}</ListBucketResult>".encode())

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Images.objects[self.path.removeprefix("/images/")] = body
        self.send(b"")

    def send(self, body: bytes | None) -> None:
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_) -> None:
        pass


def digest() -> str:
    output = subprocess.run(["sha256sum", MODEL], capture_output=True, text=True, check=True)
    return output.stdout.split()[0]


def require_model(one: Container) -> None:
    found = live(one)
    # A folder's version is that of the file that `convert` makes of it.
    is_folder = one.setup.name == "kserve"
    if found["name"] != MODEL.stem or not (is_folder or found["digest"] == f"sha256:{digest()}"):
        raise Missed(f"the model that the manifest names is not live, but {found['name']}")


def serve_bucket(handler: type[http.server.BaseHTTPRequestHandler]) -> dict[str, str]:
    """The variables of a Secret, which lead to a bucket."""
    port = 9000 if confined() else free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def add_certificate(setup: Setup, folder: pathlib.Path) -> None:
    """What the Secret or the folder holds that the variables lead to."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=resnetd", "-addext", "subjectAltName=DNS:resnetd",
         "-keyout", key, "-out", certificate], check=True, capture_output=True)
    # The Secret's mode for its group.
    key.chmod(0o644)
    setup.files |= {
        setup.variables["RESNETD_TLS_CERT"]: certificate, setup.variables["RESNETD_TLS_KEY"]: key}


def setup_of(case: str, folder: pathlib.Path) -> Setup:
    """What an engine makes of a case's manifest; what others would provide is made in `folder`."""
    if case in ("tls", "compose-tls"):
        setup = setups.of_component(case) if case == "tls" else setups.of_compose_with_tls()
        add_certificate(setup, folder)
        return setup
    if case == "kserve":
        setup = setups.of_kserve()
        # A folder, as KServe's storage initialiser leaves it.
        setup.files[f"{setup.variables['RESNETD_MODEL']}/one.safetensors"] = MODEL
        return setup
    if case == "compose":
        return setups.of_compose()
    setup = setups.of_overlay("base" if case == "base" else f"overlays/{case}")
    if case == "gitops":
        setup.files[setup.variables["RESNETD_MODEL"]] = MODEL
    if case == "fleet":
        Store.digest = digest()
        setup.variables |= serve_bucket(Store)
    return setup


def push(one: Container, *options: str, content: bytes | None = None) -> None:
    """Has `resnetd model` upload a file that lies in the state volume; only a model is taken."""
    path = "/state/pushed.safetensors"
    one.inside(path).write_bytes(content or MODEL.read_bytes())
    operand = path if confined() else str(one.inside(path))
    result = one.run("resnetd", "model", "push", *options, operand)
    if (result.returncode == 0) != (content is None):
        raise Missed(f"resnetd model push ends with {result.returncode}: {result.stderr}")


def run_batch(program: pathlib.Path) -> None:
    """Runs the pods of the Job: every image must have a row, once."""
    names = [f"incoming/{index}.jpg" for index in range(BATCH_IMAGE_COUNT)]
    Images.objects = dict.fromkeys(names, SAMPLE) | {names[0]: SAMPLE[:100]}
    variables = serve_bucket(Images)
    for setup in setups.of_batch():
        setup.variables |= variables
        with container(setup, program) as one:
            one.start()
            if (status := one.process.wait(PATIENCE)) != 0:
                raise Missed(f"{setup.name} ended with {status}")
    parts = [body for key, body in Images.objects.items() if key.startswith("results/")]
    rows = [json.loads(line) for body in parts for line in body.splitlines()]
    if sorted(row["file"] for row in rows) != sorted(f"s3://images/{name}" for name in names):
        raise Missed(f"rows of {[row['file'] for row in rows]}")
    if len([row for row in rows if "error" in row]) != 1:
        raise Missed("not one row has an error")
    print(f"batch: {len(rows)} rows in {len(parts)} parts")


def run_case(case: str, program: pathlib.Path, prometheus: str) -> None:
    if confined():
        raise_loopback()
    if case == "batch":
        return run_batch(program)
    with (tempfile.TemporaryDirectory(prefix="resnetd-deploy-") as folder,
          container(setup_of(case, pathlib.Path(folder)), program) as one):
        ready = start(one)
        look(one)
        lines = [f"started in {ready:.1f} s"]
        if case in ("gitops", "kserve", "fleet"):
            require_model(one)
        if case == "base" and confined() and "RESNETD_PORT is ignored" not in one.log.read_text():
            raise Missed("nothing tells that the variables of a Service are ignored")
        if case == "fleet":
            if Store.unsigned:
                raise Missed("the store was asked without a signature")
            # A series of swaps begins with the first one.
            push(one, "--dry-run")
            with watching.prometheus(prometheus, one.metrics_port) as watcher:
                lines.append(watcher.check_served())
                push(one, content=b"not a model")
                watcher.await_alert("ResnetdSwapFailed")
                lines.append(drain(one))
                watcher.await_alert("ResnetdDown")
        elif case == "one-node":
            push(one)
            lines.append(drain(one))
            start(one)
            require_model(one)
            lines.append("what was pushed is live after a restart")
        else:
            lines.append(drain(one))
        print(f"{case}: {', '.join(lines)}")


def main() -> int:
    program, prometheus = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    if len(sys.argv) > 3:
        try:
            run_case(sys.argv[3], program, prometheus)
        except (Missed, watching.Missed) as missed:
            print(f"{sys.argv[3]}: {missed}")
            return 1
        return 0
    if not confined():
        print("no namespaces here: folders in place of volumes, any user, --memory-limit")
    prefix = ["unshare", "--mount", "--net", "--"] if confined() else []
    running = [
        subprocess.Popen([*prefix, sys.executable, __file__, program, prometheus, case],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
        for case in CASES]
    failed = False
    for process in running:
        output, _ = process.communicate()
        print(output, end="")
        failed |= process.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
