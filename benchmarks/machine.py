"""What a table must say about the machine and the programs that made it."""

import importlib.metadata
import os
import pathlib
import re
import subprocess


def processor() -> str:
    """Its name, family and model, for clouds call many kinds alike, and instructions."""
    text = pathlib.Path("/proc/cpuinfo").read_text()

    def field(name: str) -> str:
        found = re.search(rf"^{name}\s*:\s*(.+)", text, re.MULTILINE)
        return found[1].strip() if found else "unknown"

    known = field("flags").split()
    shown = [flag for flag in ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16",
                               "amx_int8") if flag in known]
    return (f"{field('model name')} (family {field('cpu family')} model {field('model')}; "
            f"{', '.join(shown)})")


def cores() -> int:
    return len(os.sched_getaffinity(0))


def versions(program: str, packages: list[str]) -> dict[str, str]:
    first = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    found = {"resnetd": first.stdout.split("\n")[0].removeprefix("resnetd").strip()}
    return found | {name: importlib.metadata.version(name) for name in packages}


def description(program: str, packages: list[str]) -> dict:
    return {"processor": processor(), "cores": cores(), "versions": versions(program, packages),
            "load_before": os.getloadavg()[0]}
