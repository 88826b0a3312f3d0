"""Renders every kustomization of deploy/ by kubectl, which asks no cluster for it."""

import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

from manual import ROOT

DEPLOY = ROOT / "deploy"
KUBECTL = pathlib.Path(sys.executable).parent / "kubectl"


class Unrendered(Exception):
    """kustomize refuses it."""


def kustomizations() -> list[pathlib.Path]:
    """The folders with a kustomization of their own, without components."""
    files = sorted(DEPLOY.rglob("kustomization.yaml"))
    return [path.parent for path in files if kind(path) == "Kustomization"]


def components() -> list[pathlib.Path]:
    files = sorted(DEPLOY.rglob("kustomization.yaml"))
    return [path.parent for path in files if kind(path) == "Component"]


def kind(path: pathlib.Path) -> str:
    return yaml.safe_load(path.read_text(encoding="utf-8")).get("kind")


def render(folder: pathlib.Path) -> list[dict]:
    """The objects that a folder stands for."""
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
    result = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, env=environment)
    if result.returncode != 0 or result.stderr:
        raise Unrendered(result.stderr.strip())
    return [item for item in yaml.safe_load_all(result.stdout) if item]


def render_component(folder: pathlib.Path) -> list[dict]:
    """The base with one component."""
    # kustomize takes relative paths only.
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        text = yaml.safe_dump({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "resources": [os.path.relpath(DEPLOY / "kubernetes/base", name)],
            "components": [os.path.relpath(folder, name)]})
        (pathlib.Path(name) / "kustomization.yaml").write_text(text, encoding="utf-8")
        return render(pathlib.Path(name))


def everything() -> dict[str, list[dict]]:
    """All objects by what they were rendered from."""
    found = {str(folder.relative_to(ROOT)): render(folder) for folder in kustomizations()}
    for folder in components():
        found[f"{folder.relative_to(ROOT)} on the base"] = render_component(folder)
    return found
