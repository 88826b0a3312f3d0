"""What the manual says of options and metrics: the names and values that deploy/ may use."""

import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
# Those of compose files and of the program, where k, m and g of the former are powers of two too.
UNITS |= {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
UNITS |= {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}


def byte_count(text: object) -> int:
    """The bytes that `512Mi`, `512m` or `512 MiB` means; 0 for anything else."""
    match = re.fullmatch(r"(\d+) ?([A-Za-z]*)", str(text))
    return int(match[1]) * UNITS.get(match[2], 0) if match else 0


def seconds(text: object) -> float:
    """The seconds that `5s`, `500ms` or `25 s` means; 0 for anything else."""
    match = re.fullmatch(r"(\d+) ?([a-z]*)", str(text))
    return int(match[1]) * SECONDS.get(match[2], 0) if match else 0


@functools.cache
def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@functools.cache
def options() -> frozenset[str]:
    """The names of all options."""
    return frozenset(re.findall(r"`--([a-z-]+)", page("commands.md")))


@functools.cache
def variables() -> frozenset[str]:
    """The variables of all options."""
    return frozenset("RESNETD_" + name.upper().replace("-", "_") for name in options())


def default(option: str) -> str:
    """The beginning of an option's default: `25 s`, `32 MiB`, `8080`."""
    row = re.search(rf"^\| `--{option} [A-Z]+` \| (\d+ ?(?:ms|s|m|h|KiB|MiB|GiB)?)\b",
                    page("commands.md"), re.MULTILINE)
    if row is None:
        raise SystemExit(f"docs/commands.md has no default of --{option}")
    return row[1].strip()


@functools.cache
def metrics() -> dict[str, tuple[frozenset[str], str]]:
    """Every metric's labels and its description, by its name."""
    table = page("operations.md").split("\n## Metrics\n")[1].split("\n## ")[0]
    found = {}
    for row in re.findall(r"^\| `(resnetd_\w+)` \| (.*?) ?\| (.*) \|$", table, re.MULTILINE):
        found[row[0]] = (frozenset(re.findall(r"`(\w+)`", row[1])), row[2])
    return found


def anchors(name: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
