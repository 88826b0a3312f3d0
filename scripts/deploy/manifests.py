"""Kubernetes objects against their schemas, and what Kubernetes would take and yet not do."""

import kubernetes_validate

import manual
import pods
from manual import byte_count, seconds

# The oldest that knows image volumes, and the newest whose schemas there are.
VERSIONS = ("1.31", "1.37")
# Kinds that Kubernetes itself does not have: whether they are whole is looked at here.
FOREIGN = {"ServiceMonitor", "PrometheusRule", "ServingRuntime", "InferenceService"}
NEEDED = {"Deployment", "Service", "NetworkPolicy"}
NEEDED_BY_JOBS = {"Job", "NetworkPolicy"}


def schema_complaints(item: dict) -> list[str]:
    if item["kind"] in FOREIGN:
        return []
    complaints = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            complaints.append(f"{item['kind']}: Kubernetes {version}: {error.message}")
    return complaints


def labels(item: dict) -> dict:
    return item["metadata"].get("labels", {})


def selector(specification: dict) -> dict:
    """The labels by which an object finds pods."""
    found = specification.get("selector") or specification.get("podSelector") or {}
    return found.get("matchLabels", found)


class Objects:
    """All objects of one rendering."""

    def __init__(self, items: list[dict]) -> None:
        self.items = items

    def of(self, kind: str) -> list[dict]:
        return [item for item in self.items if item["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.of(kind)}

    def templates(self) -> list[dict]:
        return [item["spec"]["template"] for item in self.of("Deployment") + self.of("Job")]

    def containers(self) -> list[dict]:
        return [one for template in self.templates() for one in template["spec"]["containers"]]

    def claim_sizes(self) -> dict:
        return {
            item["metadata"]["name"]: byte_count(item["spec"]["resources"]["requests"]["storage"])
            for item in self.of("PersistentVolumeClaim")}

    def port_names(self) -> set:
        return set().union(*[pods.ports_of(container) for container in self.containers()])

    def complaints(self) -> list[str]:
        found = [text for item in self.items for text in schema_complaints(item)]
        if self.of("ServingRuntime"):
            return found + self.serving_complaints()
        needed = NEEDED_BY_JOBS if self.of("Job") else NEEDED
        found += [f"no {kind}" for kind in sorted(needed - {item["kind"] for item in self.items})]
        for item in self.of("Deployment"):
            pod = item["spec"]["template"]["spec"]
            found += pods.pod_complaints("Deployment", pod, self.claim_sizes())
        for item in self.of("Job"):
            found += pods.job_complaints(item["spec"])
        found += self.selector_complaints() + self.port_complaints()
        found += self.network_complaints() + self.ingress_complaints()
        return found + self.scale_complaints() + self.monitor_complaints()

    def selector_complaints(self) -> list[str]:
        have = [template["metadata"]["labels"] for template in self.templates()]
        complaints = []
        for kind in ("Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"):
            for item in self.of(kind):
                wanted = selector(item["spec"])
                if not any(wanted and wanted.items() <= one.items() for one in have):
                    complaints.append(f"{kind}: its selector finds no pod")
        return complaints

    def port_complaints(self) -> list[str]:
        complaints = []
        for item in self.of("Service"):
            wanted = {port.get("targetPort", port["port"]) for port in item["spec"]["ports"]}
            complaints += [f"Service: no port {name}" for name in wanted - self.port_names()]
        for item in self.of("NetworkPolicy"):
            rules = item["spec"].get("ingress", [])
            wanted = {port["port"] for rule in rules for port in rule.get("ports", [])}
            complaints += [f"NetworkPolicy: no port {name}" for name in wanted - self.port_names()]
        return complaints

    def network_complaints(self) -> list[str]:
        """What goes out must be what the program asks for, and nothing else."""
        complaints = []
        asks = bool(self.of("Job")) or any(
            "RESNETD_MODEL_STORE" in pods.variables_of(container)
            for container in self.containers())
        for item in self.of("NetworkPolicy"):
            if len(item["spec"].get("policyTypes", [])) != 2:
                complaints.append("NetworkPolicy: it is not for both directions")
            ports = {
                port["port"] for rule in item["spec"].get("egress", [])
                for port in rule.get("ports", [])}
            if asks and not {53, 443} <= ports:
                complaints.append("NetworkPolicy: the bucket cannot be reached")
            if not asks and item["spec"].get("egress"):
                complaints.append("NetworkPolicy: the program asks nobody, and yet it may")
        return complaints

    def ingress_complaints(self) -> list[str]:
        complaints = []
        ports = {
            (item["metadata"]["name"], port["name"])
            for item in self.of("Service") for port in item["spec"]["ports"]}
        for item in self.of("Ingress"):
            for rule in item["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]
                    if (service["name"], service["port"].get("name")) not in ports:
                        complaints.append("Ingress: there is no such service or port")
            notes = item["metadata"].get("annotations", {})
            size = notes.get("nginx.ingress.kubernetes.io/proxy-body-size")
            if byte_count(size) != byte_count(manual.default("body-limit")):
                complaints.append("Ingress: proxy-body-size is not --body-limit")
            time = notes.get("nginx.ingress.kubernetes.io/proxy-read-timeout")
            if seconds(time) <= seconds(manual.default("request-timeout")):
                complaints.append("Ingress: proxy-read-timeout is not above --request-timeout")
        return complaints

    def scale_complaints(self) -> list[str]:
        complaints = []
        for item in self.of("HorizontalPodAutoscaler"):
            target = item["spec"]["scaleTargetRef"]
            if target["name"] not in self.names(target["kind"]):
                complaints.append("HorizontalPodAutoscaler: its target is not there")
            if any("replicas" in one["spec"] for one in self.of("Deployment")):
                complaints.append("Deployment: replicas are the autoscaler's")
        return complaints

    def monitor_complaints(self) -> list[str]:
        complaints = []
        for monitor in self.of("ServiceMonitor"):
            wanted = selector(monitor["spec"])
            found = [item for item in self.of("Service") if wanted.items() <= labels(item).items()]
            ports = {port["name"] for item in found for port in item["spec"]["ports"]}
            if not found:
                complaints.append("ServiceMonitor: its selector finds no Service")
            for endpoint in monitor["spec"]["endpoints"]:
                if endpoint.get("port") not in ports:
                    complaints.append(f"ServiceMonitor: no port {endpoint.get('port')}")
        return complaints

    def serving_complaints(self) -> list[str]:
        """A ServingRuntime and the part of an InferenceService make one pod."""
        complaints = []
        runtimes = {item["metadata"]["name"]: item["spec"] for item in self.of("ServingRuntime")}
        for service in self.of("InferenceService"):
            predictor = dict(service["spec"]["predictor"])
            runtime = runtimes.get(predictor["model"].get("runtime"))
            if runtime is None:
                complaints.append("InferenceService: its runtime is not there")
                continue
            formats = {(one["name"], one["version"]) for one in runtime["supportedModelFormats"]}
            wanted = predictor["model"]["modelFormat"]
            if (wanted["name"], wanted["version"]) not in formats:
                complaints.append("InferenceService: its runtime does not take the format")
            fields = ("automountServiceAccountToken", "enableServiceLinks", "securityContext",
                      "terminationGracePeriodSeconds")
            pod = {name: predictor[name] for name in fields if name in predictor}
            pod |= {name: runtime[name] for name in ("containers", "volumes") if name in runtime}
            complaints += pods.pod_complaints("ServingRuntime", pod, {})
            complaints += schema_complaints(
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": pod})
            if pod["containers"][0]["name"] != "kserve-container":
                complaints.append("ServingRuntime: KServe looks for kserve-container")
            port = runtime.get("annotations", {}).get("prometheus.kserve.io/port")
            if port != pods.variables_of(pod["containers"][0]).get("RESNETD_METRICS_PORT"):
                complaints.append("ServingRuntime: prometheus.kserve.io/port is another port")
        return complaints
