"""What a table must say about the machine and the programs that made it."""

import importlib.metadata
import os
import pathlib
import re
import subprocess


def processor() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*:\s*(.+)", text)
    flags = re.search(r"flags\s*:\s*(.+)", text)
    known = flags[1].split() if flags else []
    shown = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8")
             if flag in known]
    return f"{name[1].strip() if name else 'unknown'} ({', '.join(shown)})"


def cores() -> int:
    return len(os.sched_getaffinity(0))


def versions(program: str, packages: list[str]) -> dict[str, str]:
    first = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    found = {"resnetd": first.stdout.split("\n")[0].removeprefix("resnetd").strip()}
    return found | {name: importlib.metadata.version(name) for name in packages}


def description(program: str, packages: list[str]) -> dict:
    return {"processor": processor(), "cores": cores(), "versions": versions(program, packages),
            "load_before": os.getloadavg()[0]}
