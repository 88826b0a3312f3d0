"""Checks everything in deploy/ that can be judged without a cluster; see scripts/check-deploy.

usage: check.py COMPOSE-SCHEMA EXPRESSIONS-FILE [--write]

Writes the expressions of dashboard and adapter to a file of rules, for promtool.
"""

import pathlib
import re
import sys

import yaml

import compose
import manifests
import monitoring
import rendered
from manual import ROOT

DEPLOY = ROOT / "deploy"
# Read by other programs than kustomize.
ELSEWHERE = re.compile(
    r"kustomization\.yaml|compose.*\.yaml|adapter-rules\.yaml|prometheus\.yaml|alerts.*\.yaml"
    r"|grafana-.*\.yaml")


def file_complaints() -> list[str]:
    """Files that nothing reads, and pages that comments name and nobody has."""
    complaints = []
    named = set()
    for path in DEPLOY.rglob("kustomization.yaml"):
        text = path.read_text(encoding="utf-8")
        named |= {path.parent / name for name in re.findall(r"[\w-]+\.(?:yaml|json)", text)}
    for path in sorted(DEPLOY.rglob("*.y*ml")):
        name = path.relative_to(ROOT)
        if not ELSEWHERE.fullmatch(path.name) and path not in named:
            complaints.append(f"{name}: no kustomization names it")
        text = path.read_text(encoding="utf-8")
        complaints += [
            f"{name}: there is no {page}" for page in re.findall(r"\bdocs/[\w./-]+\.md", text)
            if not (ROOT / page).is_file()]
    return complaints


def main() -> int:
    schema, expressions, *options = sys.argv[1:]
    if options == ["--write"]:
        target = DEPLOY / "monitoring/prometheus-rule.yaml"
        target.write_text(monitoring.prometheus_rule(), encoding="utf-8")
    try:
        complaints = file_complaints()
        renderings = rendered.everything()
        for where, items in renderings.items():
            complaints += [f"{where}: {text}" for text in manifests.Objects(items).complaints()]
        complaints += compose.complaints(pathlib.Path(schema))
        complaints += monitoring.alert_complaints() + monitoring.dashboard_complaints()
        complaints += monitoring.adapter_complaints(renderings)
    except (yaml.YAMLError, rendered.Unrendered, ValueError) as error:
        complaints = [str(error)]
    if complaints:
        print("\n".join(complaints), file=sys.stderr)
        return 1
    pathlib.Path(expressions).write_text(monitoring.expression_rules(), encoding="utf-8")
    count = sum(map(len, renderings.values()))
    print(f"{len(renderings)} renderings of {count} objects, {len(monitoring.rules())} alerts, "
          f"{len(monitoring.dashboard()['panels'])} panels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
