"""Prints the table of benchmarks/transfer/run and draws its curves.

usage: table.py RESULTS [CURVES.svg]
"""

import json
import pathlib
import re
import statistics
import sys

WAYS = {
    "head": "a new last layer",
    "last": "the last stage",
    "all": "all layers",
    "scratch": "from scratch",
}


def runs(results, way):
    """Returns, for each draw of images, what training reported and how it was judged."""
    found = []
    for report in sorted(results.glob(f"{way}-[0-9]*.json")):
        judged = json.loads(report.with_suffix(".judged").read_text())
        found.append((json.loads(report.read_text()), judged["precisions"][0]))
    return found


def epochs_of(report):
    return (report["course"] or {}).get("epochs", [])


def share(values):
    text = f"{100 * statistics.mean(values):.1f} %"
    return text + (f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else "")


def table(results):
    print("| way | epochs | time | top-1 |")
    print("|---|---|---|---|")
    for way, title in WAYS.items():
        made = runs(results, way)
        epochs = {len(epochs_of(report)) for report, _ in made}
        seconds = statistics.mean(report["seconds"] for report, _ in made)
        accuracies = [judged["top1"]["value"] for _, judged in made]
        count = "-".join(map(str, sorted({min(epochs), max(epochs)}))) if max(epochs) else "none"
        print(f"| {title} | {count} | {seconds:.0f} s | {share(accuracies)} |")


def curves(results, file):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "resnetd", "font.size": 10})
    figure, axes = pyplot.subplots(figsize=(7, 4))
    colours = dict(zip(WAYS, pyplot.get_cmap("viridis")([0.05, 0.35, 0.6, 0.85])))
    for way, title in WAYS.items():
        for number, (report, _) in enumerate(runs(results, way)):
            label = title if number == 0 else None
            epochs = epochs_of(report)
            if not epochs:
                accuracy = report["evaluation"]["precisions"][0]["top1"]["value"]
                axes.axhline(100 * accuracy, color=colours[way], linestyle=":", label=label)
                continue
            axes.plot(
                range(1, len(epochs) + 1), [100 * epoch["held_out_accuracy"] for epoch in epochs],
                color=colours[way], label=label)
    axes.set_xscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("top-1 of the images that choose the epoch, %")
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
    text = file.read_text()
    file.write_text(re.sub(r"[ \t]+$", "", text, flags=re.M))


def main():
    results = pathlib.Path(sys.argv[1])
    table(results)
    if len(sys.argv) > 2:
        curves(results, pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
