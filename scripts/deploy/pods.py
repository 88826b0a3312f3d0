"""What this project promises about its pods: rights, probes, memory, variables, volumes."""

import manual
from manual import byte_count, seconds

USER = 65532
# Below it the program's memory budget is not kept, see docs/operations.md.
MEMORY_MINIMUM = 256 << 20
# A container needs them to be administered and watched in the shipped image.
VARIABLES = {"RESNETD_ADMIN_SOCKET", "RESNETD_METRICS_PORT"}
PATHS = {
    "startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def variable_complaints(where: str, variables: dict, writable: list[str]) -> list[str]:
    """Faults of a container's environment, given the folders that it may write to."""
    complaints = [f"{where}: {name} is not set" for name in sorted(VARIABLES - set(variables))]
    complaints += [
        f"{where}: {name} is not a variable of the program"
        for name in sorted(set(variables) - manual.variables())
        if name.startswith("RESNETD_")
    ]
    complaints += [
        f"{where}: {name} is {value!r}, not a string"
        for name, value in variables.items() if not isinstance(value, str)
    ]
    for name in ("RESNETD_STATE_DIR", "RESNETD_ADMIN_SOCKET", "RESNETD_PLAN_CACHE"):
        path = variables.get(name)
        if path and not any(path.startswith(folder + "/") for folder in writable):
            complaints.append(f"{where}: {name} is not in a volume")
    follows = "RESNETD_MODEL_STORE" in variables
    if follows and "RESNETD_STATE_DIR" not in variables:
        complaints.append(f"{where}: RESNETD_MODEL_STORE without RESNETD_STATE_DIR")
    if "RESNETD_PREFER_MODEL" in variables and "RESNETD_MODEL" not in variables:
        complaints.append(f"{where}: RESNETD_PREFER_MODEL without RESNETD_MODEL")
    return complaints


def variables_of(container: dict) -> dict:
    return {item["name"]: item.get("value") for item in container.get("env", [])}


def ports_of(container: dict) -> dict:
    """The numbers of a container's ports, by name and by number."""
    ports = {port["containerPort"]: port["containerPort"] for port in container.get("ports", [])}
    return ports | {
        port["name"]: port["containerPort"]
        for port in container.get("ports", []) if "name" in port}


def port_complaints(where: str, container: dict) -> list[str]:
    """Ports that the program does not listen on, and probes that ask another one."""
    variables, ports = variables_of(container), ports_of(container)
    clients = int(variables.get("RESNETD_PORT", manual.default("port")))
    scheme = "HTTPS" if "RESNETD_TLS_CERT" in variables else "HTTP"
    served = {clients, int(variables.get("RESNETD_METRICS_PORT", clients))}
    complaints = [
        f"{where}: nothing listens on port {port}" for port in sorted(set(ports.values()) - served)]
    if variables.get("RESNETD_METRICS_HOST") != "0.0.0.0":
        complaints.append(f"{where}: metrics are not reachable from outside the pod")
    for name, path in PATHS.items():
        probe = container.get(name, {}).get("httpGet", {})
        if probe.get("path") != path:
            complaints.append(f"{where}: {name} does not ask {path}")
        elif ports.get(probe.get("port")) != clients:
            complaints.append(f"{where}: {name} asks port {probe.get('port')}")
        elif probe.get("scheme", "HTTP") != scheme:
            complaints.append(f"{where}: {name} does not ask by {scheme}")
    return complaints


def rights_complaints(where: str, container: dict) -> list[str]:
    """What a container may do and take, whatever it runs."""
    complaints = []
    context = container.get("securityContext", {})
    if not context.get("readOnlyRootFilesystem"):
        complaints.append(f"{where}: the root filesystem is writable")
    if context.get("allowPrivilegeEscalation") is not False:
        complaints.append(f"{where}: privileges may escalate")
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        complaints.append(f"{where}: capabilities are kept")
    resources = container.get("resources", {})
    for bound in ("requests", "limits"):
        if byte_count(resources.get(bound, {}).get("memory")) < MEMORY_MINIMUM:
            complaints.append(f"{where}: resource {bound} of less than 256Mi memory, or none")
        if not str(resources.get(bound, {}).get("cpu")).isdigit():
            complaints.append(f"{where}: resource {bound} of processor that are not whole cores")
    return complaints


def container_complaints(where: str, container: dict) -> list[str]:
    writable = [
        mount["mountPath"] for mount in container.get("volumeMounts", [])
        if not mount.get("readOnly")]
    complaints = rights_complaints(where, container)
    complaints += variable_complaints(where, variables_of(container), writable)
    return complaints + port_complaints(where, container)


def volume_complaints(where: str, container: dict, volumes: dict, sizes: dict) -> list[str]:
    """Mounts without a volume, and models that may be kept beyond a volume's size."""
    variables, complaints = variables_of(container), []
    for mount in container.get("volumeMounts", []):
        volume = volumes.get(mount["name"])
        if volume is None:
            complaints.append(f"{where}: no volume {mount['name']}")
            continue
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        size = sizes.get(claim, byte_count(volume.get("emptyDir", {}).get("sizeLimit")))
        if claim and claim not in sizes:
            complaints.append(f"{where}: no claim {claim}")
        if variables.get("RESNETD_STATE_DIR", "").startswith(mount["mountPath"] + "/"):
            kept = variables.get("RESNETD_KEPT_BYTES", manual.default("kept-bytes"))
            upload = variables.get("RESNETD_MODEL_LIMIT", manual.default("model-limit"))
            if byte_count(kept) + byte_count(upload) > size:
                complaints.append(f"{where}: {kept} kept and an upload of {upload} do not fit")
    return complaints


def drain_complaints(where: str, container: dict, grace: int) -> list[str]:
    """Times of the end that do not fit each other."""
    variables = variables_of(container)
    delay = seconds(variables.get("RESNETD_DRAIN_DELAY", manual.default("drain-delay")))
    drain = seconds(variables.get("RESNETD_DRAIN_TIMEOUT", manual.default("drain-timeout")))
    complaints = []
    # A swap that is under way has one second more.
    if grace <= delay + drain + 1:
        complaints.append(f"{where}: a grace period of {grace} s, draining takes {delay + drain}")
    probe = container.get("readinessProbe", {})
    noticed = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
    if delay <= noticed:
        complaints.append(f"{where}: a drain delay of {delay} s, noticed after {noticed} s")
    return complaints


def user_complaints(where: str, pod: dict) -> list[str]:
    """Whom a pod's containers run as, and what is mounted and set there unasked."""
    complaints = []
    context = pod.get("securityContext", {})
    if context.get("fsGroup") != USER:
        complaints.append(f"{where}: fsGroup is not {USER}, so volumes may not be writable")
    if pod.get("enableServiceLinks") is not False:
        complaints.append(f"{where}: enableServiceLinks is not false")
    if pod.get("automountServiceAccountToken") is not False:
        complaints.append(f"{where}: a service account's token is mounted")
    for container in pod.get("containers", []):
        name = f"{where}/{container.get('name')}"
        # The container's own settings win.
        rights = context | container.get("securityContext", {})
        if not rights.get("runAsNonRoot") or rights.get("runAsUser") != USER:
            complaints.append(f"{name}: it does not run as user {USER}")
        if rights.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            complaints.append(f"{name}: no seccompProfile")
    return complaints


def pod_complaints(where: str, pod: dict, sizes: dict) -> list[str]:
    """Faults of a server's pod, given the sizes of the claims that there are."""
    complaints = user_complaints(where, pod)
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for container in pod.get("containers", []):
        name = f"{where}/{container.get('name')}"
        complaints += container_complaints(name, container)
        complaints += volume_complaints(name, container, volumes, sizes)
        grace = pod.get("terminationGracePeriodSeconds", 30)
        complaints += drain_complaints(name, container, grace)
    return complaints


def job_complaints(specification: dict) -> list[str]:
    """Faults of an indexed Job that classifies a bucket in shards."""
    pod = specification["template"]["spec"]
    complaints = user_complaints("Job", pod)
    if specification.get("completionMode") != "Indexed":
        complaints.append("Job: it is not indexed, so that all pods would take the same shard")
    if specification.get("parallelism", 1) > specification.get("completions", 0):
        complaints.append("Job: more pods at a time than shards")
    for container in pod["containers"]:
        complaints += rights_complaints(f"Job/{container['name']}", container)
        arguments = container.get("args", [])
        complaints += [
            f"Job: {name} is not an option of the program" for name in arguments
            if name.startswith("--") and name.removeprefix("--") not in manual.options()]
        shard = f"$(JOB_COMPLETION_INDEX)/{specification.get('completions')}"
        if shard not in arguments:
            complaints.append(f"Job: its argument is not --shard {shard}")
        if "--allow-failures" not in arguments:
            complaints.append("Job: a damaged image would have its pod started again")
    return complaints
