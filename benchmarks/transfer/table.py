"""Prints the table of benchmarks/transfer/run from its reports, and draws accuracy over epochs."""

import json
import pathlib
import statistics
import sys

WAYS = {
    "head": "`--tune head`", "last:1": "`--tune last:1`", "all": "`--tune all`",
    "scratch": "from scratch",
}
FILES = {way: way.replace(":", "") for way in WAYS}
COLOURS = {"head": "#888", "last:1": "#1b7f5c", "all": "#1f5fbf", "scratch": "#c2571a"}
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 50, 40


def top1(report: dict) -> float:
    return report["evaluation"]["precisions"][0]["top1"]["value"]


def curve(report: dict) -> list[tuple[float, float]]:
    """Share of the training and accuracy after each epoch."""
    course = report["course"]
    if not course:
        return []
    epochs = [each["held_out_accuracy"] for each in course["epochs"]]
    return [((number + 1) / course["epoch_count"], value) for number, value in enumerate(epochs)]


def plot(reports: dict[str, list[dict]]) -> str:
    def x(share: float) -> float:
        return LEFT + share * (WIDTH - LEFT - 100)

    def y(accuracy: float) -> float:
        return (HEIGHT - BOTTOM) * (1 - accuracy) + 10

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for percent in range(0, 101, 20):
        level = y(percent / 100)
        parts.append(f'<path d="M{LEFT} {level}H{x(1)}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 6}" y="{level + 4}" text-anchor="end">{percent} %</text>')
    parts.append(f'<text x="{x(0.5)}" y="{HEIGHT - 8}" text-anchor="middle">'
                 'share of the training</text>')
    for way, found in reports.items():
        last = 0.0
        for report in found:
            points = curve(report) or [(0.0, top1(report)), (1.0, top1(report))]
            last = points[-1][1]
            path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[way]}" '
                         'stroke-width="1.5" opacity="0.8"/>')
        parts.append(f'<text x="{x(1) + 6}" y="{y(last) + 4}" fill="{COLOURS[way]}">{way}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    seeds = range(int(sys.argv[1]))
    reports = {
        way: [json.loads(pathlib.Path(f"{FILES[way]}-{seed}.json").read_text()) for seed in seeds]
        for way in WAYS}
    print("| way | top-1 of the new five | time |\n|---|---|---|")
    for way, found in reports.items():
        values = [100 * top1(report) for report in found]
        spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        seconds = statistics.median(report["seconds"] for report in found)
        print(f"| {WAYS[way]} | {statistics.mean(values):.1f}{spread} % | {seconds:.0f} s |")
    pathlib.Path("curves.svg").write_text(plot(reports))
    print("\ncurves: curves.svg")


if __name__ == "__main__":
    main()
