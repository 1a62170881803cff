"""Draws the bars of a peers.json: python chart.py peers.json peers.svg"""
import json
import sys

INK, MUTED, OURS, OTHERS = "#1f2430", "#6b7280", "#d9480f", "#a8b3c2"
TITLES = {"embed": "Embeddings: texts per second", "score": "Cross-encoder: pairs per second"}


def draw(report, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"font.family": "sans-serif", "font.size": 10, "svg.fonttype": "none", "text.color": INK})
    tasks = {task: results for task, results in report["tasks"].items() if results}
    heights = [len(results) for results in tasks.values()]
    figure, axes = plt.subplots(len(tasks), 1, squeeze=False, figsize=(8.2, 1.3 + 0.34 * sum(heights) + 0.6 * len(tasks)),
                                gridspec_kw={"height_ratios": heights}, layout="constrained")
    for axis, (task, results) in zip(axes[:, 0], tasks.items()):
        bars(axis, task, results)
    machine = report["machine"]
    figure.supxlabel(f"{machine['cpu']}, {report['threads']} threads, {report['n_inputs']} Debian package descriptions "
                     f"of mixed length, tokenization included, {report['date']}\n"
                     "NAME:N computes batches of N texts, sorted by length; a number not followed by an accuracy is as "
                     "exact as float32", fontsize=8, color=MUTED)
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(figure)


def bars(axis, task, results):
    ordered = sorted(results.items(), key=lambda item: item[1]["per_s"])
    names = [name for name, _ in ordered]
    speeds = [result["per_s"] for _, result in ordered]
    axis.barh(names, speeds, height=0.7, color=[OURS if name.startswith("hone") else OTHERS for name in names])
    for row, (_, result) in enumerate(ordered):
        label = f" {result['per_s']:.0f}"
        close = result["accuracy"]
        if close and abs(close["worst"] - (close["kind"] == "cosine")) > 1e-4:  # otherwise as good as float32
            label += f"   {close['kind']} {close['mean']:.4f}, worst {close['worst']:.4f}"
        axis.text(result["per_s"], row, label, va="center", fontsize=8.5)
    axis.set_title(TITLES[task], loc="left", fontsize=11, fontweight="bold")
    axis.set_xlim(0, max(speeds) * 1.5)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.spines["left"].set_color(OTHERS)
    axis.tick_params(length=0, labelsize=9)
    axis.set_xticks([])
    for label in axis.get_yticklabels():
        label.set_fontweight("bold" if label.get_text().startswith("hone") else "normal")


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        draw(json.load(file), sys.argv[2])
