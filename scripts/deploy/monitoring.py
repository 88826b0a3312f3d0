"""Alert rules, their tests and pages, and the dashboard: metrics, labels and links that exist."""

import json
import re

import yaml

import manual
from manual import ROOT

FOLDER = ROOT / "deploy/monitoring"
ADAPTER = ROOT / "deploy/kubernetes/components/queue-depth/adapter-rules.yaml"
RULE_HEAD = """\
# alerts.yaml for prometheus-operator: scripts/check-deploy --write makes it.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: resnetd
  labels:
    app.kubernetes.io/name: resnetd
spec:
"""
# Labels that Prometheus and its operator add, and the bounds of histograms.
ADDED_LABELS = {"job", "instance", "namespace", "pod", "le"}
# Values that are not words of the manual.
FREE_LABELS = ADDED_LABELS | {"code", "route", "version", "name", "classes", "step"}


def read(name: str):
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def rules() -> list[dict]:
    return [rule for group in read("alerts.yaml")["groups"] for rule in group["rules"]]


def dashboard() -> dict:
    return json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))


def dashboard_expressions() -> dict[str, str]:
    """The dashboard's expressions by the title of their panel, with its variables filled in."""
    found = {}
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    for note in dashboard()["annotations"]["list"]:
        found[note["name"]] = note["expr"]
    return {
        title: text.replace("$__rate_interval", "1m").replace("$job", ".*")
        .replace("$instance", ".*")
        for title, text in found.items()}


def prometheus_rule() -> str:
    """The text of prometheus-rule.yaml."""
    text = (FOLDER / "alerts.yaml").read_text(encoding="utf-8")
    body = text[text.index("groups:"):].splitlines()
    return RULE_HEAD + "".join(f"  {line}\n" if line else "\n" for line in body)


def metric_complaints(where: str, expression: str) -> list[str]:
    """Metrics, labels and values of labels that the manual does not know."""
    complaints = []
    known = manual.metrics()
    for name, matchers in re.findall(r"\b(resnetd_\w+)(\{[^}]*\})?", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in known and base not in known:
            complaints.append(f"{where}: there is no metric {name}")
            continue
        labels, description = known.get(name, known.get(base))
        for label, value in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers or ""):
            if label not in labels | ADDED_LABELS:
                complaints.append(f"{where}: {name} has no label {label}")
            elif label not in FREE_LABELS:
                complaints += [
                    f"{where}: {label} of {name} is never {word}"
                    for word in value.split("|") if f"`{word}`" not in description]
    return complaints


def alert_complaints() -> list[str]:
    complaints = []
    names = [rule["alert"] for rule in rules()]
    anchors = manual.anchors("alerts.md")
    for rule in rules():
        name = rule["alert"]
        if rule["annotations"].get("runbook") != f"docs/alerts.md#{name.lower()}":
            complaints.append(f"{name}: its runbook is not its section of docs/alerts.md")
        if name.lower() not in anchors:
            complaints.append(f"{name}: docs/alerts.md has no section of that name")
        if not rule["annotations"].get("summary"):
            complaints.append(f"{name}: no summary")
        if rule["labels"].get("severity") not in ("critical", "warning"):
            complaints.append(f"{name}: its severity is neither critical nor warning")
        complaints += metric_complaints(name, rule["expr"])
    sections = {anchor for anchor in anchors if re.fullmatch("resnetd[a-z]+", anchor)}
    complaints += [
        f"docs/alerts.md: there is no alert {anchor}"
        for anchor in sorted(sections - {name.lower() for name in names})]
    cases = [case for test in read("alerts-test.yaml")["tests"] for case in test["alert_rule_test"]]
    for wanted, what in ((True, "fires"), (False, "does not fire")):
        tested = {case["alertname"] for case in cases if bool(case["exp_alerts"]) == wanted}
        complaints += [f"{name}: no test in which it {what}" for name in names
                       if name not in tested]
        complaints += [f"alerts-test.yaml: there is no alert {name}" for name in tested
                       if name not in names]
    if (FOLDER / "prometheus-rule.yaml").read_text(encoding="utf-8") != prometheus_rule():
        complaints.append("prometheus-rule.yaml is not alerts.yaml: scripts/check-deploy --write")
    return complaints


def dashboard_complaints() -> list[str]:
    complaints = []
    panels = dashboard()["panels"]
    places = set()
    for panel in panels:
        area = panel["gridPos"]
        for x in range(area["x"], area["x"] + area["w"]):
            for y in range(area["y"], area["y"] + area["h"]):
                if (x, y) in places or x >= 24:
                    complaints.append(f"dashboard: {panel['title']} covers another panel")
                places.add((x, y))
        if panel["datasource"]["uid"] != "${datasource}":
            complaints.append(f"dashboard: {panel['title']} has a fixed data source")
    if len({panel["id"] for panel in panels}) != len(panels):
        complaints.append("dashboard: two panels have one number")
    for title, expression in dashboard_expressions().items():
        complaints += metric_complaints(f"dashboard: {title}", expression)
    text = json.dumps(dashboard())
    names = {rule["alert"] for rule in rules()}
    complaints += [
        f"dashboard: there is no alert {name}"
        for name in re.findall(r"\bResnetd[A-Z]\w+", text) if name not in names]
    return complaints


def adapter_complaints(renderings: dict[str, list[dict]]) -> list[str]:
    """The autoscaler's metrics of pods must be those that the adapter's rules serve."""
    served = yaml.safe_load(ADAPTER.read_text(encoding="utf-8"))["rules"]["custom"]
    series = {rule["seriesQuery"].split("{")[0] for rule in served}
    wanted = {
        metric["pods"]["metric"]["name"]
        for items in renderings.values() for item in items
        if item["kind"] == "HorizontalPodAutoscaler"
        for metric in item["spec"]["metrics"] if metric["type"] == "Pods"}
    complaints = [f"adapter-rules.yaml: nothing serves {name}" for name in wanted - series]
    for rule in served:
        complaints += metric_complaints("adapter-rules.yaml", rule["seriesQuery"])
    return complaints


def expression_rules() -> str:
    """The dashboard's and the adapter's expressions as rules, for promtool to read them."""
    expressions = list(dashboard_expressions().values())
    for rule in yaml.safe_load(ADAPTER.read_text(encoding="utf-8"))["rules"]["custom"]:
        text = rule["metricsQuery"].replace("<<.GroupBy>>", "pod")
        text = text.replace("<<.Series>>", rule["seriesQuery"].split("{")[0])
        expressions.append(text.replace("<<.LabelMatchers>>", 'namespace="n"'))
    return yaml.safe_dump({"groups": [{"name": "expressions", "rules": [
        {"record": f"expression:{number}", "expr": text}
        for number, text in enumerate(expressions)]}]})
