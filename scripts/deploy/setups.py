"""What an engine makes of each manifest of deploy/: variables, volumes, limits, probes."""

import pathlib
import re

import compose
import pods
import rendered
from container import Setup
from manual import ROOT, byte_count, default, seconds

DEPLOY = ROOT / "deploy"
CLUSTER_ADDRESS = "10.0.0.1"
# Kubernetes' own defaults.
PROBE = {"periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}


def image_variables() -> dict[str, str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", text, re.MULTILINE))


def service_links(service: dict) -> dict[str, str]:
    """The variables that Kubernetes gives to pods beside a Service, unless they are refused."""
    name = service["metadata"]["name"].upper().replace("-", "_")
    ports = service["spec"]["ports"]
    found = {f"{name}_SERVICE_HOST": CLUSTER_ADDRESS,
             f"{name}_SERVICE_PORT": str(ports[0]["port"]),
             f"{name}_PORT": f"tcp://{CLUSTER_ADDRESS}:{ports[0]['port']}"}
    for port in ports:
        number = str(port["port"])
        found[f"{name}_SERVICE_PORT_{port['name'].upper()}"] = number
        found |= {
            f"{name}_PORT_{number}_TCP": f"tcp://{CLUSTER_ADDRESS}:{number}",
            f"{name}_PORT_{number}_TCP_PROTO": "tcp", f"{name}_PORT_{number}_TCP_PORT": number,
            f"{name}_PORT_{number}_TCP_ADDR": CLUSTER_ADDRESS}
    return found


def of_pod(name: str, pod: dict, claims: dict[str, int]) -> Setup:
    container = pod["containers"][0]
    ports = pods.ports_of(container)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    writable = {}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "emptyDir" in volume:
            writable[mount["mountPath"]] = byte_count(volume["emptyDir"]["sizeLimit"])
        elif "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            writable[mount["mountPath"]] = claims[claim]
    probes = {}
    for kind in ("startup", "liveness", "readiness"):
        probe = PROBE | container[f"{kind}Probe"]
        probes[kind] = probe | {
            "path": probe["httpGet"]["path"], "port": ports[probe["httpGet"]["port"]]}
    limits = container["resources"]["limits"]
    variables = image_variables() | {"KUBERNETES_SERVICE_HOST": "10.0.0.2"}
    return Setup(
        name, variables | pods.variables_of(container), writable, {},
        byte_count(limits["memory"]), int(limits["cpu"]), None,
        pod["terminationGracePeriodSeconds"], probes)


def of_deployment(name: str, items: list[dict]) -> Setup:
    kinds = {item["kind"]: item for item in items}
    claims = {
        item["metadata"]["name"]: byte_count(item["spec"]["resources"]["requests"]["storage"])
        for item in items if item["kind"] == "PersistentVolumeClaim"}
    setup = of_pod(name, kinds["Deployment"]["spec"]["template"]["spec"], claims)
    if name == "base":
        # As in a pod that does not refuse them.
        setup.variables = service_links(kinds["Service"]) | setup.variables
    return setup


def of_overlay(folder: str) -> Setup:
    path = DEPLOY / "kubernetes" / folder
    return of_deployment(path.name, rendered.render(path))


def of_component(name: str) -> Setup:
    """The base with a component."""
    items = rendered.render_component(DEPLOY / "kubernetes/components" / name)
    return of_deployment(name, items)


def of_kserve() -> Setup:
    kinds = {item["kind"]: item["spec"] for item in rendered.render(DEPLOY / "kserve")}
    return of_pod("kserve", kinds["InferenceService"]["predictor"] | kinds["ServingRuntime"], {})


def of_batch() -> list[Setup]:
    """A setup for each pod of the Job."""
    kinds = {item["kind"]: item["spec"] for item in rendered.render(DEPLOY / "kubernetes/batch")}
    job = kinds["Job"]
    pod = job["template"]["spec"]
    container = pod["containers"][0]
    limits = container["resources"]["limits"]
    found = []
    for index in range(job["completions"]):
        variables = image_variables() | pods.variables_of(container) | {
            "JOB_COMPLETION_INDEX": str(index)}
        arguments = tuple(
            re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], text)
            for text in container["args"])
        found.append(Setup(
            f"batch-{index}", variables, {}, {}, byte_count(limits["memory"]), int(limits["cpu"]),
            None, pod["terminationGracePeriodSeconds"], {}, arguments))
    return found


def of_compose() -> Setup:
    service = compose.services()["resnetd"]
    volumes = {"/state": 1 << 30}
    for mount in service["tmpfs"]:
        path, options = mount.split(":")
        volumes[path] = byte_count(re.search(r"size=(\w+)", options)[1])
    check = service["healthcheck"]
    probe = {"path": "/readyz", "port": int(default("port")), "failureThreshold": 10,
             "periodSeconds": 1, "timeoutSeconds": seconds(check["timeout"])}
    return Setup(
        "compose", image_variables() | service["environment"], volumes, {},
        byte_count(service["mem_limit"]), int(service["cpus"]), int(service["pids_limit"]),
        seconds(service["stop_grace_period"]),
        {kind: dict(probe) for kind in ("startup", "liveness", "readiness")})


def of_compose_with_tls() -> Setup:
    setup = of_compose()
    setup.name = "compose-tls"
    setup.variables |= compose.read(compose.TLS)["services"]["resnetd"]["environment"]
    return setup
