"""Makes tables and plots for `docs/benchmarks.md` of what `servers/run` and `engines/run` measured.

usage: publish.py   publishes every result in .cache/results
A table goes between the lines `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import io
import json
import pathlib
import re

RESULTS = pathlib.Path(".cache/results")
DOCS = pathlib.Path("docs")
DOCUMENT = DOCS / "benchmarks.md"
OURS = "resnetd"
SERVER_BARS = {"small": 1.4, "large": 3.0}
P99_BAR = 0.5
IDEAL_BAR = 0.93
REFERENCE_CONNECTIONS = "8"
PICTURES = {"small": "110 KB", "large": "12 MP"}
ENGINES = {
    "resnetd": "resnetd", "resnetd-workers": "resnetd, workers", "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO, latency", "openvino-throughput": "OpenVINO, throughput",
    "ncnn": "ncnn", "mnn": "MNN"}
PRECISIONS = ("fp32", "bf16", "int8")
# Ours stands out, peers keep to themselves; both plots use the same.
COLOURS = {"resnetd": "#1f5fa8", "ONNX Runtime": "#b8bec6", "OpenVINO": "#8a929c",
           "ncnn": "#d0b98a", "MNN": "#b59a63"}


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def machine_line(result: dict) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    return (f"{result['processor']}, {result['cores']} cores; load average "
            f"{result['load_before']:.1f} before and {result['load_after']:.1f} after. {versions}.")


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def server_bars(result: dict) -> list[dict]:
    """Each bar with what was measured; none without resnetd or for another precision than int8."""
    bars: list[dict] = []

    def bar(what: str, measured: float, limit: float, least: bool) -> None:
        met = measured >= limit if least else measured <= limit
        bars.append(
            {"what": what, "measured": measured, "limit": limit, "least": least, "met": met})

    if result["precision"] != "int8":
        return bars
    for size, found in result["sizes"].items():
        row = found["closed"][REFERENCE_CONNECTIONS]
        name = f"{PICTURES[size]}, {REFERENCE_CONNECTIONS} connections"
        bar(f"{name}: requests/s, of the best peer's", row["rate_ratio"], SERVER_BARS[size], True)
        bar(f"{name}: p99, of the lowest peer's", row["p99_ratio"], P99_BAR, False)
        bar(f"{name}: of what decoding and engine allow", found["ideal"]["share"], IDEAL_BAR, True)
    return bars


def servers_text(result: dict) -> str:
    """All tables of one run."""
    names = list(result["sizes"]["small" if "small" in result["sizes"] else "large"]["peaks"])
    parts = [
        f"{result['precision']}, medians of {result['rounds']} interleaved rounds of "
        f"{result['seconds']:g} s. {machine_line(result)}"]

    def cells(row: dict, key: str) -> list[str]:
        return [number(row["servers"][name][key]) for name in names]

    def ratio(row: dict, key: str) -> str:
        return f"{row[key]:.2f}" if key in row else "-"

    rates, latencies, arrivals = [], [], []
    for size, found in result["sizes"].items():
        for count, row in found["closed"].items():
            rates.append(
                [PICTURES[size], count, *cells(row, "rate"), ratio(row, "rate_ratio")])
            pairs = zip(cells(row, "p50"), cells(row, "p99"))
            latencies.append(
                [PICTURES[size], count, *map(" / ".join, pairs), ratio(row, "p99_ratio")])
        for share, row in found["open"].items():
            trios = zip(cells(row, "rate"), cells(row, "p50"), cells(row, "p99"))
            arrivals.append([
                PICTURES[size], f"{float(share):.0%}",
                *(f"{rate}: {p50} / {p99}" for rate, p50, p99 in trios), ratio(row, "p99_ratio")])
    parts += [
        "Requests/s:", table(["pictures", "connections", *names, "ratio to the best peer"], rates),
        "p50 / p99 in ms:",
        table(["pictures", "connections", *names, "p99, ratio to the lowest"], latencies),
        "Poisson arrivals at a share of each server's own peak, requests/s: p50 / p99 in ms:",
        table(["pictures", "of its peak", *names, "p99, ratio to the lowest"], arrivals)]
    parts += ideal_text(result) + settings_text(result)
    if result["bars"]:
        parts += ["Bars:", table(["what", "measured", "bar"], [
            [bar["what"], f"{bar['measured']:.2f}" + " (missed)" * (not bar["met"]),
             f"{'>=' if bar['least'] else '<='} {bar['limit']:.2f}"] for bar in result["bars"]])]
    return "\n\n".join(parts)


def ideal_text(result: dict) -> list[str]:
    rows = [[PICTURES[size], number(ideal["decode_ms"]), number(ideal["engine_rate"]),
             number(ideal["rate"]), f"{ideal['share']:.2f}"]
            for size, found in result["sizes"].items() if (ideal := found["ideal"])]
    if not rows:
        return []
    return [
        f"What decoding and the engine alone allow, and the share of it at {REFERENCE_CONNECTIONS} "
        "connections:",
        table(["pictures", "decode, ms", "engine, images/s", "requests/s allowed", "reached"],
              rows)]


def settings_text(result: dict) -> list[str]:
    rows = [[PICTURES[size], name, found["agreement"][name],
             *(found["settings"].get(name, {}).get(count, "its defaults")
               for count in found["closed"])]
            for size, found in result["sizes"].items() for name in found["agreement"]]
    counts = list(next(iter(result["sizes"].values()))["closed"])
    cost = max(row["servers"][name]["generator"] for found in result["sizes"].values()
               for kind in ("closed", "open") for row in found[kind].values()
               for name in row["servers"])
    refused = sum(row["servers"][name]["refused"] for found in result["sizes"].values()
                  for row in found["open"].values() for name in row["servers"])
    return [
        "Settings (workers x threads) found best at each number of connections, and pictures of "
        "which the likeliest class is that of the full decode in fp32:",
        table(["pictures", "server", "same class", *(f"at {count}" for count in counts)], rows),
        f"The load generator took at most {cost:.1%} of one core; answers other than 200 under "
        f"Poisson arrivals: {refused:g}."]


def engines_text(result: dict) -> str:
    """A table per precision and number of threads."""
    parts = [
        f"Images/s, medians of {result['rounds']} interleaved rounds of {result['seconds']:g} s. "
        f"{machine_line(result)}"]
    for precision, threads in dict.fromkeys(
            (row["precision"], row["threads"]) for row in result["rows"]):
        rows = []
        chosen = [row for row in result["rows"]
                  if (row["precision"], row["threads"]) == (precision, threads)]
        # Engines that took part in none of them would be an empty column.
        shown = [engine for engine in ENGINES if any(engine in row["medians"] for row in chosen)]
        for row in chosen:
            cells = [number(row["medians"][engine]) if engine in row["medians"] else "-"
                     for engine in shown]
            ratio = "-" if row["ratio"] is None else (
                f"{row['ratio']:.2f} ({row['ours']} / {row['peer']})")
            rows.append([row["network"], str(row["batch"]), *cells, ratio])
        parts += [
            f"{precision}, {threads} thread{'s' * (threads > 1)}:",
            table(["network", "batch", *(ENGINES[engine] for engine in shown),
                   "our best / best peer"], rows)]
    return "\n\n".join(parts)


def replace(name: str, text: str) -> None:
    """Puts `text` between the marks of `name` in the document; they must be there once."""
    content = DOCUMENT.read_text()
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    if content.count(begin) != 1 or content.count(end) != 1:
        raise RuntimeError(f"{DOCUMENT} needs one pair of marks for {name}")
    before, rest = content.split(begin)
    DOCUMENT.write_text(before + begin + "\n" + text + "\n\n" + end + rest.split(end)[1])


def colour(name: str) -> str:
    return next(value for key, value in COLOURS.items() if key in name)


def new_figure(rows: int, columns: int, width: float, height: float):
    import matplotlib

    matplotlib.use("svg")
    # Text stays text, and the same data give the same file.
    matplotlib.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "resnetd", "font.family": "sans-serif",
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
        "axes.spines.left": False, "axes.titlesize": 10, "axes.titleweight": "bold",
        "axes.titlelocation": "left", "ytick.left": False, "ytick.labelleft": False,
        "xtick.bottom": False})
    import matplotlib.pyplot as plot

    return plot.subplots(
        rows, columns, figsize=(width, height), squeeze=False, layout="constrained")


def bars(axes, groups: list[str], series: dict[str, list[float | None]],
         ratios: list[float | None], best=max) -> None:
    """Heights are relative to the `best` peer of a group; figures above are values, and ratios."""
    extent = 0.84 / len(series)
    peers = [values for name, values in series.items() if name != OURS]
    units = [best(value for value in group if value is not None)
             for group in zip(*peers, strict=True)]
    axes.axhline(1, color="#d0d4da", linewidth=0.8, zorder=0)
    for place, (name, values) in enumerate(series.items()):
        for group, value in enumerate(values):
            if value is None:
                continue
            position = group + (place - (len(series) - 1) / 2) * extent
            height = value / units[group]
            axes.bar(position, height, extent * 0.94, color=colour(name), label=name)
            text = number(value)
            if name == OURS and ratios[group] is not None:
                text += f"\n{ratios[group]:.2f}x"
            axes.annotate(
                text, (position, height), (0, 2), textcoords="offset points", ha="center",
                fontsize=7.5, fontweight="bold" if name == OURS else "normal")
    axes.set_xticks(range(len(groups)), groups)
    axes.margins(y=0.18)


def finish(figure, all_axes, path: pathlib.Path, title: str) -> None:
    found: dict = {}
    for axes in all_axes.flat:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            found.setdefault(label, handle)
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=len(found),
                  frameon=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None}, facecolor="white")
    # Blanks at line ends mean nothing, and the check of all text refuses them.
    path.write_text("".join(f"{line.rstrip()}\n" for line in drawing.getvalue().splitlines()))


def draw_servers(results: list[dict]) -> None:
    """Per precision: requests/s of the closed loops, then p99 under Poisson arrivals."""
    figure, all_axes = new_figure(2 * len(results), 2, 10, 5.2 * len(results))
    for place, result in enumerate(results):
        for column, (size, found) in enumerate(result["sizes"].items()):
            names = list(found["peaks"])
            for offset, kind, key, ratio in (
                    (0, "closed", "rate", "rate_ratio"), (1, "open", "p99", "p99_ratio")):
                rows = found[kind]
                if kind == "closed":
                    title = f"{PICTURES[size]}, {result['precision']}: requests/s"
                    groups = [f"{count} connection{'s' * (count != '1')}" for count in rows]
                else:
                    title = (f"{PICTURES[size]}, {result['precision']}: p99 in ms under Poisson "
                             "arrivals")
                    groups = [f"{float(share):.0%} of its peak" for share in rows]
                axes = all_axes[2 * place + offset][column]
                axes.set_title(title)
                bars(axes, groups,
                     {name: [row["servers"][name][key] for row in rows.values()]
                      for name in names},
                     [row.get(ratio) for row in rows.values()], max if kind == "closed" else min)
    finish(figure, all_axes, DOCS / "benchmarks-servers.svg",
           "ResNet-50 over HTTP; bars and x: relative to the best peer")


def draw_engines(result: dict) -> None:
    """With all threads: per precision and batch, each engine in its best mode."""
    threads = max(row["threads"] for row in result["rows"])
    rows = [row for row in result["rows"] if row["threads"] == threads]
    precisions = [name for name in PRECISIONS if any(row["precision"] == name for row in rows)]
    batches = sorted({row["batch"] for row in rows})
    figure, all_axes = new_figure(
        len(precisions), len(batches), 5.2 * len(batches), 2.6 * len(precisions))
    modes = {"resnetd": ("resnetd", "resnetd-workers"), "ONNX Runtime": ("onnxruntime",),
             "OpenVINO": ("openvino", "openvino-throughput"), "ncnn": ("ncnn",), "MNN": ("mnn",)}
    for line, precision in enumerate(precisions):
        for column, batch in enumerate(batches):
            shown = [row for row in rows if (row["precision"], row["batch"]) == (precision, batch)]
            axes = all_axes[line][column]
            axes.set_title(f"{precision}, batch {batch}: images/s")
            series = {name: [max((row["medians"][mode] for mode in found
                                  if mode in row["medians"]), default=None) for row in shown]
                      for name, found in modes.items()}
            bars(axes, [row["network"] for row in shown],
                 {name: values for name, values in series.items() if any(values)},
                 [row["ratio"] for row in shown])
    finish(figure, all_axes, DOCS / "benchmarks-engines.svg",
           f"Engines on {threads} threads, each in its best mode; bars and x: relative to the best "
           "peer")


def load(name: str) -> dict | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def publish(name: str, result: dict) -> None:
    """Writes the table of `name`, the stem of a result's file, and its plot anew."""
    if name.startswith("engines"):
        replace(name, engines_text(result))
        if name == "engines":
            draw_engines(result)
        return
    replace(name, servers_text(result))
    draw_servers([found for precision in ("int8", "fp32") if (found := result
                  if name == f"servers-{precision}" else load(f"servers-{precision}"))])


def main() -> None:
    for path in sorted(RESULTS.glob("*.json")):
        if re.fullmatch("engines(-one-thread)?|servers-(int8|fp32)", path.stem):
            publish(path.stem, json.loads(path.read_text()))


if __name__ == "__main__":
    main()
