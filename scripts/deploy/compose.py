"""Compose files against their schema, and what this project promises about its services."""

import json
import pathlib

import jsonschema
import yaml

import manual
import pods
from manual import ROOT, byte_count

DEPLOY = ROOT / "deploy"
FILES = ("compose.yaml", "compose.monitoring.yaml")
# What changes the server of the first one.
TLS = "compose.tls.yaml"


def read(name: str) -> dict:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def services() -> dict:
    return {name: one for file in FILES for name, one in read(file)["services"].items()}


def volumes() -> dict:
    return {name: one for file in FILES for name, one in (read(file).get("volumes") or {}).items()}


def service_complaints(name: str, service: dict) -> list[str]:
    complaints = []
    if service.get("read_only") is not True:
        complaints.append(f"{name}: the root filesystem is writable")
    if service.get("cap_drop") != ["ALL"]:
        complaints.append(f"{name}: capabilities are kept")
    if "no-new-privileges:true" not in service.get("security_opt", []):
        complaints.append(f"{name}: privileges may escalate")
    if byte_count(service.get("mem_limit")) < pods.MEMORY_MINIMUM:
        complaints.append(f"{name}: mem_limit of less than 256m, or none")
    for field in ("user", "pids_limit", "cpus", "healthcheck", "stop_grace_period", "restart"):
        if field not in service:
            complaints.append(f"{name}: no {field}")
    if service["image"] != "resnetd" and ":" not in service["image"]:
        complaints.append(f"{name}: no version of its image")
    mounts = [mount.split(":") for mount in service.get("volumes", [])]
    for source, *_ in mounts:
        if source.startswith("."):
            if not (DEPLOY / source).is_file():
                complaints.append(f"{name}: no file {source}")
        elif source not in volumes():
            complaints.append(f"{name}: no volume {source}")
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            complaints.append(f"{name}: port {port} is open to the network")
    complaints += [
        f"{name}: depends on {other}, which is not there"
        for other in service.get("depends_on", []) if other not in services()]
    if service["image"] == "resnetd":
        writable = [mount[1] for mount in mounts if "ro" not in mount[2:]]
        writable += [mount.split(":")[0] for mount in service.get("tmpfs", [])]
        complaints += pods.variable_complaints(name, service.get("environment", {}), writable)
    return complaints


def scrape_complaints() -> list[str]:
    """Prometheus must ask the server's port, Grafana ask Prometheus and find the dashboard."""
    complaints = []
    metrics = services()["resnetd"]["environment"].get("RESNETD_METRICS_PORT")
    scrape = read("monitoring/prometheus.yaml")["scrape_configs"][0]
    if scrape["static_configs"][0]["targets"] != [f"resnetd:{metrics}"]:
        complaints.append("prometheus.yaml: its target is not the metrics of the service resnetd")
    inside = services()["prometheus"]["ports"][0].split(":")[-1]
    source = read("monitoring/grafana-datasource.yaml")["datasources"][0]
    if source["url"] != f"http://prometheus:{inside}":
        complaints.append("grafana-datasource.yaml: its address is not the service prometheus")
    folder = read("monitoring/grafana-dashboards.yaml")["providers"][0]["options"]["path"]
    mounted = [mount.split(":")[1] for mount in services()["grafana"]["volumes"]]
    if not any(pathlib.PurePath(folder) in pathlib.PurePath(one).parents for one in mounted):
        complaints.append("grafana-dashboards.yaml: nothing is mounted in its folder")
    return complaints


def complaints(schema: pathlib.Path) -> list[str]:
    judge = jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    found = [
        f"{file}: {'/'.join(map(str, error.path))}: {error.message}"
        for file in (*FILES, TLS) for error in judge.iter_errors(read(file))]
    if found:
        return found
    for name, service in services().items():
        found += service_complaints(name, service)
    encrypted = read(TLS)["services"]["resnetd"]["environment"]
    found += [
        f"{TLS}: {name} is not a variable of the program"
        for name in sorted(set(encrypted) - manual.variables())]
    published = [port.rsplit(":", 1)[0] for one in services().values() for port in one["ports"]]
    found += [f"{port} is published twice" for port in set(published) if published.count(port) > 1]
    delay = services()["resnetd"]["environment"].get("RESNETD_DRAIN_DELAY", "0s")
    drain = manual.seconds(delay) + manual.seconds(manual.default("drain-timeout"))
    if manual.seconds(services()["resnetd"]["stop_grace_period"]) <= drain + 1:
        found.append("resnetd: stop_grace_period is shorter than draining")
    return found + scrape_complaints()
